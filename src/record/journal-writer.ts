/**
 * Appends frames to a worker's journals with `write()`, all frames of one turn of the event loop at once, and tells
 * who waits when they are written and when they are durable. Never syncs: that is the recorder thread's work.
 */

import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { Failure } from '../reasons.ts';
import { type FrameName, FRAME_OVERHEAD, MAX_FRAME, writeFrame, writePageFrame } from './frame.ts';
import { JOURNAL_BYTES } from './journal-name.ts';
import { JOURNAL_SLOT, type KeyPage, newPage, PAGE_SLOTS, sealPage, type SlotKey, slotKey } from './keys.ts';
import type { LinkEnd, ToRecorder, ToWorker } from './messages.ts';
import { KeyChain, type OriginalsPlace } from './original-keys.ts';
import { offsetOf, fileOf, type Position, positionOf, Watermarks } from './watermarks.ts';
import type { WritingKeys } from './writing-keys.ts';

/** Frames gather here until the turn of the event loop ends, or until this is full. */
const OUT_BYTES = 2 * MAX_FRAME;

/** What may be written and not yet durable, or not yet sealed, before calls are refused as `overloaded`. */
const MAX_LAG = 64 * 1024 ** 2;

/** What the recorder may sleep over when nobody waits for it, ms and bytes: waking a thread costs more than a frame. */
const LATE_MS = 10;
const LATE_BYTES = 256 * 1024;

/** A key that no other session has, and where it stands. */
export interface Assigned {
  readonly page: number;
  readonly slot: number;
  readonly keys: SlotKey;
}

/** A key for the originals of one session, and where it comes from. */
export interface OriginalsKey {
  readonly place: OriginalsPlace;
  readonly key: Buffer;
}

/** Told once: true when it came about, false when it never will. */
export type Then = (ok: boolean) => void;

interface Waiter {
  readonly position: Position;
  readonly tell: Then;
}

/** The journals of one worker. Owned by its recorder. */
export class JournalWriter {
  readonly #link: LinkEnd;
  readonly #marks: Watermarks;
  readonly #out = Buffer.allocUnsafeSlow(OUT_BYTES);
  #outLength = 0;
  #fd = -1;
  #n = -1;
  /** Where `#out` goes in the file. */
  #offset = 0;
  /** Bytes of the stream before each file that is not durable yet. */
  readonly #starts = new Map<number, number>();
  #next: (ToWorker & { readonly kind: 'journal' }) | null = null;
  #wantsNext = false;
  /** What this journal is written with, and what the next one will be. */
  #keys: WritingKeys | null = null;
  #nextKeys: WritingKeys | null = null;
  #originals: KeyChain | null = null;
  #page: KeyPage | null = null;
  #slot = 0;
  #pages = -1;
  #scheduled = false;
  #askedAt = -1;
  #failure: Error | null = null;
  #closing: (() => void) | null = null;
  #closed = false;
  /** True when somebody waits for what is not in the file yet. */
  #isUrgent = false;
  #late: NodeJS.Timeout | null = null;
  #lateBytes = 0;
  readonly #onWritten: Then[] = [];
  #onDurable: Waiter[] = [];
  #onReady: Then | null = null;

