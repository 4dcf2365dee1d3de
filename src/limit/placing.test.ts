import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { keysOf } from './count-key.ts';
import { drawSeed, placeOf, seedOf, SEED_BYTES } from './placing.ts';

const seed = (): Int32Array => {
  const memory = new SharedArrayBuffer(SEED_BYTES);
  drawSeed(memory);
  return seedOf(memory);
};
const names = (count: number) => {
  const keyOf = keysOf(randomBytes(32), 'r', 1000);
  return Array.from({ length: count }, (_, n) => keyOf(`caller ${n}`).words);
};
const SETS = 1024;

describe('the set of a count', () => {
  it('is one of those there are', () => {
    for (const sets of [1, 2, 64, 65_536]) {
      const own = seed();
      for (const words of names(200)) {
        const place = placeOf(words, own, sets);
        expect(Number.isInteger(place) && place >= 0 && place < sets).toBe(true);
      }
    }
  });

  it('cannot be told by who knows all names: those that share one set in a process are spread in another', () => {
    const [mine, other] = [seed(), seed()];
    const all = names(64 * SETS);
    const aimed = all.filter((words) => placeOf(words, mine, SETS) === 7);
    expect(aimed.length).toBeGreaterThan(20);
    const hit = new Set(aimed.map((words) => placeOf(words, other, SETS)));
    expect(hit.size).toBeGreaterThan(aimed.length / 2);
  });
});
