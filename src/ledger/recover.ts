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
import { type Rotation, rotationIn, successor } from './key-epochs.ts';
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
  /** The key that signs from here on; the last of those that were given once it has signed a checkpoint. */
  readonly key: NoteVerifier;
  /**
   * The key that a leaf behind the head hands over to: a run died between that leaf and its checkpoint. Whoever signs a
   * checkpoint over the leaf signs with this one too, or the log is convicted for ever. Null for none.
   */
  readonly handover: NoteVerifier | null;
}

/** The keys that a log may be signed with: the one that the config names, and the one that may have come after it. */
export interface LogKeys {
  readonly key: NoteVerifier;
  readonly successor: NoteVerifier | null;
}

const bytesOf = (note: Uint8Array | null): Uint8Array => note ?? new Uint8Array(0);

const listed = ({ key, successor: next }: LogKeys): readonly NoteVerifier[] => (next === null ? [key] : [key, next]);

/**
 * Returns the key that goes on behind a checkpoint: both have signed the one in which they changed. Throws Malformed when
 * it is none of those that are known.
 */
const goesOn = (note: Uint8Array, keys: LogKeys): NoteVerifier => {
  const newest = parseNote(note).signatures.findLast(({ name }) => name === keys.key.name);
  const key = listed(keys).find(({ keyId }) => keyId === newest?.keyId);
  if (key !== undefined) return key;
  throw new Malformed('the key that signs was replaced: the config still names the old one');
};

/**
 * Returns the latest checkpoint. The history is written before the checkpoint, so a crash can leave it one ahead or its
 * last line torn; both are put right here. Anything else is a rollback, and Malformed.
 */
const latest = async (folder: LogFolder, keys: LogKeys): Promise<Published | null> => {
  const { name } = keys.key;
  const published = await folder.checkpoint();
  const history = await folder.historyEnd(name);
  if (history === null) {
    if (published === null) return null;
    throw new Malformed('there is a checkpoint but no history of checkpoints');
  }
  const { last, previous, end } = history;
  const isAhead = last !== null && sameBytes(bytesOf(previous), bytesOf(published));
  if (!isAhead && !sameBytes(bytesOf(last), bytesOf(published))) {
    throw new Malformed('the checkpoint is not the last one of its history: one of them was replaced or rolled back');
  }
  const opened = last === null ? null : { checkpoint: openCheckpoint(last, listed(keys), name), note: last };
  if (last !== null) goesOn(last, keys);
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

/**
 * Returns the key that the leaves behind a checkpoint hand over to, of which `key` is in force; null when they do not.
 * Throws Malformed when they hand over to another key than the one that is known to come next: nothing can be signed.
 */
const handoverIn = (
  segments: readonly StoredSegment[],
  { size }: Checkpoint,
  key: NoteVerifier,
  known: NoteVerifier | null,
): NoteVerifier | null => {
  let next: NoteVerifier | null = null;
  const leaves = segments
    .flatMap(({ batches }) => batches)
    .flatMap(({ first, leaves: own }) => own.slice(Math.max(0, size - first)));
  for (const rotation of leaves.map(rotationIn).filter((each): each is Rotation => each !== null)) {
    next = successor(next ?? key, rotation);
  }
  if (next === null || next.vkey === known?.vkey) return next;
  throw new Malformed(
    `a leaf hands over to the key ${next.vkey}, which is not there to sign the checkpoint over it: \`sallyport ledger ` +
      'rotate` was cut off, and left it beside the key in a file that ends with .next',
  );
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
  keys: LogKeys,
): Promise<Recovered> => {
  const segments = await readSegments(walFolder);
  const head = await latest(folder, keys);
  const memo = memoOf(segments);
  if (head === null) {
    await refuseRemains(root, segments);
    return { head, tree: new TreeFiles(NO_EDGE), memo, segments, key: keys.key, handover: null };
  }
  const tree = await readTree(folder, head.checkpoint);
  replay(segments, tree, head.checkpoint);
  const key = goesOn(head.note, keys);
  return { head, tree, memo, segments, key, handover: handoverIn(segments, head.checkpoint, key, keys.successor) };
};
