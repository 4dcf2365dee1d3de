/** The Merkle tree as RFC 9162 §2.1 writes it down, in time that nobody would accept: the oracle for the real one. */

import { createHash } from 'node:crypto';

const hash = (...parts: readonly Uint8Array[]): Uint8Array => {
  const sha256 = createHash('sha256');
  for (const part of parts) sha256.update(part);
  return new Uint8Array(sha256.digest());
};

const split = (size: number): number => {
  let k = 1;
  while (k * 2 < size) k *= 2;
  return k;
};

/** Returns MTH(leaves), RFC 9162 §2.1.1. */
export const naiveRoot = (leaves: readonly Uint8Array[]): Uint8Array => {
  const [first] = leaves;
  if (first === undefined) return hash();
  if (leaves.length === 1) return hash(Uint8Array.of(0), first);
  const k = split(leaves.length);
  return hash(Uint8Array.of(1), naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
};

/** Returns PATH(index, leaves), RFC 9162 §2.1.3.1. */
export const naivePath = (index: number, leaves: readonly Uint8Array[]): Uint8Array[] => {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  return index < k
    ? [...naivePath(index, leaves.slice(0, k)), naiveRoot(leaves.slice(k))]
    : [...naivePath(index - k, leaves.slice(k)), naiveRoot(leaves.slice(0, k))];
};

/** Returns SUBPROOF(size, leaves, known), RFC 9162 §2.1.4.1. */
export const naiveConsistency = (size: number, leaves: readonly Uint8Array[], known = true): Uint8Array[] => {
  if (size === leaves.length) return known ? [] : [naiveRoot(leaves)];
  const k = split(leaves.length);
  return size <= k
    ? [...naiveConsistency(size, leaves.slice(0, k), known), naiveRoot(leaves.slice(k))]
    : [...naiveConsistency(size - k, leaves.slice(k), false), naiveRoot(leaves.slice(0, k))];
};

/** Returns `count` leaves that differ from one another. */
export const someLeaves = (count: number): readonly Uint8Array[] =>
  Array.from({ length: count }, (_, at) => new TextEncoder().encode(`leaf ${at}`));
