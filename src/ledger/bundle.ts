/** Entry bundles: the leaves themselves, each behind its length as two bytes, big-endian (C2SP tlog-tiles "Log entries"). */

import { Malformed } from './malformed.ts';
import { TILE_WIDTH } from './tile.ts';

/** The longest leaf, in bytes: what two bytes of length can say. */
export const MAX_LEAF_BYTES = 0xffff;
/** The largest entry bundle, in bytes. */
export const MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + MAX_LEAF_BYTES);

/** Returns the bytes of `leaves` one after the other, framed. Throws Malformed for a leaf that is empty or too long. */
export const encodeBundle = (leaves: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(leaves.reduce((sum, leaf) => sum + 2 + leaf.length, 0));
  let at = 0;
  for (const leaf of leaves) {
    if (leaf.length === 0 || leaf.length > MAX_LEAF_BYTES) throw new Malformed(`a leaf of ${leaf.length} bytes`);
    bytes[at] = leaf.length >> 8;
    bytes[at + 1] = leaf.length & 0xff;
    bytes.set(leaf, at + 2);
    at += 2 + leaf.length;
  }
  return bytes;
};

/** Returns the leaves in `bytes`, as views. Throws Malformed when the bytes do not end where a leaf ends. */
export const decodeBundle = (bytes: Uint8Array): readonly Uint8Array[] => {
  const leaves: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    const end = at + 2 + length;
    if (length === 0 || end > bytes.length) throw new Malformed(`entry ${leaves.length} of the bundle is cut off`);
    leaves.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return leaves;
};
