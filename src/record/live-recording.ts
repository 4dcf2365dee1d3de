/**
 * Keeps the journals of living data workers durable, sealed and indexed. One loop without a timer: the next sync begins
 * when the last one has ended, and what is durable is sealed while it runs. Any failure of a write, a sync or the ledger
 * ends it for good, and every worker hears of that.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LeafBody } from '../ledger/leaf.ts';
import { Failure } from '../reasons.ts';
import type { IndexWriter } from '../store/sessions.ts';
import { MAX_FRAME } from './frame.ts';
import { JOURNAL_BYTES } from './journal-name.ts';
import { LiveStream } from './live-stream.ts';
import { AT_START, memoText, type StreamProgress } from './memo.ts';
import type { Recording, RecordingOptions, RecordingTotals } from './recording.ts';
import { FrameScanner } from './scan.ts';
import type { SealBatch } from './seal-batch.ts';
import { liveSink } from './seal-sink.ts';
import { StreamTail } from './stream-tail.ts';
import { distance } from './watermarks.ts';

/** What is sealed between two looks at the disk: it bounds how long a sync that has ended goes unnoticed. */
const SEAL_BYTES = MAX_FRAME;
/** Sealing waits for this much, or this long after the last: a batch costs a write and a memo, however small it is. */
const BATCH_BYTES = 128 * 1024;
const BATCH_MICROS = 20_000;
/** Leaves that wait for their tiles: at the first a checkpoint is taken early, at the second sealing waits for it. */
const EARLY_BYTES = 16 * 1024 ** 2;
const WAIT_BYTES = 32 * 1024 ** 2;
/** Rows are written when this many wait, or this long after the last: a transaction costs more than a row. */
const ROWS = 256;
const ROWS_MICROS = 50_000;
/** A session that is open for longer is listed while it goes on. */
const LIST_MS = 1000;

interface Kept {
  readonly stream: LiveStream;
  readonly tail: StreamTail;
  isClosed: boolean;
}

/** What a live recording is made of. */
export interface LiveOptions extends Omit<RecordingOptions, 'index'> {
  readonly index: IndexWriter;
  readonly batch: SealBatch;
}

/** The recording of a living gateway. */
export class LiveRecording implements Recording {
  readonly #options: LiveOptions;
  readonly #kept: Kept[] = [];
  readonly #failed = Promise.withResolvers<Error>();
  #failure: Error | null = null;
  #isStopping = false;
  #wake: () => void = () => {};
  #running: Promise<void> = Promise.resolve();
  #syncs = 0;
  /** When sealing waits no longer, µs on the monotonic clock. */
  #sealBy = 0;
  /** When rows wait no longer, on the same clock. */
  #rowsBy = 0;
  #checkpointTimer: NodeJS.Timeout | null = null;
  #checkpointing: Promise<void> | null = null;
  /** `batch.bytes` when the last checkpoint began. */
  #published: number;

  private constructor(options: LiveOptions) {
    this.#options = options;
    this.#published = options.batch.bytes;
  }

  /** Resolves when each worker has a journal. */
  static async start(options: LiveOptions): Promise<Recording> {
    const recording = new LiveRecording(options);
    await recording.#open();
    recording.#running = recording.#run().catch((error: unknown) => recording.#fail(error));
    return recording;
  }

  get failed(): boolean {
    return this.#failure !== null;
  }

  get failure(): Promise<Error> {
    return this.#failed.promise;
  }

  get totals(): RecordingTotals {
    const sum = (of: (kept: Kept) => number): number => this.#kept.reduce((total, kept) => total + of(kept), 0);
    return {
      syncs: this.#syncs,
      leaves: this.#options.batch.iseq,
      undurable: sum(({ stream: { marks } }) => distance(marks.durable, marks.written, JOURNAL_BYTES)),
      unsealed: sum(({ stream: { marks } }) => distance(marks.sealed, marks.durable, JOURNAL_BYTES)),
    };
  }

