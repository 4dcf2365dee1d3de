/** One worker's line of journals as the recorder thread keeps it: makes the files, syncs them, publishes how far. */

import { close as closeFd, fdatasync, open as openFd } from 'node:fs';
import { promisify } from 'node:util';
import { makeJournal } from './make-journal.ts';
import type { LinkEnd, ToRecorder, ToWorker } from './messages.ts';
import { tagOf } from './page-keys.ts';
import { fileOf, type Position, Watermarks } from './watermarks.ts';
import type { KeyHand, WritingKeys } from './writing-keys.ts';

const datasync = promisify(fdatasync);
const openFile = promisify<string, string, number>(openFd);
const closeFile = promisify(closeFd);

/** What a live stream tells its owner. */
export interface StreamEvents {
  /** Something was written while nobody looked, or the worker has ended. */
  wake(): void;
  failed(error: Error): void;
}

/** The recorder's end of a link. Owned by the recording. */
export class LiveStream {
  readonly link: LinkEnd;
  readonly marks: Watermarks;
  readonly #folder: string;
  readonly #now: () => number;
  readonly #keys: KeyHand;
  /** Tags of the recording keys that the worker was given, oldest first. */
  readonly #given: string[] = [];
  readonly #fds = new Map<number, number>();
  #last = -1;
  #providing: Promise<void> = Promise.resolve();
  #isEnding = false;

  private constructor(folder: string, link: LinkEnd, now: () => number, keys: KeyHand) {
    this.#keys = keys;
    this.#folder = folder;
    this.link = link;
    this.#now = now;
    this.marks = new Watermarks(link.memory);
  }

  /** Resolves to the stream of a link, with its first journal handed over. */
  static async start(
    folder: string,
    link: LinkEnd,
    now: () => number,
    keys: KeyHand,
    events: StreamEvents,
  ): Promise<LiveStream> {
    const stream = new LiveStream(folder, link, now, keys);
    link.port.on('message', (message: ToRecorder) => stream.#hear(message, events));
    await stream.#provide(0);
    return stream;
  }

  /** Resolves when no file is being made: once the worker has ended, `last` stays what it is. */
  provided(): Promise<void> {
    return this.#providing;
  }

  /** Number of the last file that was made. */
  get last(): number {
    return this.#last;
  }

  /** True once the worker writes nothing more. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  get isDirty(): boolean {
    return this.marks.written > this.marks.durable;
  }

  /** Syncs everything up to `position` and publishes it. Rejects when a sync fails: nothing is durable then. */
  async sync(position: Position): Promise<void> {
    const from = fileOf(this.marks.durable);
    const files = Array.from({ length: fileOf(position) - from + 1 }, (_, index) => this.#fd(from + index));
    await Promise.all(files.map((fd) => datasync(fd)));
    this.marks.durable = position;
    if (this.marks.takeAwaiting()) this.#tell({ kind: 'durable' });
    // what is left behind is written no more
    for (const [n, fd] of this.#fds) if (n < fileOf(position)) await this.#forget(n, fd);
  }

  /** Has the worker leave its journal for the next one, so that this one is closed. */
  rotate(): void {
    if (!this.#isEnding) this.#tell({ kind: 'rotate', keys: this.#give() });
  }

  /** Returns the tags of the keys that the worker may still write with, when it was last seen to write with `tag`. */
  givenSince(tag: string | null): readonly string[] {
    return tag === null ? this.#given : this.#given.slice(Math.max(0, this.#given.lastIndexOf(tag)));
  }

  /** Tells the worker that nothing can be kept any more. */
  fail(message: string): void {
    this.marks.fail();
    this.#tell({ kind: 'failed', message });
  }

  /** Tells the worker that all of it is durable and sealed. */
  async end(): Promise<void> {
    this.#tell({ kind: 'closed' });
    for (const [n, fd] of this.#fds) await this.#forget(n, fd);
    this.link.port.close();
  }

  #fd(n: number): number {
    const fd = this.#fds.get(n);
    if (fd === undefined) throw new Error(`journal ${n} of worker ${this.link.worker} was written but is not open`);
    return fd;
  }

  async #forget(n: number, fd: number): Promise<void> {
    this.#fds.delete(n);
    await closeFile(fd);
  }

  #hear(message: ToRecorder, events: StreamEvents): void {
    if (message.kind === 'failed') return events.failed(new Error(message.message));
    if (message.kind === 'close') this.#isEnding = true;
    if (message.kind !== 'half') return events.wake();
    if (this.#isEnding) return;
    this.#providing = this.#provide(message.n + 1).catch((error: unknown) => {
      events.failed(error instanceof Error ? error : new Error(String(error)));
    });
  }

  /** Makes journal `n`, durably with its name, and hands it over: a data thread never syncs. */
  async #provide(n: number): Promise<void> {
    const { instance, worker } = this.link;
    const { path, offset } = await makeJournal(this.#folder, { instance, worker, n }, this.#now());
    this.#fds.set(n, await openFile(path, 'r+'));
    this.#last = n;
    this.#tell({ kind: 'journal', n, path, offset, keys: this.#give() });
  }

  #give(): WritingKeys {
    const keys = this.#keys.writing();
    const tag = tagOf(keys.page).toString('hex');
    if (this.#given.at(-1) !== tag) this.#given.push(tag);
    return keys;
  }

  #tell(message: ToWorker): void {
    this.link.port.postMessage(message);
  }
}
