/**
 * Opens what an earlier run left, and refuses to guess: checkpoint, history, tiles and write-ahead log must tell the
 * same story, or nothing is signed on top of it.
 */

import { readdir } from 'node:fs/promises';
import { decodeBundle, MAX_BUNDLE_BYTES } from './bundle.ts';
import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import { CompactRange } from './compact-range.ts';
import { HASH_BYTES, hashLeaf, sameBytes } from './hash.ts';
import type { LogFolder } from './log-folder.ts';
import { Malformed } from './malformed.ts';
import { parseNote } from './note.ts';
import type { NoteVerifier } from './note-key.ts';
import { partialTile, partialTiles, tilePath } from './tile.ts';
import { readTile } from './tile-hashes.ts';
import { type Edge, NO_EDGE, TreeFiles } from './tree-files.ts';
import { readSegments, sizeAfter, type StoredSegment } from './wal.ts';

/** A checkpoint as it is published. */
export interface Published {
  readonly checkpoint: Checkpoint;
  readonly note: Uint8Array;
}

/** Where a log goes on. */
export interface Recovered {
  /** The latest checkpoint; null for a new log. */
  readonly head: Published | null;
  /** All leaves, those behind the head included. */
  readonly tree: TreeFiles;
  readonly memo: Uint8Array | null;
  /** Segments of the write-ahead log; none for a new log. */
  readonly segments: readonly StoredSegment[];
}

const bytesOf = (note: Uint8Array | null): Uint8Array => note ?? new Uint8Array(0);

/** Throws Malformed when a checkpoint says that another key goes on: both have signed the one in which they changed. */
const refuseReplaced = (note: Uint8Array, key: NoteVerifier): void => {
  const newest = parseNote(note).signatures.findLast(({ name }) => name === key.name);
  if (newest?.keyId === key.keyId) return;
  throw new Malformed('the key that signs was replaced: the config still names the old one');
};

/**
 * Returns the latest checkpoint. The history is written before the checkpoint, so a crash can leave it one ahead or its
 * last line torn; both are put right here. Anything else is a rollback, and Malformed.
 */
const latest = async (folder: LogFolder, key: NoteVerifier): Promise<Published | null> => {
  const published = await folder.checkpoint();
  const history = await folder.historyEnd(key.name);
  if (history === null) {
    if (published === null) return null;
    throw new Malformed('there is a checkpoint but no history of checkpoints');
  }
  const { last, previous, end } = history;
  const isAhead = last !== null && sameBytes(bytesOf(previous), bytesOf(published));
  if (!isAhead && !sameBytes(bytesOf(last), bytesOf(published))) {
    throw new Malformed('the checkpoint is not the last one of its history: one of them was replaced or rolled back');
  }
  const opened = last === null ? null : { checkpoint: openCheckpoint(last, [key], key.name), note: last };
  if (last !== null) refuseReplaced(last, key);
  if (opened === null || !isAhead) {
    await folder.mend(end);
    return opened;
  }
  // Written again, because nobody knows whether it was on disk.
  await folder.mend(end - last.length - 1);
  await folder.remember(new TextDecoder().decode(last));
  await folder.publish(last);
  return opened;
};

/** Returns the right edge of the stored tree. Throws Malformed when a file is missing or the bundle is not what its tile says. */
const readEdge = async (folder: LogFolder, size: number): Promise<Edge> => {
  const tiles: Uint8Array[] = [];
  for (const tile of partialTiles(size)) {
    const bytes = await readTile(folder.reader, tile);
    if (bytes === null) throw new Malformed(`${tilePath(tile)} is missing`);
    tiles.push(bytes);
  }
  const bundle = partialTile('entries', size);
  if (bundle === null) return { size, tiles, leaves: [] };
  const bytes = await folder.reader.read(tilePath(bundle), MAX_BUNDLE_BYTES);
  if (bytes === null) throw new Malformed(`${tilePath(bundle)} is missing`);
  const leaves = decodeBundle(bytes);
  const [hashes = new Uint8Array(0)] = tiles;
  const fits = leaves.every((leaf, at) =>
    sameBytes(hashLeaf(leaf), hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES)),
  );
  if (!fits || leaves.length !== bundle.width) throw new Malformed(`${tilePath(bundle)} is not what its tile says`);
  return { size, tiles, leaves };
};

/** Returns the tree of the stored tiles. Throws Malformed when its root is not that of the checkpoint. */
const readTree = async (folder: LogFolder, { size, root }: Checkpoint): Promise<TreeFiles> => {
  const tree = new TreeFiles(await readEdge(folder, size));
  if (!sameBytes(tree.root(), root))
    throw new Malformed(`the tiles have another root than the checkpoint of size ${size}`);
  return tree;
};

/**
 * Adds to `tree` the leaves behind its size. Throws Malformed when the write-ahead log does not reach the checkpoint,
 * begins behind it, or leads to another root there.
 */
const replay = (segments: readonly StoredSegment[], tree: TreeFiles, { size, root }: Checkpoint): void => {
  const [first] = segments;
  const last = segments.at(-1);
  if (first === undefined || last === undefined) throw new Malformed('the write-ahead log is missing');
  if (first.base.size > size || sizeAfter(last) < size) {
    throw new Malformed(
      `the write-ahead log holds leaves ${first.base.size} to ${sizeAfter(last)}, the checkpoint ${size}`,
    );
  }
  const range = new CompactRange(first.base.size, first.base.nodes);
  const check = (): void => {
    if (range.size !== size || sameBytes(range.root(), root)) return;
    throw new Malformed(`the write-ahead log has another root than the checkpoint of size ${size}`);
  };
  check();
  for (const leaf of segments.flatMap(({ batches }) => batches).flatMap(({ leaves }) => leaves)) {
    if (range.size >= size) {
      tree.push(leaf);
      continue;
    }
    range.push(hashLeaf(leaf));
    check();
  }
};

const memoOf = (segments: readonly StoredSegment[]): Uint8Array | null => {
  const last = segments.at(-1);
  return last?.batches.at(-1)?.memo ?? last?.base.memo ?? null;
};

/** Throws Malformed unless nothing was ever written here. */
const refuseRemains = async (root: string, segments: readonly StoredSegment[]): Promise<void> => {
  if (segments.some(({ batches }) => batches.length > 0)) throw new Malformed('there are leaves but no checkpoint');
  const others = (await readdir(root)).filter((name) => name !== 'checkpoints');
  if (others.length > 0) throw new Malformed(`there is no checkpoint, but ${others.join(', ')}`);
};

/**
 * Returns where the log goes on, after putting right what a crash can leave. `root` is its public folder, `walFolder`
 * that of its write-ahead log. Throws Malformed when the parts do not fit one another.
 */
export const recover = async (
  root: string,
  walFolder: string,
  folder: LogFolder,
  key: NoteVerifier,
): Promise<Recovered> => {
  const segments = await readSegments(walFolder);
  const head = await latest(folder, key);
  const memo = memoOf(segments);
  if (head === null) {
    await refuseRemains(root, segments);
    return { head, tree: new TreeFiles(NO_EDGE), memo, segments };
  }
  const tree = await readTree(folder, head.checkpoint);
  replay(segments, tree, head.checkpoint);
  return { head, tree, memo, segments };
};
