/**
 * Which set of a table a count stands in. Names of counts are not enough to tell: gateways that share counts share their
 * names, and whoever knew those could fill one set until calls of others are refused. So the set is drawn from a seed
 * that no other process has. (Carter, Wegman, "Universal classes of hash functions", 1979; Dietzfelbinger 1996 for
 * multiply-shift)
 */

import { randomFillSync } from 'node:crypto';

const WORDS = 4;
/** Bytes of a seed, at the end of the memory of a table. */
export const SEED_BYTES = WORDS * 4;

/** Draws the seed of a new table. */
export function drawSeed(memory: SharedArrayBuffer): void {
  // random numbers go into memory of this thread alone
  const drawn = randomFillSync(new Int32Array(WORDS));
  seedOf(memory).set(drawn.map((word) => word | 1));
}

/** Returns the seed of a table. */
export const seedOf = (memory: SharedArrayBuffer): Int32Array =>
  new Int32Array(memory, memory.byteLength - SEED_BYTES, WORDS);

/** Returns which of `sets`, a power of two, the count of this name stands in. */
export function placeOf(words: Int32Array, seed: Int32Array, sets: number): number {
  let sum = 0;
  for (let at = 0; at < WORDS; at++) sum = (sum + Math.imul(words[at] ?? 0, seed[at] ?? 0)) | 0;
  // the high bits are those that depend on every bit
  return sets === 1 ? 0 : sum >>> (Math.clz32(sets) + 1);
}
