/** One session as it is written: events gather, become frames, and end with exactly one closing frame. */

import type { Clock } from '../clock.ts';
import { type Ending, type EndingRecord, endingText } from './ending.ts';
import type { EventCode } from './event.ts';
import { keepFields } from './fields.ts';
import { FRAME, type FrameKind } from './frame.ts';
import { type BufferShelf, Gathering } from './gathering.ts';
import type { Assigned, JournalWriter, Then } from './journal-writer.ts';
import { detailsText, type Opening, summaryText } from './opening.ts';
import { showId } from './session-id.ts';
import { OriginalsSealer, placeText, type SealedCode } from './originals.ts';
import type { Position } from './watermarks.ts';

/** The evidence of one call, while the call is under way. */
export interface Session {
  /** 26 characters, sorts by time. */
  readonly id: string;
  /** Calls `then(true)` once all that the caller has sent so far is in the journal, `then(false)` when it never will be. */
  written(then: Then): void;
  /** Calls `then(true)` once all that the caller has sent so far is on the disk, at once if it is; `then(false)` when it never will be. */
  durable(then: Then): void;
  /** The head of the answer as the caller sees it, or one ahead of it (1xx): name, value, name, value. */
  head(status: number, rawHeaders: readonly string[]): void;
  /** Answer bytes as the caller sees them. False: they are not recorded, and must not leave. */
  bytes(chunk: Buffer): boolean;
  trailers(raw: readonly string[]): void;
  /**
   * Answer bytes before they are masked; kept for auditors where the config says so. False: they are not recorded, and
   * what is made of them must not leave.
   */
  original(chunk: Buffer): boolean;
  /**
   * A further message of the caller, and what is forwarded of it; null when it goes as it came. False: it is not
   * recorded, and must not be forwarded.
   */
  message(bytes: Buffer, forwarded: Buffer | null): boolean;
  /** A remark, at most 4096 characters. */
  mark(text: string): void;
  /** A remark on what is about to be forwarded, which counts with what the caller has sent: `written` and `durable` wait for it. */
  sends(text: string): void;
  /** Ends the session. What is called after it has no effect: a session has one end. */
  close(ending: Ending): void;
}

/** What all sessions of a recorder share. */
export interface SessionHost {
  readonly writer: JournalWriter;
  readonly clock: Clock;
  /** Where openings are put together; free again when the constructor of a session returns. */
  readonly scratch: Buffer;
  readonly shelf: BufferShelf;
  readonly redact: ReadonlySet<string>;
  /** Payload bytes of one session at most. */
  readonly maxSession: number;
  readonly over: 'refuse' | 'truncate';
  /** Hears that a session has events that are in no frame yet; it is to be flushed within a second. */
  gathers(session: OpenSession): void;
  /** Hears that a session ended. */
  closed(session: OpenSession): void;
}

const MAX_MARK = 4096;
/** Field lines of an answer that take more characters than this are not kept, only that they were there. */
const MAX_FIELDS = 100_000;

/** A session between its opening and its end. Owned by the recorder that opened it. */
export class OpenSession implements Session {
  readonly id: string;
  readonly #host: SessionHost;
  readonly #sid: Buffer;
  readonly #assigned: Assigned;
  readonly #opened: number;
  /** Where what the caller has sent so far ends: its opening, and each further message. */
  #askedEnd: Position;
  #seq = 0;
  #events: Gathering;
  #isOpen = true;
  #recorded: number;
  #answered = 0;
  #dropped = 0;
  #first = -1;
  #last = -1;
  #chunks = 0;
  #maxGap = 0;
  #gathers = false;
  /** Seals what masking takes away; null where that is not kept, undefined before anything was. */
  #originals: OriginalsSealer | null | undefined = undefined;

  /** Writes the opening, with the bodies. `sid` is 16 bytes that nobody else writes to. */
  constructor(host: SessionHost, sid: Buffer, assigned: Assigned, opening: Opening) {
    this.id = showId(sid);
    this.#host = host;
    this.#sid = sid;
    this.#assigned = assigned;
    this.#opened = opening.mono;
    this.#events = new Gathering(host.scratch);
    this.#recorded = (opening.body?.length ?? 0) + (opening.forwarded?.length ?? 0);
    this.#addText('o', summaryText(opening));
    this.#addText('c', detailsText(opening, host.redact));
    if (opening.body !== null) this.#addRequest(0, opening.body, opening.forwarded);
    this.#askedEnd = this.#emit(FRAME.data);
    this.#events = new Gathering(host.shelf.take());
  }

  written(then: Then): void {
    this.#host.writer.whenWritten(this.#askedEnd, then);
  }

  durable(then: Then): void {
    this.#host.writer.whenDurable(this.#askedEnd, then);
  }

  head(status: number, rawHeaders: readonly string[]): void {
    this.#addText('h', fieldsText({ status }, rawHeaders, this.#host.redact));
  }

