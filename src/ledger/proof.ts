/**
 * Verifying proofs: RFC 9162 §2.1.3 (inclusion) and §2.1.4 (consistency), and the same for subtrees as
 * draft-ietf-plants-merkle-tree-certs §4 defines them. Written after the recursive definitions of the RFC, from the
 * root down, so that each line can be held against it. Everything that does not fit is false; nothing throws.
 */

import { EMPTY_ROOT, type Hash, HASH_BYTES, hashNode, sameBytes } from './hash.ts';

/** Hashes of a proof, the lowest level first, as RFC 9162 orders them. */
export type Proof = readonly Hash[];

const isSize = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

/** Returns the largest power of two that is smaller than `size` (RFC 9162 §2.1.1: where a tree splits). `size` ≥ 2. */
export const splitPoint = (size: number): number => {
  let k = 1;
  while (k * 2 < size) k *= 2;
  return k;
};

/** Gives out the hashes of a proof from the root down; `null` when one is missing or is no hash. */
const fromTheTop = (proof: Proof) => {
  let left = proof.length;
  return {
    next: (): Hash | null => {
      const hash = proof[--left];
      return hash?.length === HASH_BYTES ? hash : null;
    },
    allUsed: () => left === 0,
  };
};
type Steps = ReturnType<typeof fromTheTop>;

// RFC 9162 §2.1.3.1: PATH(m, D_n).
const rootByPath = (index: number, size: number, leaf: Hash, steps: Steps): Hash | null => {
  if (size === 1) return leaf;
  const k = splitPoint(size);
  const sibling = steps.next();
  if (sibling === null) return null;
  const onLeft = index < k;
  const own = onLeft ? rootByPath(index, k, leaf, steps) : rootByPath(index - k, size - k, leaf, steps);
  if (own === null) return null;
  return onLeft ? hashNode(own, sibling) : hashNode(sibling, own);
};

/** Returns true when `proof` shows that the leaf with this hash stands at `index` in the tree of `size` with `root`. */
export const verifyInclusion = (index: number, size: number, leaf: Hash, proof: Proof, root: Hash): boolean => {
  if (!isSize(index) || !isSize(size) || index >= size || leaf.length !== HASH_BYTES) return false;
  const steps = fromTheTop(proof);
  const found = rootByPath(index, size, leaf, steps);
  return found !== null && steps.allUsed() && sameBytes(found, root);
};

interface Roots {
  readonly part: Hash;
  readonly whole: Hash;
}

/**
 * RFC 9162 §2.1.4.1: SUBPROOF(m, D_n, b), with a start. Returns the root of [start, end) and the root of all `size`
 * leaves. `known` is the root of the part while that is still a subtree of the tree (b = true), else null.
 */
const rootsByPath = (start: number, end: number, size: number, known: Hash | null, steps: Steps): Roots | null => {
  if (start === 0 && end === size) {
    const hash = known ?? steps.next();
    return hash === null ? null : { part: hash, whole: hash };
  }
  const k = splitPoint(size);
  const sibling = steps.next();
  if (sibling === null) return null;
  if (end <= k) {
    const left = rootsByPath(start, end, k, known, steps);
    return left === null ? null : { part: left.part, whole: hashNode(left.whole, sibling) };
  }
  if (start >= k) {
    const right = rootsByPath(start - k, end - k, size - k, known, steps);
    return right === null ? null : { part: right.part, whole: hashNode(sibling, right.whole) };
  }
  // The part ends inside the right half and holds all of the left one: from here on its root is no node of the tree.
  const right = rootsByPath(0, end - k, size - k, null, steps);
  return right === null ? null : { part: hashNode(sibling, right.part), whole: hashNode(sibling, right.whole) };
};

// A subtree starts at a multiple of the smallest power of two that is not smaller than its size.
const isSubtree = (start: number, end: number): boolean => {
  if (!isSize(start) || !isSize(end) || start >= end) return false;
  const size = end - start;
  const unit = size === 1 ? 1 : splitPoint(size) * 2;
  return start % unit === 0;
};

/** Returns true when `proof` shows that the leaf with this hash stands at `index` in the subtree [start, end) with `root`. */
export const verifySubtreeInclusion = (
  index: number,
  start: number,
  end: number,
  leaf: Hash,
  proof: Proof,
  root: Hash,
): boolean => isSubtree(start, end) && isSize(index) && verifyInclusion(index - start, end - start, leaf, proof, root);

/**
 * Returns true when `proof` shows that the subtree [start, end) with `part` belongs to the tree of `size` with `whole`.
 * The empty subtree belongs to every tree, with an empty proof.
 */
export const verifySubtreeConsistency = (
  start: number,
  end: number,
  size: number,
  proof: Proof,
  part: Hash,
  whole: Hash,
): boolean => {
  if (!isSize(size) || end > size) return false;
  if (start === end) return isSize(start) && proof.length === 0 && sameBytes(part, EMPTY_ROOT);
  if (!isSubtree(start, end)) return false;
  const steps = fromTheTop(proof);
  const roots = rootsByPath(start, end, size, part, steps);
  return roots !== null && steps.allUsed() && sameBytes(roots.part, part) && sameBytes(roots.whole, whole);
};

/**
 * Returns true when `proof` shows that the tree of `size2` with `root2` extends the tree of `size1` with `root1`.
 * Equal sizes need equal roots and an empty proof. Nothing is proven from the empty tree to another: false.
 */
export const verifyConsistency = (size1: number, size2: number, proof: Proof, root1: Hash, root2: Hash): boolean => {
  if (size1 === size2) {
    const possible = isSize(size1) && (size1 > 0 || sameBytes(root1, EMPTY_ROOT));
    return possible && proof.length === 0 && sameBytes(root1, root2);
  }
  return size1 !== 0 && verifySubtreeConsistency(0, size1, size2, proof, root1, root2);
};
