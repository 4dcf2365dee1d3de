/** Hashes of the Merkle tree (RFC 6962 §2.1, RFC 9162 §2.1.1). */

import { sha256 } from './crypto.ts';

/** A SHA-256 hash: 32 bytes, never changed after it is made. */
export type Hash = Uint8Array;

/** Bytes of a hash. */
export const HASH_BYTES = 32;

/** The root of the tree without leaves: the hash of nothing. */
export const EMPTY_ROOT: Hash = sha256(new Uint8Array(0));

// RFC 6962 §2.1: leaf prefix 0x00, node prefix 0x01, so that neither can pass for the other.
const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;

// Reused for every node; hashing is synchronous, so nothing else can see it half-filled.
const node = new Uint8Array(1 + 2 * HASH_BYTES);
node[0] = NODE_PREFIX;

/** Returns the hash of a leaf's bytes. */
export const hashLeaf = (leaf: Uint8Array): Hash => {
  const prefixed = new Uint8Array(1 + leaf.length);
  prefixed[0] = LEAF_PREFIX;
  prefixed.set(leaf, 1);
  return sha256(prefixed);
};

/** Returns the hash of the node over two subtrees. Both must be 32 bytes. */
export const hashNode = (left: Hash, right: Hash): Hash => {
  node.set(left, 1);
  node.set(right, 1 + HASH_BYTES);
  return sha256(node);
};

/** Returns true when both are the same bytes. Not in constant time: nothing here is secret. */
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false;
  // A loop: with every() it would take longer than hashing did.
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
};

/**
 * Returns the hash of a perfect subtree, given the hashes of its 2^k equal parts, one after the other.
 * `hashes` must be 2^k × 32 bytes.
 */
export const hashPerfect = (hashes: Uint8Array): Hash => {
  if (hashes.length === HASH_BYTES) return hashes.slice();
  const half = hashes.length / 2;
  return hashNode(hashPerfect(hashes.subarray(0, half)), hashPerfect(hashes.subarray(half)));
};
