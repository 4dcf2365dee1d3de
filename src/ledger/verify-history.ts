/** The checkpoints of a log, one after the other. */

import { type Checkpoint, openCheckpoint, parseCheckpoint } from './checkpoint.ts';
import { sha256 } from './crypto.ts';
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

/** How far a history was read: so many checkpoints, and a hash over one after the other. */
export interface HistoryPosition {
  readonly notes: number;
  /** Hex. */
  readonly chain: string;
}

/** Where a history begins. */
export const HISTORY_START: HistoryPosition = { notes: 0, chain: '' };

const behind = ({ notes, chain }: HistoryPosition, note: Uint8Array): HistoryPosition => {
  const before = Uint8Array.fromHex(chain);
  const bytes = new Uint8Array(before.length + note.length);
  bytes.set(before);
  bytes.set(note, before.length);
  return { notes: notes + 1, chain: sha256(bytes).toHex() };
};

/** Reads the history alongside the leaves. Every checkpoint in it must be signed, and larger than the one before. */
export class HistoryWalk {
  readonly #files: LogReader;
  readonly #trust: Trust;
  readonly #witnesses: readonly Witness[];
  readonly #found: Found;
  readonly #notes: AsyncGenerator<Uint8Array>;
  /** The checkpoint that `next` returned last, or `skip` came to. */
  #last: Signed | null = null;
  /** True when `skip` came to it: what its cosignatures say was looked at earlier, when no leaf behind it was. */
  #isSkipped = false;
  /** What each witness has cosigned last. */
  readonly witnessed = new Map<string, Witnessed>();
  /** In front of the last checkpoint, and behind it. */
  #before = HISTORY_START;
  #behind = HISTORY_START;
  /** True when it could not be read to its end, which was told. */
  #isBroken = false;

  constructor(files: LogReader, trust: Trust, witnesses: readonly Witness[], found: Found) {
    this.#witnesses = witnesses;
    this.#files = files;
    this.#trust = trust;
    this.#found = found;
    this.#notes = readHistory(files.stream(HISTORY_PATH));
  }

  /** Passes over the checkpoints that were verified earlier, and tells when they are not the same any more. */
  async skip(position: HistoryPosition, witnessed: readonly Witnessed[]): Promise<void> {
    for (const each of witnessed) this.witnessed.set(each.name, each);
    let last: Uint8Array | null = null;
    try {
      while (this.#behind.notes < position.notes) {
        const { value, done } = await this.#notes.next();
        if (done === true) break;
        last = value;
        this.#before = this.#behind;
        this.#behind = behind(this.#behind, value);
      }
      if (this.#behind.chain === position.chain) {
        if (last !== null) this.#last = { checkpoint: openTrusted(last, this.#trust), note: last };
        this.#isSkipped = true;
        return;
      }
      this.#problem(`does not begin with the ${position.notes} checkpoints that were verified earlier`);
    } catch (error) {
      this.#problem(`behind ${this.#behind.notes} checkpoints: ${malformedMessage(error)}`);
    }
    this.#isBroken = true;
  }

  /** Returns how far it was read when all checkpoints up to this size have been, and at most one more. */
  position(size: number): HistoryPosition {
    return this.#last !== null && this.#last.checkpoint.size > size ? this.#before : this.#behind;
  }

  /** Returns the next checkpoint, or null at the end or after telling why it cannot go on. */
  async next(): Promise<Checkpoint | null> {
    if (this.#isBroken) return null;
    try {
      const { value, done } = await this.#notes.next();
      if (done === true) return null;
      this.#before = this.#behind;
      this.#behind = behind(this.#behind, value);
      const checkpoint = openTrusted(value, this.#trust);
      this.#checkOrder(checkpoint.size);
      this.#last = { checkpoint, note: value };
      this.#isSkipped = false;
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
    if (this.#last === null || this.#isSkipped || this.#witnesses.length === 0) return [];
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
