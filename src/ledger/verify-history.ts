/** The checkpoints of a log, one after the other. */

import { type Checkpoint, openCheckpoint, parseCheckpoint } from './checkpoint.ts';
import { sameBytes } from './hash.ts';
import { readHistory } from './history.ts';
import { CHECKPOINT_PATH, HISTORY_PATH, type LogReader } from './log-reader.ts';
import { malformedMessage } from './malformed.ts';
import type { KeyEpochs } from './key-epochs.ts';
import { MAX_NOTE_BYTES, parseNote } from './note.ts';
import { type Cosignature, cosignaturesOf, type Witness } from './cosignature.ts';
import type { Found, Witnessed } from './report.ts';

/** Who must have signed, and which log it must be. */
export interface Trust {
  readonly keys: KeyEpochs;
  readonly origin: string;
}

/** Returns the checkpoint of a note that the key of its size has signed. Throws Malformed. */
export const openTrusted = (note: Uint8Array, { keys, origin }: Trust): Checkpoint => {
  const { size } = parseCheckpoint(parseNote(note).text);
  return openCheckpoint(note, [keys.at(size)], origin);
};

/** A checkpoint whose signature is good. */
export interface Signed {
  readonly checkpoint: Checkpoint;
  readonly note: Uint8Array;
}

/** Returns the note of the published checkpoint, which nothing was verified of; null after telling what is wrong with it. */
export const readHeadNote = async (files: LogReader, found: Found): Promise<Uint8Array | null> => {
  try {
    const note = await files.read(CHECKPOINT_PATH, MAX_NOTE_BYTES);
    if (note === null) found.problem('checkpoint', CHECKPOINT_PATH, 'is missing');
    return note;
  } catch (error) {
    found.problem('checkpoint', CHECKPOINT_PATH, malformedMessage(error));
    return null;
  }
};

/** Returns the published checkpoint, or null after telling what is wrong with it. */
export const openHead = (note: Uint8Array, trust: Trust, found: Found): Signed | null => {
  try {
    return { checkpoint: openTrusted(note, trust), note };
  } catch (error) {
    found.problem('checkpoint', CHECKPOINT_PATH, malformedMessage(error));
    return null;
  }
};

/** Reads the history alongside the leaves. Every checkpoint in it must be signed, and larger than the one before. */
export class HistoryWalk {
  readonly #files: LogReader;
  readonly #trust: Trust;
  readonly #witnesses: readonly Witness[];
  readonly #found: Found;
  readonly #notes: AsyncGenerator<Uint8Array>;
  /** The checkpoint that `next` returned last. */
  #last: Signed | null = null;
  /** What each witness has cosigned last. */
  readonly witnessed = new Map<string, Witnessed>();
  /** True when it could not be read to its end, which was told. */
  #isBroken = false;

  constructor(files: LogReader, trust: Trust, witnesses: readonly Witness[], found: Found) {
    this.#witnesses = witnesses;
    this.#files = files;
    this.#trust = trust;
    this.#found = found;
    this.#notes = readHistory(files.stream(HISTORY_PATH));
  }

  /** Returns the next checkpoint, or null at the end or after telling why it cannot go on. */
  async next(): Promise<Checkpoint | null> {
    try {
      const { value, done } = await this.#notes.next();
      if (done === true) return null;
      const checkpoint = openTrusted(value, this.#trust);
      this.#checkOrder(checkpoint.size);
      this.#last = { checkpoint, note: value };
      return checkpoint;
    } catch (error) {
      this.#isBroken = true;
      this.#problem(
        `behind the checkpoint of size ${this.#last?.checkpoint.size ?? 'none'}: ${malformedMessage(error)}`,
      );
      return null;
    }
  }

  /** Returns who cosigned the checkpoint that `next` returned last, and when. */
  cosigned(): readonly Cosignature[] {
    if (this.#last === null || this.#witnesses.length === 0) return [];
    const { note, checkpoint } = this.#last;
    try {
      const cosignatures = cosignaturesOf(note, this.#witnesses);
      for (const { name, at } of cosignatures) this.witnessed.set(name, { name, at, size: checkpoint.size });
      return cosignatures;
    } catch (error) {
      this.#problem(`has a checkpoint of size ${checkpoint.size} of which ${malformedMessage(error)}`);
      return [];
    }
  }

  /** Checks that the history ends with the checkpoint `head`, unless the log has grown since that was read. */
  async end(head: Signed): Promise<void> {
    if (this.#isBroken) return;
    if (this.#last !== null && sameBytes(this.#last.note, head.note)) return;
    const size = this.#last?.checkpoint.size ?? 0;
    const now = await this.#files.read(CHECKPOINT_PATH, MAX_NOTE_BYTES);
    if (size > head.checkpoint.size && now !== null && !sameBytes(now, head.note)) {
      this.#found.finding('growing', HISTORY_PATH, `goes on to ${size} leaves: the log grew while it was verified`);
      return;
    }
    this.#problem(
      `does not end with the checkpoint of size ${head.checkpoint.size}, but at size ${size}: one of them was replaced or ` +
        'rolled back, or the gateway died while it published and its next start will put it right',
    );
  }

  /** Lets go of the file. */
  async close(): Promise<void> {
    await this.#notes.return(undefined);
  }

  #checkOrder(size: number): void {
    const before = this.#last?.checkpoint.size ?? -1;
    if (before === -1 && size !== 0) this.#problem(`begins with a checkpoint of size ${size}, not 0`);
    if (size <= before) this.#problem(`has a checkpoint of size ${size} behind one of size ${before}`);
  }

  #problem(message: string): void {
    this.#found.problem('history', HISTORY_PATH, message);
  }
}
