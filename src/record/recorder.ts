/**
 * record.open and record.refused: what a data worker hands its evidence to. Everything is encrypted and appended to the
 * worker's journal here; syncing, sealing and indexing are the recorder thread's (recording.ts).
 */

import { randomFillSync } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { Failure, type Reason } from '../reasons.ts';
import { BufferShelf, Gathering } from './gathering.ts';
import { FRAME, MAX_PLAINTEXT, NO_SESSION } from './frame.ts';
import { JournalWriter } from './journal-writer.ts';
import type { LinkEnd } from './messages.ts';
import type { Opening } from './opening.ts';
import { OpenSession, type Session, type SessionHost } from './session.ts';
import { ID_BYTES, writeIdTime } from './session-id.ts';
import { REFUSALS_MS, refusalText, Strangers } from './strangers.ts';

export type { Ending } from './ending.ts';
export type { Opening } from './opening.ts';
export type { Session } from './session.ts';

/** Keeps the evidence of one data worker. */
export interface Recorder {
  /**
   * Returns a new session with its opening on the way to the journal. Throws Failure `evidence-unavailable` once
   * evidence cannot be kept, `overloaded` while the disk or the ledger is too far behind, `body-too-large` when the
   * bodies alone are over the bound of one session.
   */
  open(opening: Opening): Session;
  /** Counts the refusal of someone unidentified. */
  refused(source: string, reason: Reason): void;
  /** True for good after a failed write or sync: nothing may be forwarded any more. */
  readonly failed: boolean;
  /** Writes what has gathered, without waiting for the turn of the event loop to end. */
  flush(): void;
  /** Ends the sessions that are still open as `interrupted`; resolves when everything is durable and sealed. */
  close(): Promise<void>;
}

/** What a recorder is made of. */
export interface RecorderOptions {
  readonly link: LinkEnd;
  readonly recording: { readonly max_session: number; readonly over: 'refuse' | 'truncate' };
  readonly clock: Clock;
  /** Lower-case names of the fields whose values are never recorded, beside the well-known ones. */
  readonly redact: ReadonlySet<string>;
}

/** Resolves to the recorder of a data worker once its first journal is there. Rejects with Failure `evidence-unavailable`. */
export async function createRecorder(options: RecorderOptions): Promise<Recorder> {
  return new WorkerRecorder(options, await JournalWriter.open(options.link));
}

/** Gathered events are written after one to two of these. */
const SWEEP_MS = 500;
/** How many ids get their random bytes at once. */
const IDS = 128;

class WorkerRecorder implements Recorder {
  readonly #writer: JournalWriter;
  readonly #clock: Clock;
  readonly #host: SessionHost;
  readonly #strangers = new Strangers();
  readonly #open = new Set<OpenSession>();
  #young = new Set<OpenSession>();
  #old = new Set<OpenSession>();
  #ids = Buffer.alloc(0);
  #idsUsed = 0;
  #refusalFrames = 0;
  #refusalTimer: NodeJS.Timeout | null = null;
  readonly #sweepTimer: NodeJS.Timeout;

  constructor({ recording, clock, redact }: RecorderOptions, writer: JournalWriter) {
    this.#writer = writer;
    this.#clock = clock;
    this.#host = {
      writer,
      clock,
      redact,
      scratch: Buffer.allocUnsafeSlow(MAX_PLAINTEXT),
      shelf: new BufferShelf(),
      maxSession: recording.max_session,
      over: recording.over,
      gathers: (session) => this.#young.add(session),
      closed: (session) => this.#forget(session),
    };
    this.#sweepTimer = setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  get failed(): boolean {
    return this.#writer.failed;
  }

  open(opening: Opening): Session {
    const { maxSession } = this.#host;
    this.#writer.check();
    const bodies = (opening.body?.length ?? 0) + (opening.forwarded?.length ?? 0);
    if (bodies > maxSession) {
      throw new Failure('body-too-large', `the bodies take ${bodies} bytes, a session at most ${maxSession}`);
    }
    const session = this.#openSession(opening);
    this.#open.add(session);
    return session;
  }

  refused(source: string, reason: Reason): void {
    this.#strangers.count(source, reason, this.#clock.now());
    this.#refusalTimer ??= setTimeout(() => this.#writeRefusals(), REFUSALS_MS).unref();
  }

  flush(): void {
    for (const session of this.#open) session.flush();
    this.#writer.flush();
  }

  async close(): Promise<void> {
    clearInterval(this.#sweepTimer);
    for (const session of this.#open) session.close(INTERRUPTED);
    this.#writeRefusals();
    await this.#writer.close();
  }

  #openSession(opening: Opening): OpenSession {
    try {
      return new OpenSession(this.#host, this.#nextId(opening.at), this.#writer.assign(), opening);
    } catch (cause) {
      throw cause instanceof Failure
        ? cause
        : new Failure('evidence-unavailable', 'a session cannot be opened', { cause });
    }
  }

  #nextId(at: number): Buffer {
    if (this.#idsUsed === this.#ids.length) {
      this.#ids = randomFillSync(Buffer.allocUnsafeSlow(IDS * ID_BYTES));
      this.#idsUsed = 0;
    }
    const id = this.#ids.subarray(this.#idsUsed, this.#idsUsed + ID_BYTES);
    this.#idsUsed += ID_BYTES;
    writeIdTime(id, 0, at);
    return id;
  }

  #forget(session: OpenSession): void {
    this.#open.delete(session);
    this.#young.delete(session);
    this.#old.delete(session);
  }

  #sweep(): void {
    for (const session of this.#old) session.flush();
    this.#old = this.#young;
    this.#young = new Set();
  }

  #writeRefusals(): void {
    if (this.#refusalTimer !== null) clearTimeout(this.#refusalTimer);
    this.#refusalTimer = null;
    if (this.#strangers.isEmpty || this.#writer.failed) return;
    const events = new Gathering(this.#host.shelf.take());
    for (const record of this.#strangers.take()) {
      const text = refusalText(record);
      if (events.addText(0, 'r', text)) continue;
      this.#writeRefusalFrame(events);
      events.addText(0, 'r', text);
    }
    this.#writeRefusalFrame(events);
    this.#host.shelf.put(events.buffer);
  }

  #writeRefusalFrame(events: Gathering): void {
    const { page, slot, keys } = this.#writer.assignJournal();
    // the journal's key lives as long as the page, so the number must not repeat in it
    const seq = this.#refusalFrames++;
    this.#writer.append({ kind: FRAME.refusals, sid: NO_SESSION, seq, page, slot }, keys, events.take());
  }
}

const INTERRUPTED = {
  reason: 'interrupted',
  status: 0,
  ended: 'truncated',
  findings: {},
  usage: null,
  events: 0,
} as const;
