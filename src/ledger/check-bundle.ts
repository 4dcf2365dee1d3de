/** One bundle of leaves by itself: read, decoded, and held against its tile. Bundles can be checked in any order. */

import { decodeBundle, MAX_BUNDLE_BYTES } from './bundle.ts';
import { HASH_BYTES, hashLeaf, sameBytes } from './hash.ts';
import { decodeLeaf, type ReadLeaf } from './leaf.ts';
import type { LogReader } from './log-reader.ts';
import { Malformed, malformedMessage } from './malformed.ts';
import type { Problem, ProblemKind } from './report.ts';
import { type HashTile, TILE_WIDTH, type Tile, tilePath } from './tile.ts';
import { readTile } from './tile-hashes.ts';

/** A bundle as it was found. */
export interface CheckedBundle {
  /** Its leaves, null where one cannot be read; null when the bundle cannot. */
  readonly leaves: readonly (ReadLeaf | null)[] | null;
  /** The hashes to go on with, one after the other: of the leaves or in the tile; null when neither is there. */
  readonly hashes: Uint8Array | null;
  readonly problems: readonly Problem[];
}

/** Checks the bundle with this index as it is in a tree where it has `width` leaves. */
export type BundleCheck = (index: number, width: number) => Promise<CheckedBundle>;

/** Returns the leaves of a bundle as it is in a tree where it has this width, or null when it is not stored. */
export const readBundle = async (files: LogReader, tile: Tile): Promise<readonly Uint8Array[] | null> => {
  const own = await files.read(tilePath(tile), MAX_BUNDLE_BYTES);
  // A partial bundle may have been replaced by the full one (C2SP tlog-tiles "Partial Tiles").
  const bytes = own ?? (await files.read(tilePath({ ...tile, width: TILE_WIDTH }), MAX_BUNDLE_BYTES));
  if (bytes === null) return null;
  const leaves = decodeBundle(bytes);
  const fits = own === null ? leaves.length === TILE_WIDTH : leaves.length === tile.width;
  if (!fits) throw new Malformed(`holds ${leaves.length} entries, not ${tile.width}`);
  return leaves.slice(0, tile.width);
};

/** Resolves to what was read, or to null after telling that it is missing or malformed. */
const orProblem = async <T>(
  problems: Problem[],
  kind: ProblemKind,
  tile: Tile,
  reading: Promise<T | null>,
): Promise<T | null> => {
  try {
    const read = await reading;
    if (read === null) problems.push({ kind, where: tilePath(tile), message: 'is missing' });
    return read;
  } catch (error) {
    problems.push({ kind, where: tilePath(tile), message: malformedMessage(error) });
    return null;
  }
};

const readLeaf = (problems: Problem[], index: number, bytes: Uint8Array): ReadLeaf | null => {
  try {
    return decodeLeaf(bytes);
  } catch (error) {
    problems.push({ kind: 'leaf', where: `leaf ${index}`, message: malformedMessage(error) });
    return null;
  }
};

/** Returns the hashes of leaves, held against those of their tile where that is there. */
const hashesOf = (problems: Problem[], tile: HashTile, leaves: readonly Uint8Array[], stored: Uint8Array | null) => {
  const hashes = new Uint8Array(leaves.length * HASH_BYTES);
  for (const [at, leaf] of leaves.entries()) {
    const hash = hashLeaf(leaf);
    hashes.set(hash, at * HASH_BYTES);
    const own = stored?.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
    if (own === undefined || sameBytes(hash, own)) continue;
    const message = `is not the one that ${tilePath(tile)} has the hash of`;
    problems.push({ kind: 'leaf', where: `leaf ${tile.index * TILE_WIDTH + at}`, message });
    // The root then tells which of the two was changed: with the stored hash it is right when only the leaf was.
    hashes.set(own, at * HASH_BYTES);
  }
  return hashes;
};

/** Resolves to a bundle and what is wrong with it. */
export const checkBundle = async (files: LogReader, index: number, width: number): Promise<CheckedBundle> => {
  const problems: Problem[] = [];
  const entries: Tile = { level: 'entries', index, width };
  const tile: HashTile = { level: 0, index, width };
  // both at once, and told of in one order
  const reading = [readBundle(files, entries), readTile(files, tile)] as const;
  await Promise.allSettled(reading);
  const bundle = await orProblem(problems, 'bundle', entries, reading[0]);
  const stored = await orProblem(problems, 'tile', tile, reading[1]);
  if (bundle === null) return { leaves: null, hashes: stored, problems };
  const leaves = bundle.map((leaf, at) => readLeaf(problems, index * TILE_WIDTH + at, leaf));
  return { leaves, hashes: hashesOf(problems, tile, bundle, stored), problems };
};