  bytes(chunk: Buffer): boolean {
    const { writer, maxSession, over } = this.#host;
    if (!this.#isOpen || writer.failed) return false;
    if (chunk.length === 0) return true;
    const isOver = this.#dropped > 0 || this.#recorded + chunk.length > maxSession;
    if (isOver && over === 'refuse') return false;
    const now = this.#now();
    if (isOver) {
      if (this.#dropped === 0) this.mark('truncated');
      this.#dropped += chunk.length;
    } else {
      this.#recorded += chunk.length;
      this.#answered += chunk.length;
      this.#addBytes(now, 'd', chunk);
    }
    this.#keepTime(now);
    return true;
  }

  message(bytes: Buffer, forwarded: Buffer | null): boolean {
    const { writer, maxSession, over } = this.#host;
    if (!this.#isOpen || writer.failed) return false;
    const size = bytes.length + (forwarded?.length ?? 0);
    if (this.#recorded + size > maxSession) {
      if (over === 'truncate') this.mark(`a message of ${bytes.length} bytes is not recorded`);
      return over === 'truncate';
    }
    this.#recorded += size;
    const now = this.#now();
    this.#addRequest(now, bytes, forwarded);
    // a frame of its own, for the answer waits until it is on the disk
    this.#askedEnd = this.#emit(FRAME.data);
    return true;
  }

  original(chunk: Buffer): boolean {
    const { writer, maxSession, over } = this.#host;
    if (!this.#isOpen || writer.failed) return false;
    if (chunk.length === 0 || this.#sealer() === null) return true;
    if (this.#recorded + chunk.length > maxSession) {
      if (over === 'truncate') this.mark(`an original of ${chunk.length} bytes is not recorded`);
      return over === 'truncate';
    }
    this.#recorded += chunk.length;
    this.#addOriginal(this.#now(), 'D', chunk);
    return true;
  }

  trailers(raw: readonly string[]): void {
    this.#addText('t', fieldsText({}, raw, this.#host.redact));
  }

  mark(text: string): void {
    this.#addText('m', text.slice(0, MAX_MARK));
  }

  sends(text: string): void {
    if (!this.#isOpen) return;
    this.mark(text);
    this.#askedEnd = this.#emit(FRAME.data);
  }

  close({ reason, status, ended, findings, found = [], classified, classifiedLater, usage, events }: Ending): void {
    if (!this.#isOpen) return;
    const record: EndingRecord = {
      v: 1,
      reason,
      status,
      ended,
      findings,
      ...(classified === undefined ? {} : { classified }),
      ...(classifiedLater === undefined ? {} : { classifiedLater }),
      ...(found.length === 0 ? {} : { found }),
      usage,
      events,
      bytes: this.#answered,
      dropped: this.#dropped,
      first: this.#first,
      last: this.#last,
      chunks: this.#chunks,
      maxGap: this.#maxGap,
    };
    this.#addText('x', endingText(record));
    this.#isOpen = false;
    this.#emit(FRAME.closing);
    this.#host.shelf.put(this.#events.buffer);
    this.#events = NOTHING;
    this.#host.closed(this);
  }

  /** Writes what has gathered as a frame. */
  flush(): void {
    if (this.#isOpen && !this.#events.isEmpty) this.#emit(FRAME.data);
  }

  #now(): number {
    return Math.max(0, this.#host.clock.mono() - this.#opened);
  }

  #keepTime(now: number): void {
    if (this.#first === -1) this.#first = now;
    else this.#maxGap = Math.max(this.#maxGap, now - this.#last);
    this.#last = now;
    this.#chunks++;
  }

  #addText(code: EventCode, text: string): void {
    if (!this.#isOpen) return;
    const now = this.#seq === 0 ? 0 : this.#now();
    if (!this.#events.addText(now, code, text)) {
      this.#emit(FRAME.data);
      this.#events.addText(now, code, text);
    }
    this.#gather();
  }

  #addBytes(micros: number, code: EventCode, bytes: Buffer): void {
    let at = this.#events.addBytes(micros, code, bytes, 0);
    while (at < bytes.length) {
      this.#emit(FRAME.data);
      at = this.#events.addBytes(micros, code, bytes, at);
    }
    this.#gather();
  }

  /** What is masked is kept as it was forwarded, and as it came only where nobody else is to read that. */
  #addRequest(micros: number, bytes: Buffer, forwarded: Buffer | null): void {
    if (forwarded === null || this.#sealer() === null) this.#addBytes(micros, 'q', bytes);
    else this.#addOriginal(micros, 'Q', bytes);
    if (forwarded !== null) this.#addBytes(micros, 'f', forwarded);
  }

  #addOriginal(micros: number, code: SealedCode, bytes: Buffer): void {
    const sealer = this.#sealer();
    if (sealer !== null) this.#addBytes(micros, code, sealer.seal(code, bytes));
  }

  #sealer(): OriginalsSealer | null {
    if (this.#originals !== undefined) return this.#originals;
    const taken = this.#host.writer.takeOriginalsKey();
    this.#originals = taken === null ? null : new OriginalsSealer(taken.key, this.#sid);
    if (taken !== null) this.#addText('k', placeText(taken.place));
    return this.#originals;
  }

  #gather(): void {
    if (this.#gathers || this.#seq === 0) return;
    this.#gathers = true;
    this.#host.gathers(this);
  }

  #emit(kind: FrameKind): Position {
    const { page, slot, keys } = this.#assigned;
    const name = { kind: this.#seq === 0 ? FRAME.opening : kind, sid: this.#sid, seq: this.#seq, page, slot };
    this.#seq++;
    this.#gathers = false;
    return this.#host.writer.append(name, keys, this.#events.take());
  }
}

/** What a closed session gathers into. */
const NOTHING = new Gathering(Buffer.alloc(0));

function fieldsText(head: object, raw: readonly string[], redact: ReadonlySet<string>): string {
  const text = JSON.stringify({ ...head, fields: keepFields(raw, redact) });
  return text.length <= MAX_FIELDS ? text : JSON.stringify({ ...head, fields: [], left_out: raw.length / 2 });
}