  async append(body: LeafBody): Promise<number> {
    if (this.#failure !== null) throw unavailable(this.#failure);
    try {
      const number = this.#options.batch.add(body);
      this.#commit();
      await this.#options.ledger.sync();
      return number;
    } catch (error) {
      this.#fail(error);
      throw unavailable(error);
    }
  }

  get keysInUse(): ReadonlySet<string> {
    const open = this.#kept.filter(({ isClosed }) => !isClosed);
    return new Set(
      open.flatMap(({ stream, tail }) => {
        const { needed, last } = tail.keys;
        return [...needed, ...stream.givenSince(last)];
      }),
    );
  }

  async settle(): Promise<void> {
    if (this.#failure !== null) throw unavailable(this.#failure);
    try {
      this.#commit();
      await this.#options.ledger.sync();
      this.#commitRows();
    } catch (error) {
      this.#fail(error);
      throw unavailable(error);
    }
  }

  fail(cause: Error): void {
    this.#fail(cause);
  }

  rotate(): void {
    for (const { stream, isClosed } of this.#kept) if (!isClosed) stream.rotate();
  }

  async close(last: readonly LeafBody[] = []): Promise<void> {
    this.#isStopping = true;
    this.#wake();
    await this.#running;
    await this.#checkpointing;
    const { batch, ledger } = this.#options;
    if (this.#failure === null) {
      for (const body of last) batch.add(body);
      batch.add({ type: 'gateway.stop' });
      this.#commit();
      await ledger.checkpoint();
      this.#commitRows();
    }
    if (this.#checkpointTimer !== null) clearTimeout(this.#checkpointTimer);
  }

  async #open(): Promise<void> {
    const { folder, links, clock, pageKeys, index, batch } = this.#options;
    const scanner = new FrameScanner();
    const sink = liveSink(batch, index);
    const events = { wake: () => this.#wake(), failed: (error: Error) => this.#fail(error) };
    for (const link of links) {
      const stream = await LiveStream.start(folder, link, () => clock.now(), pageKeys, events);
      const name = { instance: link.instance, worker: link.worker };
      const tail = new StreamTail({ folder, stream: name, pageKeys, scanner, sink, from: AT_START });
      this.#kept.push({ stream, tail, isClosed: false });
    }
  }

  async #run(): Promise<void> {
    while (this.#failure === null) {
      const dirty = this.#kept.filter(({ stream }) => stream.isDirty);
      if (dirty.length > 0) await this.#syncAndSeal(dirty);
      else if (this.#isWorthSealing && !this.#mustWait) {
        this.#seal();
        await nextTurn();
      } else if (await this.#end()) return;
      else await this.#rest();
    }
  }

  async #syncAndSeal(dirty: readonly Kept[]): Promise<void> {
    const sync = { isDone: false };
    const syncing = Promise.all(dirty.map(({ stream }) => stream.sync(stream.marks.written))).finally(() => {
      sync.isDone = true;
    });
    // a failure while we seal is heard of below
    syncing.catch(() => {});
    while (!sync.isDone && this.#isWorthSealing && !this.#mustWait) {
      this.#seal();
      await nextTurn();
    }
    await syncing;
    this.#syncs += dirty.length;
  }

  get #hasUnsealed(): boolean {
    return this.#kept.some(({ stream: { marks } }) => marks.sealed < marks.durable);
  }

  get #isWorthSealing(): boolean {
    return this.#hasUnsealed && (this.totals.unsealed >= BATCH_BYTES || this.#options.clock.mono() >= this.#sealBy);
  }

  /** How long what is unsealed or unlisted may wait yet, µs; at most LIST_MS. */
  get #patience(): number {
    const { index, clock } = this.#options;
    const until = Math.min(
      this.#hasUnsealed && !this.#mustWait ? this.#sealBy : Infinity,
      index.waiting > 0 ? this.#rowsBy : Infinity,
    );
    return Math.min(Math.max(0, until - clock.mono()), LIST_MS * 1000);
  }

