/** The write-ahead log of a ledger: what has been appended and is not in published tiles yet. */

import { closeSync, fdatasync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { syncFolder, writeDurablySync } from './durable.ts';
import { encodeBase, encodeBatch, readSegment, type WalBase, type WalBatch, type WalSegment } from './wal-format.ts';
import { Malformed, malformedMessage } from './malformed.ts';

const datasync = promisify(fdatasync);

interface Segment {
  readonly n: number;
  readonly fd: number;
  /** Leaves before it. */
  readonly size: number;
  /** Where it begins, in bytes of all segments that this process has written. */
  readonly start: number;
}

const NAME = /^(\d{6,})\.wal$/;
const segmentPath = (folder: string, n: number): string => join(folder, `${String(n).padStart(6, '0')}.wal`);

/** A segment on disk, not open yet. */
export interface StoredSegment extends WalSegment {
  readonly n: number;
}

/**
 * Returns the segments in `folder`, oldest first. Throws Malformed naming the one that is damaged, that ends early
 * though another follows, or that does not follow the one before.
 */
export const readSegments = async (folder: string): Promise<readonly StoredSegment[]> => {
  const numbers = (await readdir(folder))
    .map((name) => Number(NAME.exec(name)?.[1] ?? Number.NaN))
    .filter((n) => !Number.isNaN(n))
    .sort((a, b) => a - b);
  const segments: StoredSegment[] = [];
  for (const n of numbers) {
    const path = segmentPath(folder, n);
    const before = segments.at(-1);
    const bytes = readFileSync(path);
    try {
      const segment = { n, ...readSegment(bytes) };
      if (before !== undefined && segment.base.size !== sizeAfter(before))
        throw new Malformed('does not follow the one before');
      if (segment.end < bytes.length && n !== numbers.at(-1)) throw new Malformed(`is cut off at ${segment.end}`);
      segments.push(segment);
    } catch (error) {
      throw new Malformed(`${path} ${malformedMessage(error)}`, { cause: error });
    }
  }
  return segments;
};

/** Returns the leaves up to the end of a segment. */
export const sizeAfter = ({ base, batches }: WalSegment): number =>
  base.size + batches.reduce((sum, { leaves }) => sum + leaves.length, 0);

/** Appends batches, syncs them, and lets go of those that are published. Errors leave it unusable: its owner stops. */
export class Wal {
  readonly #folder: string;
  readonly #aside: string;
  readonly #old: Segment[] = [];
  #current: Segment;
  /** Bytes written and bytes known to be on disk, over all segments. */
  #written: number;
  #durable: number;
  #syncing: Promise<void> | null = null;

  private constructor(folder: string, aside: string, current: Segment, written: number) {
    this.#folder = folder;
    this.#aside = aside;
    this.#current = current;
    this.#written = written;
    this.#durable = written;
  }

  /** Makes the first segment of a new log. */
  static create(folder: string, aside: string): Wal {
    const base = encodeBase({ size: 0, nodes: [], memo: null });
    writeDurablySync(segmentPath(folder, 1), aside, base);
    return new Wal(folder, aside, { n: 1, fd: openSync(segmentPath(folder, 1), 'r+'), size: 0, start: 0 }, base.length);
  }

  /**
   * Opens what `readSegments` has read. The last segment is written anew, up to where a crash has torn it: if a sync
   * failed in an earlier run, the kernel may show bytes that are not on disk and that no later sync would write.
   */
  static resume(folder: string, aside: string, stored: readonly StoredSegment[]): Wal {
    const last = stored.at(-1);
    if (last === undefined) throw new Malformed('no segment');
    const path = segmentPath(folder, last.n);
    writeDurablySync(path, aside, readFileSync(path).subarray(0, last.end));
    const open = ({ n, base }: StoredSegment): Segment => ({
      n,
      fd: openSync(segmentPath(folder, n), 'r+'),
      size: base.size,
      start: 0,
    });
    const wal = new Wal(folder, aside, open(last), last.end);
    wal.#old.push(...stored.slice(0, -1).map(open));
    return wal;
  }

  /** Bytes in the current segment. */
  get length(): number {
    return this.#written - this.#current.start;
  }

  /** Writes a batch. Throws Malformed before anything is written when a leaf does not fit; any other error is of the disk. */
  append(batch: WalBatch): void {
    const record = encodeBatch(batch, Math.max(0, this.#durable - this.#current.start));
    for (let at = 0; at < record.length; ) {
      at += writeSync(this.#current.fd, record, at, record.length - at, this.length + at);
    }
    this.#written += record.length;
  }

  /** Resolves when everything that was appended before the call is on disk. Calls that come together share a sync. */
  async sync(): Promise<void> {
    const target = this.#written;
    while (this.#durable < target) {
      this.#syncing ??= this.#syncOnce().finally(() => (this.#syncing = null));
      await this.#syncing;
    }
  }

  async #syncOnce(): Promise<void> {
    const reached = this.#written;
    await datasync(this.#current.fd);
    this.#durable = Math.max(this.#durable, reached);
  }

  /** Begins a new segment, with everything before it on disk when it returns. */
  rotate(base: WalBase): void {
    fdatasyncSync(this.#current.fd);
    const n = this.#current.n + 1;
    const path = segmentPath(this.#folder, n);
    const bytes = encodeBase(base);
    writeDurablySync(path, this.#aside, bytes);
    this.#old.push(this.#current);
    this.#durable = this.#written;
    this.#current = { n, fd: openSync(path, 'r+'), size: base.size, start: this.#written };
    this.#written += bytes.length;
    this.#durable = this.#written;
  }

  /** Removes segments that hold nothing beyond the first `size` leaves. */
  async forget(size: number): Promise<void> {
    while (this.#old.length > 0 && (this.#old[1] ?? this.#current).size <= size) {
      await this.#syncing;
      const gone = this.#old.shift();
      if (gone === undefined) return;
      closeSync(gone.fd);
      await unlink(segmentPath(this.#folder, gone.n));
      await syncFolder(this.#folder);
    }
  }

  /** Closes the files. Nothing may be called after it. */
  async close(): Promise<void> {
    await this.#syncing;
    for (const { fd } of [...this.#old.splice(0), this.#current]) closeSync(fd);
  }
}
