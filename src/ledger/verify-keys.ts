/** Finds out which keys a log was signed with, beginning with those that the verifier trusts. */

import { readHistory } from './history.ts';
import { KeyEpochs, type KeyList, type Rotation, rotationsIn } from './key-epochs.ts';
import { HISTORY_PATH, type LogReader } from './log-reader.ts';
import { Malformed } from './malformed.ts';
import { openNote, parseNote } from './note.ts';
import { type NoteVerifier, parseVerifier } from './note-key.ts';
import { parseCheckpoint } from './checkpoint.ts';
import type { Found } from './report.ts';

const hasSigned = (note: Uint8Array | null, key: NoteVerifier): boolean => {
  try {
    return note !== null && openNote(note, [key]) !== '';
  } catch (error) {
    if (error instanceof Malformed) return false;
    throw error;
  }
};

/** False for the checkpoint in which a key hands over: the next one has signed it too. */
const hasSignedAlone = (note: Uint8Array, { name, keyId }: NoteVerifier): boolean =>
  parseNote(note).signatures.every((each) => each.name !== name || each.keyId === keyId);

const firstOf = async (files: LogReader): Promise<Uint8Array | null> => {
  try {
    for await (const note of readHistory(files.stream(HISTORY_PATH))) return note;
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
  }
  return null;
};

/** Returns what the checkpoint claims as its size, before anything was verified; 0 when it is none. */
const claimedSize = (note: Uint8Array): number => {
  try {
    return parseCheckpoint(parseNote(note).text).size;
  } catch (error) {
    if (error instanceof Malformed) return 0;
    throw error;
  }
};

const chainOf = async (files: LogReader, size: number, known: KnownKeys | null): Promise<KeyEpochs | null> => {
  let keys = known === null ? null : KeyEpochs.of(known.keys);
  for await (const [number, rotation] of rotationsIn(files, size, known?.size)) {
    keys ??= new KeyEpochs(parseVerifier(rotation.from));
    keys.add(number, rotation);
  }
  return keys;
};

/** The keys of a log as they were found earlier; the leaves from `size` on, and what they hand over to, are read again. */
export interface KnownKeys {
  readonly keys: KeyList;
  readonly size: number;
}

/** Returns the keys that leaves before `size` lead to: none counts whose leaf is still to be read. */
const ledTo = ({ keys, size }: KnownKeys): KnownKeys => ({ keys: keys.filter(([, from]) => from <= size), size });

/** Resolves to the keys of a log without looking for those that came later; null when that is not enough. */
const withoutLooking = async (
  files: LogReader,
  head: Uint8Array,
  newest: NoteVerifier,
  known: KnownKeys | null,
): Promise<KeyEpochs | null> => {
  const own = known === null ? new KeyEpochs(newest) : KeyEpochs.of(known.keys);
  if (!hasSigned(head, own.last) || !hasSignedAlone(head, own.last)) return null;
  return known !== null || hasSigned(await firstOf(files), newest) ? own : null;
};

/**
 * Resolves to the keys of a log. Of `trusted`, oldest first, one must be among them, and the last one too: a log that
 * ends before it came into force was cut off. Only where keys have changed, all leaves are looked through.
 */
export const readKeys = async (
  files: LogReader,
  head: Uint8Array,
  trusted: readonly NoteVerifier[],
  found: Found,
  earlier: KnownKeys | null = null,
): Promise<KeyEpochs> => {
  const known = earlier === null ? null : ledTo(earlier);
  const [first] = trusted;
  const newest = trusted.at(-1);
  if (first === undefined || newest === undefined) throw new RangeError('expected a key');
  let keys = await withoutLooking(files, head, newest, known);
  try {
    keys ??= await chainOf(files, claimedSize(head), known);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    found.problem('checkpoint', 'the keys of the log', `one of them ${error.message}`);
  }
  const own = keys ?? new KeyEpochs(trusted.find((key) => hasSigned(head, key)) ?? first);
  if (!trusted.some((key) => own.includes(key))) return new KeyEpochs(first);
  if (!own.includes(newest)) {
    const why = 'never comes into force: the log was cut off before it, or goes on under a key that was replaced';
    found.problem('rollback', `the key ${newest.vkey}`, why);
  }
  return own;
};

/** Tells of a leaf that hands over to another key than checkpoints are signed with behind it. */
export const checkRotation = (number: number, { next }: Rotation, keys: KeyEpochs, found: Found): void => {
  if (keys.has(number)) return;
  found.problem(
    'checkpoint',
    `leaf ${number}`,
    `hands over to the key ${next}, and checkpoints behind it are not signed by it`,
  );
};
