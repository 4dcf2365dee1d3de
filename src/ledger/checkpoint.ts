/** Checkpoints: C2SP tlog-checkpoint. */

import { type Hash, HASH_BYTES } from './hash.ts';
import { Malformed } from './malformed.ts';
import { openNote } from './note.ts';
import type { NoteVerifier } from './note-key.ts';
import { decodeBase64 } from './text.ts';

/** What a log says of itself: all its leaves, in one hash. */
export interface Checkpoint {
  /** Which log it is. */
  readonly origin: string;
  /** Number of leaves. */
  readonly size: number;
  readonly root: Hash;
}

/** Returns the text that is signed. */
export const checkpointText = ({ origin, size, root }: Checkpoint): string =>
  `${origin}\n${size}\n${root.toBase64()}\n`;

/**
 * Returns the checkpoint of the text of a note. Throws Malformed, also for lines beyond the three: nothing of ours
 * writes extension lines, and no reader of ours would understand them.
 */
export const parseCheckpoint = (text: string): Checkpoint => {
  const [origin = '', size = '', root = '', ...more] = text.split('\n');
  if (origin === '') throw new Malformed('a checkpoint without an origin');
  const checkpoint = { origin, size: Number(size), root: decodeBase64(root) };
  const { size: count, root: hash } = checkpoint;
  if (!Number.isSafeInteger(count) || count < 0 || String(count) !== size) {
    throw new Malformed('a checkpoint whose size is not a plain decimal number');
  }
  if (hash.length !== HASH_BYTES) throw new Malformed(`a checkpoint whose root has ${hash.length} bytes, not 32`);
  if (more.length !== 1 || more[0] !== '') throw new Malformed('a checkpoint of more or less than three lines');
  return checkpoint;
};

/** Returns the checkpoint of a signed note. Throws Malformed when `known` have not signed it or it is of another origin. */
export const openCheckpoint = (note: Uint8Array, known: readonly NoteVerifier[], origin: string): Checkpoint => {
  const checkpoint = parseCheckpoint(openNote(note, known));
  if (checkpoint.origin !== origin) {
    throw new Malformed(`a checkpoint of the log ${JSON.stringify(checkpoint.origin)}, not ${JSON.stringify(origin)}`);
  }
  return checkpoint;
};
