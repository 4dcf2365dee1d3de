/** What stands in one journal, read without its ledger: most of the work of verifying it, on any thread. */

import { hash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { DamageSearch } from './damage.ts';
import { type Frame, NO_SESSION } from './frame.ts';
import { journalFile, journalFolder, type JournalName, MAX_HEAD, readJournalHead } from './journal-name.ts';
import { FrameScanner } from './scan.ts';
import { ID_BYTES, showId } from './session-id.ts';

/** One frame, by what its ledger says of it. */
export interface ScannedFrame {
  /** One of FRAME. */
  readonly kind: number;
  /** The session as it is shown; of zeros for none. */
  readonly id: string;
  readonly seq: number;
  readonly offset: number;
  /** Bytes of what is hashed. */
  readonly length: number;
  /** SHA-256 in hex. */
  readonly ct: string;
}

/** Bytes that are no whole frame. */
export interface Damage {
  /** How many frames stand before it. */
  readonly before: number;
  readonly offset: number;
  /** Where the next frame is; null for none. */
  readonly next: number | null;
  /** What it was, where all but its checksum can be read; then it is the next of the frames. */
  readonly frame: { readonly session: string; readonly seq: number } | null;
}

/** A journal as it was found. The frames are packed, for the way between threads. */
export interface JournalScan {
  /** Bytes of the file. */
  readonly size: number;
  /** Everything in front of the first frame; null when the file does not begin as this journal. */
  readonly head: Uint8Array | null;
  readonly frames: Uint8Array;
  readonly damages: readonly Damage[];
}

// u8 kind | 16 B session id | u32le seq | u32le length | f64le offset | 32 B SHA-256
const HASH_BYTES = 32;
const SEQ_AT = 1 + ID_BYTES;
const LENGTH_AT = SEQ_AT + 4;
const OFFSET_AT = LENGTH_AT + 4;
const HASH_AT = OFFSET_AT + 8;
const STRIDE = HASH_AT + HASH_BYTES;
const FIRST_FRAMES = 1024;

/** Gathers frames in a buffer that grows. */
class Packed {
  #bytes = Buffer.allocUnsafeSlow(FIRST_FRAMES * STRIDE);
  #end = 0;

  add({ kind, sid, seq, bytes }: Frame, offset: number): void {
    if (this.#end === this.#bytes.length) {
      const wider = Buffer.allocUnsafeSlow(2 * this.#bytes.length);
      wider.set(this.#bytes);
      this.#bytes = wider;
    }
    const at = this.#end;
    this.#bytes[at] = kind;
    this.#bytes.set(sid, at + 1);
    this.#bytes.writeUInt32LE(seq, at + SEQ_AT);
    this.#bytes.writeUInt32LE(bytes.length, at + LENGTH_AT);
    this.#bytes.writeDoubleLE(offset, at + OFFSET_AT);
    this.#bytes.write(hash('sha256', bytes, 'latin1'), at + HASH_AT, HASH_BYTES, 'latin1');
    this.#end += STRIDE;
  }

  get count(): number {
    return this.#end / STRIDE;
  }

  get all(): Buffer {
    return this.#bytes.subarray(0, this.#end);
  }
}

/** Yields the frames of a scan in their order. */
export function* framesOf({ frames }: JournalScan): Generator<ScannedFrame> {
  const bytes = Buffer.from(frames.buffer, frames.byteOffset, frames.length);
  for (let at = 0; at < bytes.length; at += STRIDE) {
    yield {
      kind: bytes.readUInt8(at),
      id: showId(bytes.subarray(at + 1, at + SEQ_AT)),
      seq: bytes.readUInt32LE(at + SEQ_AT),
      length: bytes.readUInt32LE(at + LENGTH_AT),
      offset: bytes.readDoubleLE(at + OFFSET_AT),
      ct: bytes.toString('hex', at + HASH_AT, at + STRIDE),
    };
  }
}

const scanner = new FrameScanner();

/** Returns the frames between two offsets of an open file, those behind damage too. */
function scanFrames(fd: number, from: number, to: number): Pick<JournalScan, 'frames' | 'damages'> {
  const packed = new Packed();
  const damages: Damage[] = [];
  const search = new DamageSearch(fd, to);
  for (let at = from; ; ) {
    const { end, stopped } = scanner.scan(fd, at, to, (frame, offset) => packed.add(frame, offset));
    if (stopped === 'end') break;
    const { frame, next } = search.look(end);
    damages.push({ before: packed.count, offset: end, next, frame: frame === null ? null : ownerOf(frame) });
    if (frame !== null) packed.add(frame, end);
    if (next === null) break;
    at = next;
  }
  return { frames: packed.all, damages };
}

const ownerOf = ({ sid, seq }: Frame) => ({ session: sid.equals(NO_SESSION) ? '' : showId(sid), seq });

/** Returns what stands in the journal of a data folder up to `end` bytes; up to its end when that is null. */
export function scanJournal(folder: string, name: JournalName, end: number | null): JournalScan {
  const fd = openSync(join(journalFolder(folder), journalFile(name)), 'r');
  try {
    const { size } = fstatSync(fd);
    const first = Buffer.alloc(MAX_HEAD);
    const head = readJournalHead(first.subarray(0, readSync(fd, first, 0, MAX_HEAD, 0)), name);
    if (head === null) return { size, head: null, frames: new Uint8Array(0), damages: [] };
    return { size, head: first.subarray(0, head), ...scanFrames(fd, head, Math.min(end ?? size, size)) };
  } finally {
    closeSync(fd);
  }
}