  private constructor(link: LinkEnd) {
    this.#link = link;
    this.#marks = new Watermarks(link.memory);
    link.port.on('message', (message: ToWorker) => this.#hear(message));
    link.port.on('close', () => {
      if (!this.#closed) this.#fail(new Error('the recorder thread is gone'), false);
    });
    // as a listener alone it would keep the process up
    link.port.unref();
  }

  /** Resolves when the first journal is there to be written. Rejects with Failure `evidence-unavailable`. */
  static open(link: LinkEnd): Promise<JournalWriter> {
    return new Promise((resolve, reject) => {
      const writer = new JournalWriter(link);
      link.port.ref();
      writer.#onReady = (ok) => {
        link.port.unref();
        if (ok) resolve(writer);
        else reject(writer.#unavailable());
      };
    });
  }

  /** True for good after a failed write or sync. */
  get failed(): boolean {
    return this.#failure !== null || this.#marks.failed;
  }

  /** Throws Failure `evidence-unavailable` after any failure, `overloaded` when the recorder thread is too far behind. */
  check(): void {
    if (this.failed || this.#closing !== null) throw this.#unavailable();
    const behind = Math.min(this.#total(this.#marks.durable), this.#total(this.#marks.sealed));
    const lag = this.#total(this.#end) - behind;
    if (lag > MAX_LAG) throw new Failure('overloaded', `the journal is ${lag} bytes ahead of the disk or the ledger`);
  }

  /** Returns a fresh key; writes a new page of them first when the last is used up or stands in another file. */
  assign(): Assigned {
    // room for the page and for the opening, so that both land in one file
    this.#makeRoomInFile(2 * MAX_FRAME);
    const page = this.#page === null || this.#slot === PAGE_SLOTS ? this.#turnPage() : this.#page;
    const slot = this.#slot++;
    return { page: page.name.page, slot, keys: slotKey(page, slot) };
  }

  /** Returns the key of this journal's own frames. */
  assignJournal(): Assigned {
    this.#makeRoomInFile(2 * MAX_FRAME);
    const page = this.#page ?? this.#turnPage();
    return { page: page.name.page, slot: JOURNAL_SLOT, keys: slotKey(page, JOURNAL_SLOT) };
  }

  /** Returns a key for what masking takes away of one session; null while that is not kept. */
  takeOriginalsKey(): OriginalsKey | null {
    const from = this.#keys?.originals;
    if (from === undefined || from === null || this.#originals === null) return null;
    const place = { id: from.id, link: from.link, n: this.#originals.taken };
    return { place, key: this.#originals.take() };
  }

  /** Appends a frame and returns the position where it ends. It is in the file when `whenWritten` says so. */
  append(name: FrameName, keys: SlotKey, plaintext: Buffer): Position {
    this.#makeRoomInFile(plaintext.length + FRAME_OVERHEAD);
    this.#makeRoom(plaintext.length + FRAME_OVERHEAD);
    this.#outLength = writeFrame(this.#out, this.#outLength, name, keys, plaintext);
    this.#schedule();
    return this.#end;
  }

  /** Calls `then` once everything up to `position` is in the file; at once if it is already. */
  whenWritten(position: Position, then: Then): void {
    if (this.failed) return then(false);
    if (position <= positionOf(this.#n, this.#offset)) return then(true);
    this.#onWritten.push(then);
  }

  /**
   * Calls `then` once everything up to `position` is on the disk; at once if it is already. Nobody else hears anything
   * while this runs: who asks may stand in the middle of a parser that must not be entered twice.
   */
  whenDurable(position: Position, then: Then): void {
    if (position <= this.#marks.durable) return then(true);
    if (this.failed) return then(false);
    this.#onDurable.push({ position, tell: then });
    this.#marks.awaitDurable();
    // what became durable before the wish was heard
    if (position <= this.#marks.durable) queueMicrotask(() => this.#wake());
    else if (position <= this.#marks.written) this.#rouse();
    else this.#isUrgent = true;
  }

  /** Writes what has gathered. Called by itself at the end of each turn of the event loop. */
  readonly flush = (): void => {
    this.#scheduled = false;
    if (this.#outLength === 0 || this.#failure !== null) return;
    try {
      for (let at = 0; at < this.#outLength; ) at += writeSync(this.#fd, this.#out, at, this.#outLength - at);
    } catch (error) {
      return this.#fail(error, true);
    }
    this.#offset += this.#outLength;
    this.#lateBytes += this.#outLength;
    this.#outLength = 0;
    this.#marks.written = positionOf(this.#n, this.#offset);
    if (this.#isUrgent || this.#lateBytes > LATE_BYTES) this.#rouse();
    else this.#late ??= setTimeout(this.#rouse, LATE_MS).unref();
    if (this.#offset > JOURNAL_BYTES / 2 && this.#askedAt !== this.#n) {
      this.#askedAt = this.#n;
      this.#tell({ kind: 'half', n: this.#n });
    }
    for (const then of this.#onWritten.splice(0)) then(true);
  };

  /** Has the recorder look at what is written, unless it does so already. */
  readonly #rouse = (): void => {
    this.#isUrgent = false;
    this.#lateBytes = 0;
    if (this.#late !== null) clearTimeout(this.#late);
    this.#late = null;
    if (this.#marks.takeAsleep()) this.#tell({ kind: 'written' });
  };

  /** Resolves when all that was appended is durable and sealed. Nothing may be appended afterwards. */
  async close(): Promise<void> {
    if (this.#closing !== null) return;
    this.flush();
    this.#link.port.ref();
    await new Promise<void>((resolve) => {
      this.#closing = resolve;
      if (this.failed) return resolve();
      this.#tell({ kind: 'close' });
    });
    this.#closed = true;
    if (this.#late !== null) clearTimeout(this.#late);
    this.#link.port.close();
    // after a failure nobody touches the file again
    if (this.#fd !== -1 && this.#failure === null) closeSync(this.#fd);
    this.#fd = -1;
  }

  /** Where the next frame would begin. */
  get #end(): Position {
    return positionOf(this.#n, this.#offset + this.#outLength);
  }

  #total(position: Position): number {
    // a position before the first file that is kept has nothing of ours behind it
    return (this.#starts.get(fileOf(position)) ?? 0) + offsetOf(position);
  }

  #makeRoomInFile(bytes: number): void {
    const isFull = this.#offset + this.#outLength + bytes > JOURNAL_BYTES;
    // while the next one is not there yet, this one grows
    if (isFull && this.#next !== null) this.#rotate(this.#next);
  }

  #makeRoom(bytes: number): void {
    if (this.#outLength + bytes > OUT_BYTES) this.flush();
  }

  #rotate(next: ToWorker & { readonly kind: 'journal' }): void {
    this.flush();
    if (this.#failure !== null) return;
    const start = this.#n === -1 ? 0 : this.#total(this.#end);
    try {
      const fd = openSync(next.path, constants.O_WRONLY | constants.O_APPEND);
      if (this.#fd !== -1) closeSync(this.#fd);
      this.#fd = fd;
    } catch (error) {
      return this.#fail(error, true);
    }
    const behind = fileOf(Math.min(this.#marks.durable, this.#marks.sealed));
    for (const n of this.#starts.keys()) if (n < behind) this.#starts.delete(n);
    this.#starts.set(next.n, start);
    this.#n = next.n;
    this.#offset = next.offset;
    this.#next = null;
    // sessions that open in a file find their keys in it
    this.#page = null;
    if (this.#keys !== this.#nextKeys) this.#useKeys(this.#nextKeys);
  }

  #useKeys(keys: WritingKeys | null): void {
    this.#keys = keys;
    const seed = keys?.originals?.seed;
    this.#originals = seed === undefined ? null : new KeyChain(seed);
  }

  /** Leaves the journal for the next one, as soon as there is one. */
  #wantNext(): void {
    this.#wantsNext = true;
    if (this.#next !== null) return this.#goOn(this.#next);
    if (this.#askedAt === this.#n) return;
    this.#askedAt = this.#n;
    this.#tell({ kind: 'half', n: this.#n });
  }

  #goOn(next: ToWorker & { readonly kind: 'journal' }): void {
    this.#wantsNext = false;
    this.#rotate(next);
    if (this.#failure !== null) return;
    // nothing may come for long, and the journal and the key that were left are to be done with
    this.#turnPage();
    this.flush();
    this.#rouse();
  }

  #turnPage(): KeyPage {
    if (this.#keys === null) throw new Error('there is no key to write with');
    const { instance, worker } = this.#link;
    this.#pages++;
    const page = newPage({ instance, worker, page: this.#pages });
    this.#makeRoom(MAX_FRAME);
    this.#outLength = writePageFrame(this.#out, this.#outLength, this.#pages, sealPage(page, this.#keys.page));
    this.#page = page;
    this.#slot = JOURNAL_SLOT + 1;
    return page;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.flush);
  }

  #wake(): void {
    const { durable } = this.#marks;
    const waiting = this.#onDurable;
    this.#onDurable = [];
    for (const waiter of waiting) {
      if (waiter.position <= durable) waiter.tell(true);
      else this.#onDurable.push(waiter);
    }
    if (this.#onDurable.length === 0) return;
    this.#marks.awaitDurable();
    if (this.#marks.durable !== durable) this.#wake();
  }

  #hear(message: ToWorker): void {
    if (message.kind === 'durable') return this.#wake();
    if (message.kind === 'failed') return this.#fail(new Error(message.message), false);
    if (message.kind === 'closed') return this.#closing?.();
    // nothing is written behind the wish to close
    if (this.#closing !== null) return;
    this.#nextKeys = message.keys;
    if (message.kind === 'rotate') return this.#wantNext();
    this.#next = message;
    if (this.#n !== -1) return this.#wantsNext ? this.#goOn(message) : undefined;
    this.#rotate(message);
    this.#onReady?.(this.#failure === null);
    this.#onReady = null;
  }

  /** After this nothing is written any more, and who waits hears no. */
  #fail(error: unknown, tell: boolean): void {
    if (this.#failure !== null) return;
    this.#failure = error instanceof Error ? error : new Error(String(error));
    this.#marks.fail();
    if (tell) this.#tell({ kind: 'failed', message: this.#failure.message });
    for (const then of this.#onWritten.splice(0)) then(false);
    for (const { tell } of this.#onDurable.splice(0)) tell(false);
    this.#onReady?.(false);
    this.#onReady = null;
    this.#closing?.();
  }

  #unavailable(): Failure {
    return new Failure('evidence-unavailable', this.#failure?.message ?? 'the recorder is closed', {
      cause: this.#failure,
    });
  }

  #tell(message: ToRecorder): void {
    this.#link.port.postMessage(message);
  }
}
