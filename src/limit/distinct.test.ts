import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { keysOf } from './count-key.ts';
import { FULL, OVER } from './counts.ts';
import { DistinctCounts, distinctMemory } from './distinct.ts';

const SECRET = randomBytes(32);
const START = Date.UTC(2026, 0, 5, 12);
const HALF = 30_000;

const table = (slots = 16): DistinctCounts => new DistinctCounts(distinctMemory(slots));
const keyOf = keysOf(SECRET, 'd', HALF);

const see = (counts: DistinctCounts, name: string, input: string, most: number, now = START): number => {
  const digest = createHash('sha256').update(name).update(input).digest();
  return counts.see(keyOf(name), digest.readInt32LE(0), digest.readInt32LE(4), most, now);
};

/** Returns how many distinct inputs pass, of many more than the limit. */
const passing = (counts: DistinctCounts, name: string, most: number): number => {
  let passed = 0;
  for (let input = 0; input < most * 2 + 10; input++) if (see(counts, name, `input ${input}`, most) === 0) passed++;
  return passed;
};

describe('distinct inputs', () => {
  it.each([1, 5, 50, 500, 2_000, 10_000, 40_000])('end near %d, and hardly ever beyond', (most) => {
    // room enough that no set of slots runs full, whatever the secret makes of the names
    const counts = table(4096);
    const runs = Array.from({ length: most > 5_000 ? 10 : 40 }, (_, run) => passing(counts, `run ${run}`, most));
    expect(Math.max(...runs)).toBeLessThanOrEqual(most * 1.02);
    expect(Math.min(...runs)).toBeGreaterThanOrEqual(Math.floor(most * 0.8));
    expect(runs.reduce((sum, each) => sum + each, 0) / runs.length).toBeGreaterThanOrEqual(most * 0.88);
  });

  it('are counted once, however often they come', () => {
    const counts = table();
    for (let again = 0; again < 1000; again++) expect(see(counts, 'a', `input ${again % 3}`, 5)).toBe(0);
    expect(counts.read(keyOf('a'), START)).toBeGreaterThan(2.9);
    expect(counts.read(keyOf('a'), START)).toBeLessThan(3.1);
  });

  it('do not pass at all once the limit is reached, not even those that were there before', () => {
    const counts = table();
    expect(passing(counts, 'a', 100)).toBeLessThanOrEqual(100);
    for (let input = 0; input < 5_000; input++) expect(see(counts, 'a', `input ${input}`, 100)).toBe(OVER);
    expect(see(counts, 'a', 'more', 120)).toBe(0);
  });

  it('forgets after a window at the earliest, and after one and a half at the latest', () => {
    for (const offset of [0, 1, HALF / 2, HALF - 1]) {
      const counts = table();
      const first = START + offset;
      let input = 0;
      while (see(counts, 'a', `input ${input}`, 20, first) === 0) input++;
      expect(see(counts, 'a', 'new', 20, first + 2 * HALF - 1)).toBe(OVER);
      const frees = counts.frees(keyOf('a'));
      expect(frees - first).toBeGreaterThanOrEqual(2 * HALF);
      expect(frees - first).toBeLessThanOrEqual(3 * HALF);
      expect(see(counts, 'a', 'new', 20, frees - 1)).toBe(OVER);
      expect(see(counts, 'a', 'new', 20, frees)).toBe(0);
    }
  });

  it('takes no new count when it is full', () => {
    const counts = table(16);
    for (let n = 0; n < counts.slots; n++) expect(see(counts, `k${n}`, 'x', 1)).toBe(0);
    expect(see(counts, 'another', 'x', 1)).toBe(FULL);
    expect(see(counts, 'another', 'x', 1, START + 3 * HALF)).toBe(0);
  });

  it('drains what changed once, and merges what another saw', () => {
    const [here, there] = [table(), table()];
    for (let input = 0; input < 80; input++) see(here, 'a', `input ${input}`, 1000);
    const drained = here.drain();
    expect(drained).toHaveLength(1);
    expect(here.drain()).toEqual([]);
    for (const { generation, registers } of drained) there.merge(keyOf('a'), generation, registers, START);
    expect(there.read(keyOf('a'), START)).toBe(here.read(keyOf('a'), START));
    expect(there.drain()).toEqual([]);
    expect(see(there, 'a', 'new', 80)).toBe(OVER);
  });
});