  get #mustWait(): boolean {
    return this.#options.batch.bytes - this.#published > WAIT_BYTES;
  }

  /** Seals some of what is durable. */
  #seal(): void {
    const behind = this.#kept.filter(({ stream: { marks } }) => marks.sealed < marks.durable);
    for (const { stream, tail } of behind) tail.advance(stream.marks.durable, SEAL_BYTES);
    if (behind.length > 0) this.#commit();
    this.#sealBy = this.#options.clock.mono() + BATCH_MICROS;
    this.#writeRows();
  }

  #writeRows(): void {
    const { index, clock } = this.#options;
    if (index.waiting >= ROWS || (index.waiting > 0 && clock.mono() >= this.#rowsBy)) this.#commitRows();
  }

  #commit(): void {
    const { batch } = this.#options;
    batch.commit(this.#memo());
    for (const { stream, tail } of this.#kept) stream.marks.sealed = tail.position;
    if (batch.bytes - this.#published > EARLY_BYTES) this.#checkpoint();
    this.#checkpointTimer ??= setTimeout(() => this.#checkpoint(), this.#options.checkpointEvery);
  }

  #memo(): string {
    const { instance, batch } = this.#options;
    const workers: Record<string, StreamProgress> = {};
    for (const { stream, tail } of this.#kept) workers[stream.link.worker] = tail.progress(batch.next);
    const isDone = this.#isStopping && this.#kept.every(({ isClosed }) => isClosed);
    return memoText({ v: 1, inst: instance, iseq: batch.iseq, open: isDone ? {} : { [instance]: workers } });
  }

  #commitRows(): void {
    const { index, ledger } = this.#options;
    index.commit({ size: ledger.size, memo: Buffer.from(ledger.memo ?? []).toString() });
    this.#rowsBy = this.#options.clock.mono() + ROWS_MICROS;
  }

  #checkpoint(): void {
    if (this.#checkpointTimer !== null) clearTimeout(this.#checkpointTimer);
    this.#checkpointTimer = null;
    this.#checkpointing ??= this.#publish();
  }

  async #publish(): Promise<void> {
    const { ledger, batch } = this.#options;
    const covered = batch.bytes;
    try {
      await ledger.checkpoint();
      this.#published = covered;
    } catch (error) {
      this.#fail(error);
    }
    this.#checkpointing = null;
    this.#wake();
  }

  /** Nothing to sync, nothing worth sealing: waits until a worker wakes it, or what waits has waited long enough. */
  async #rest(): Promise<void> {
    const { clock } = this.#options;
    for (const { tail } of this.#kept) tail.list(clock.now() - LIST_MS);
    this.#writeRows();
    const woken = Promise.withResolvers<void>();
    this.#wake = woken.resolve;
    for (const { stream } of this.#kept) stream.marks.fallAsleep();
    // what was written before the wish to be woken was heard
    if (this.#kept.some(({ stream, isClosed }) => stream.isDirty || (stream.isEnding && !isClosed))) return;
    if (this.#isStopping || this.#failure !== null) return;
    const timer = setTimeout(woken.resolve, Math.ceil(this.#patience / 1000));
    await woken.promise;
    clearTimeout(timer);
  }

  /** Closes the journals of workers that have ended; returns true when that was the last of them and it is time to stop. */
  async #end(): Promise<boolean> {
    for (const kept of this.#kept) {
      const { stream, tail } = kept;
      if (kept.isClosed || stream.isDirty || !(stream.isEnding || this.#isStopping)) continue;
      // a journal that was asked for and is made only now would stay without a leaf
      await stream.provided();
      tail.finish(stream.last, () => {});
      kept.isClosed = true;
      this.#commit();
      await this.#options.ledger.sync();
      await stream.end();
    }
    return this.#isStopping && this.#kept.every(({ isClosed }) => isClosed);
  }

  #fail(cause: unknown): void {
    if (this.#failure !== null) return;
    this.#failure = cause instanceof Error ? cause : new Error(String(cause));
    this.#options.log.error({ err: this.#failure }, 'evidence cannot be kept any more');
    for (const { stream } of this.#kept) stream.fail(this.#failure.message);
    this.#failed.resolve(this.#failure);
    this.#wake();
  }
}

const unavailable = (cause: unknown): Failure =>
  new Failure('evidence-unavailable', 'the ledger cannot be written', { cause });
