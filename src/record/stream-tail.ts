/** Reads one line of journals from where it is sealed to, and seals what it reads; closes each file that is done. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { FrameSealer, type SealSink } from './frame-sealer.ts';
import { JournalHash } from './journal-hash.ts';
import { journalFile, journalFolder, MAX_HEAD, readJournalHead, type StreamName } from './journal-name.ts';
import type { StreamProgress } from './memo.ts';
import type { FrameScanner, Scanned } from './scan.ts';
import { fileOf, offsetOf, type Position, positionOf } from './watermarks.ts';
import type { PageOpener } from './page-keys.ts';

/** What a tail works with. */
export interface TailOptions {
  /** The data folder. */
  readonly folder: string;
  readonly stream: StreamName;
  readonly pageKeys: PageOpener;
  readonly scanner: FrameScanner;
  readonly sink: SealSink;
  /** How far the stream is sealed. */
  readonly from: StreamProgress;
}

/** A tail of one line of journals. */
export class StreamTail {
  readonly stream: StreamName;
  readonly #options: TailOptions;
  readonly #frames: FrameSealer;
  #fd = -1;
  #state: FileState = 'unopened';
  #n: number;
  #offset: number;
  #hash = new JournalHash(NOTHING);
  #isClosed: boolean;

  constructor(options: TailOptions) {
    const { stream, pageKeys, sink, from } = options;
    this.stream = stream;
    this.#options = options;
    this.#frames = new FrameSealer(stream, pageKeys, sink, from.sealed);
    this.#n = fileOf(from.low);
    this.#offset = offsetOf(from.low);
    this.#isClosed = from.closed;
  }

  /** Up to where frames have been read. */
  get position(): Position {
    return positionOf(this.#n, this.#offset);
  }

  /** How far the stream is sealed; `leaf` is the number that the next leaf would get. */
  progress(leaf: number): StreamProgress {
    const low = this.#frames.low ?? { position: this.position, leaf };
    return { sealed: this.position, low: low.position, leaf: low.leaf, closed: this.#isClosed };
  }

  /**
   * Reads about `budget` bytes on the way to `target`, which is behind a whole frame, and returns true when it is there.
   * Throws when the journals are not what a recorder of ours wrote.
   */
  advance(target: Position, budget: number): boolean {
    for (let left = budget; this.position < target; ) {
      if (left <= 0) return false;
      const isLast = this.#n === fileOf(target);
      const to = isLast ? offsetOf(target) : this.#size();
      const end = Math.min(to, this.#offset + left);
      const before = this.#offset;
      const stopped = this.#read(end);
      if (stopped === 'torn' || (stopped === 'cut' && end === to)) {
        throw new Error(`${this.#file} at ${this.#offset}: expected a whole frame`);
      }
      left -= Math.max(this.#offset - before, end - before);
      if (!isLast && this.#offset === to) this.#next();
    }
    return true;
  }

  /**
   * Reads what is left of the stream, whose files up to number `last` are all that there are, and closes it: sessions
   * without an end are recovered, torn bytes at the end stay where they are and are counted. `between` is called now
   * and then, where progress can be kept.
   */
  finish(last: number, between: () => void): void {
    for (const _ of this.finishing(last)) between();
  }

  /** As `finish`, but stops where progress can be kept, until it is asked to go on. */
  *finishing(last: number): Generator<void, void> {
    if (this.#isClosed) return;
    let isTorn = false;
    for (;;) {
      isTorn ||= !(yield* this.#readToEnd(isTorn));
      if (this.#n >= last) break;
      this.#next();
    }
    const end = positionOf(this.#n + 1, 0);
    this.#frames.recover(end);
    this.#closeFile();
    this.#isClosed = true;
    yield;
  }

  /** Tells the index of sessions that were opened before `at` (ms) and have not ended. */
  list(at: number): void {
    this.#frames.list(at);
  }

  /** Tags of the recording keys that are still needed, and that of the last page; null before the first. */
  get keys(): { readonly needed: readonly string[]; readonly last: string | null } {
    return { needed: this.#frames.tags, last: this.#frames.lastTag };
  }

  /** Lets go of the open file. */
  release(): void {
    if (this.#fd !== -1) closeSync(this.#fd);
    this.#fd = -1;
    this.#state = 'unopened';
  }

  get #file(): string {
    return journalFile({ ...this.stream, n: this.#n });
  }

  /** Returns false when the rest of the stream is torn: behind a torn place nothing was ever durable. */
  *#readToEnd(isTorn: boolean): Generator<void, boolean> {
    if (this.#enter() !== 'journal' || isTorn) return false;
    for (;;) {
      const size = this.#size();
      const end = Math.min(size, this.#offset + STEP);
      const stopped = this.#read(end);
      if (stopped === 'torn' || end === size) return stopped === 'end';
      yield;
    }
  }

  #read(end: number): Scanned['stopped'] {
    if (this.#enter() !== 'journal') return 'torn';
    const { scanner } = this.#options;
    const start = positionOf(this.#n, 0);
    const scanned = scanner.scan(this.#fd, this.#offset, end, (frame, offset) => {
      const ct = this.#hash.add(frame);
      this.#frames.take(frame, ct, start + offset, start + offset + frame.end - frame.start);
    });
    this.#offset = scanned.end;
    return scanned.stopped;
  }

  /** Opens the current file when it is not open, and tells what it is. */
  #enter(): FileState {
    if (this.#state !== 'unopened') return this.#state;
    this.#state = this.#openFile();
    if (this.#state !== 'journal') this.#options.sink.problem(`${this.#file} is ${this.#state}`);
    return this.#state;
  }

  #openFile(): FileState {
    try {
      this.#fd = openSync(join(journalFolder(this.#options.folder), this.#file), 'r');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'missing';
      throw error;
    }
    const head = this.#bytes(0, MAX_HEAD);
    const length = readJournalHead(head, { ...this.stream, n: this.#n });
    if (length === null) return 'no journal';
    this.#hash = new JournalHash(head.subarray(0, length));
    // what is read from here on continues what stands before it
    if (this.#offset > length)
      this.#options.scanner.scan(this.#fd, length, this.#offset, (frame) => this.#hash.add(frame));
    this.#offset = Math.max(this.#offset, length);
    return 'journal';
  }

  #bytes(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(this.#fd, bytes, 0, length, at));
  }

  #size(): number {
    this.#enter();
    return this.#fd === -1 ? 0 : fstatSync(this.#fd).size;
  }

  #next(): void {
    this.#closeFile();
    this.#n++;
    this.#offset = 0;
    this.#hash = new JournalHash(NOTHING);
  }

  #closeFile(): void {
    const isMissing = this.#enter() === 'missing';
    const torn = this.#size() - this.#offset;
    const body = { type: 'journal.close', file: this.#file, bytes: this.#offset, torn } as const;
    // of a file that is not there nothing can be said: its number stays without a leaf, which a verifier sees
    if (!isMissing) this.#options.sink.leaf({ ...body, ct: this.#hash.digest() }, positionOf(this.#n + 1, 0));
    this.release();
  }
}

/** What stands under the name of a journal. */
type FileState = 'unopened' | 'journal' | 'missing' | 'no journal';

const NOTHING = Buffer.alloc(0);

/** How much is read between two places where progress can be kept. */
const STEP = 4 * 1024 ** 2;
