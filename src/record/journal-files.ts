/** Frames by the places that the index keeps of them. */

import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { type Frame, LEAD, MAX_FRAME, readFrame } from './frame.ts';
import { journalFolder, readJournalFile } from './journal-name.ts';
import { fileOf, offsetOf, type Position } from './watermarks.ts';

/** The open journals of one stream. */
export class JournalFiles {
  readonly #folder: string;
  readonly #stream: string;
  readonly #fds = new Map<number, number>();

  constructor(folder: string, stream: string) {
    this.#folder = folder;
    this.#stream = stream;
  }

  /** Returns the frame that begins at a position. Throws when none does. */
  frame(place: Position): Frame {
    const n = fileOf(place);
    const lead = this.#read(n, offsetOf(place), LEAD);
    const length = lead.length === LEAD ? lead.readUInt32LE(0) : 0;
    const frame = length > MAX_FRAME ? 'torn' : readFrame(this.#read(n, offsetOf(place), LEAD + length), 0);
    if (typeof frame === 'string') throw new Error(`${this.#file(n)} at ${offsetOf(place)}: no whole frame`);
    return frame;
  }

  #read(n: number, at: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    return bytes.subarray(0, readSync(this.#fd(n), bytes, 0, length, at));
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds.values()) closeSync(fd);
  }

  #file(n: number): string {
    const file = `${this.#stream}-${n}.spj`;
    if (readJournalFile(file) === null) throw new Error('the index names no journal');
    return file;
  }

  #fd(n: number): number {
    const fd = this.#fds.get(n) ?? openSync(join(journalFolder(this.#folder), this.#file(n)), 'r');
    this.#fds.set(n, fd);
    return fd;
  }
}
