/** Making proofs out of stored hashes: RFC 9162 §2.1.3.1 and §2.1.4.1. */

import { type Hash, hashNode } from './hash.ts';
import { type Proof, splitPoint } from './proof.ts';

/** Where hashes of the tree come from. */
export interface HashReader {
  /** Returns the hash of the perfect subtree over leaves [index × 2^level, (index + 1) × 2^level). Throws when absent. */
  node(level: number, index: number): Promise<Hash>;
}

/** Returns the root of the leaves [start, end), where `start` is a multiple of a power of two ≥ the number of leaves. */
const rootOf = async (start: number, end: number, hashes: HashReader): Promise<Hash> => {
  const size = end - start;
  const k = size === 1 ? 1 : splitPoint(size);
  if (size === 1 || size === k * 2) return hashes.node(Math.log2(size), start / size);
  const left = await rootOf(start, start + k, hashes);
  return hashNode(left, await rootOf(start + k, end, hashes));
};

// SUBPROOF over the leaves [start, start + size); `whole` is the RFC's b: the earlier root is known to the verifier.
const subproof = async (
  end: number,
  start: number,
  size: number,
  whole: boolean,
  hashes: HashReader,
): Promise<Hash[]> => {
  if (end - start === size) return whole ? [] : [await rootOf(start, start + size, hashes)];
  const middle = start + splitPoint(size);
  if (end <= middle) {
    const inner = await subproof(end, start, middle - start, whole, hashes);
    return [...inner, await rootOf(middle, start + size, hashes)];
  }
  const inner = await subproof(end, middle, start + size - middle, false, hashes);
  return [...inner, await rootOf(start, middle, hashes)];
};

/** Returns the proof that the tree of `size2` extends the tree of `size1`. Needs 0 < size1 ≤ size2. */
export const proveConsistency = (size1: number, size2: number, hashes: HashReader): Promise<Proof> => {
  if (size1 < 1 || size1 > size2) throw new RangeError(`no consistency proof from size ${size1} to size ${size2}`);
  return subproof(size1, 0, size2, true, hashes);
};

const path = async (index: number, start: number, size: number, hashes: HashReader): Promise<Hash[]> => {
  if (size === 1) return [];
  const middle = start + splitPoint(size);
  const end = start + size;
  if (index < middle) return [...(await path(index, start, middle - start, hashes)), await rootOf(middle, end, hashes)];
  return [...(await path(index, middle, end - middle, hashes)), await rootOf(start, middle, hashes)];
};

/** Returns the proof that the leaf at `index` stands in the tree of `size`. Needs 0 ≤ index < size. */
export const proveInclusion = (index: number, size: number, hashes: HashReader): Promise<Proof> => {
  if (index < 0 || index >= size) throw new RangeError(`no leaf ${index} in a tree of size ${size}`);
  return path(index, 0, size, hashes);
};
