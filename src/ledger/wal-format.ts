/**
 * Records of the write-ahead log: leaves on their way into tiles.
 * A segment is a magic line, one base record and batches:
 * `u32le n | u32le CRC-32 of the n bytes | u8 kind | u64le size | u64le durable | u32le memo length | memo | rest`.
 * The rest of a base are the hashes of the tree before it; the rest of a batch are leaves, framed as in entry bundles.
 */

import { crc32 } from 'node:zlib';
import { decodeBundle, encodeBundle } from './bundle.ts';
import { subtreeCount } from './compact-range.ts';
import { type Hash, HASH_BYTES } from './hash.ts';
import { Malformed } from './malformed.ts';

const MAGIC = Buffer.from('SALLYPORT-LEDGER-WAL 1\n', 'ascii');
const FRAME_BYTES = 8;
const HEAD_BYTES = 21;
const BASE = 0;
const BATCH = 1;
// Memo length of a log that never had one.
const NO_MEMO = 0xffff_ffff;

/** The state in front of the first batch of a segment. */
export interface WalBase {
  /** Leaves before this segment. */
  readonly size: number;
  /** The tree over them, as perfect subtrees, largest first. */
  readonly nodes: readonly Hash[];
  readonly memo: Uint8Array | null;
}

/** Leaves that are in the log together or not at all. */
export interface WalBatch {
  /** Index of the first leaf. */
  readonly first: number;
  readonly leaves: readonly Uint8Array[];
  readonly memo: Uint8Array;
}

const frame = (payload: readonly Uint8Array[]): Buffer => {
  const head = Buffer.alloc(FRAME_BYTES);
  const record = Buffer.concat([head, ...payload]);
  record.writeUInt32LE(record.length - FRAME_BYTES, 0);
  record.writeUInt32LE(crc32(record.subarray(FRAME_BYTES)), 4);
  return record;
};

const head = (kind: number, size: number, durable: number, memo: Uint8Array | null): Buffer => {
  const bytes = Buffer.alloc(HEAD_BYTES);
  bytes.writeUInt8(kind, 0);
  bytes.writeBigUInt64LE(BigInt(size), 1);
  bytes.writeBigUInt64LE(BigInt(durable), 9);
  bytes.writeUInt32LE(memo?.length ?? NO_MEMO, 17);
  return bytes;
};

/** Returns the bytes that begin a segment. */
export const encodeBase = ({ size, nodes, memo }: WalBase): Buffer =>
  Buffer.concat([MAGIC, frame([head(BASE, size, 0, memo), memo ?? Buffer.alloc(0), ...nodes])]);

/**
 * Returns the bytes of a batch. `durable` is how much of the segment is known to be on disk: damage before that point
 * is no torn write, and must not be taken for one. Throws Malformed for a leaf that is empty or too long.
 */
export const encodeBatch = ({ first, leaves, memo }: WalBatch, durable: number): Buffer =>
  frame([head(BATCH, first, durable, memo), memo, encodeBundle(leaves)]);

interface Payload {
  readonly kind: number;
  readonly size: number;
  readonly durable: number;
  readonly memo: Uint8Array | null;
  readonly rest: Uint8Array;
  /** Where the record ends. */
  readonly end: number;
}

/** Returns the record that begins at `at`, or null when there is no whole and sound one. */
const recordAt = (bytes: Buffer, at: number): Payload | null => {
  if (at + FRAME_BYTES + HEAD_BYTES > bytes.length) return null;
  const length = bytes.readUInt32LE(at);
  const start = at + FRAME_BYTES;
  const end = start + length;
  // A length of nothing would have the CRC of nothing: a hole full of zeros is no record.
  if (length < HEAD_BYTES || end > bytes.length) return null;
  if (crc32(bytes.subarray(start, end)) !== bytes.readUInt32LE(at + 4)) return null;
  const memoLength = bytes.readUInt32LE(start + 17);
  const memo = memoLength === NO_MEMO ? null : bytes.subarray(start + HEAD_BYTES, start + HEAD_BYTES + memoLength);
  return {
    kind: bytes.readUInt8(start),
    size: Number(bytes.readBigUInt64LE(start + 1)),
    durable: Number(bytes.readBigUInt64LE(start + 9)),
    memo,
    rest: bytes.subarray(start + HEAD_BYTES + (memo?.length ?? 0), end),
    end,
  };
};

/** One segment as it was read. */
export interface WalSegment {
  readonly base: WalBase;
  readonly batches: readonly WalBatch[];
  /** Where the last whole record ends: what follows was torn by a crash. */
  readonly end: number;
}

const readBase = (bytes: Buffer): { base: WalBase; end: number } => {
  const isOurs = bytes.subarray(0, MAGIC.length).equals(MAGIC);
  const record = isOurs ? recordAt(bytes, MAGIC.length) : null;
  if (record === null || record.kind !== BASE) throw new Malformed('does not begin as a write-ahead log does');
  const { size, memo, rest, end } = record;
  if (rest.length !== subtreeCount(size) * HASH_BYTES) throw new Malformed('holds no tree of its size');
  const nodes = Array.from({ length: rest.length / HASH_BYTES }, (_, at) =>
    rest.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
  );
  return { base: { size, memo, nodes }, end };
};

/** Returns true when a record behind `at` was written after what stands at `at` was durable. */
const wasDurable = (bytes: Buffer, at: number): boolean => {
  for (let next = at + 1; next + FRAME_BYTES + HEAD_BYTES <= bytes.length; next++) {
    if (bytes[next + FRAME_BYTES] !== BATCH) continue;
    const record = recordAt(bytes, next);
    if (record !== null && record.durable > at) return true;
  }
  return false;
};

/**
 * Returns what a segment holds, up to the last whole record. Throws Malformed when it does not begin as one, when
 * batches do not follow one another, or when bytes that were durable are damaged.
 */
export const readSegment = (bytes: Buffer): WalSegment => {
  const { base, end: start } = readBase(bytes);
  const batches: WalBatch[] = [];
  let size = base.size;
  let end = start;
  for (let record = recordAt(bytes, end); record !== null; record = recordAt(bytes, end)) {
    if (record.kind !== BATCH || record.size !== size || record.memo === null) {
      throw new Malformed(`has a record at ${end} that does not follow the one before`);
    }
    const leaves = decodeBundle(record.rest);
    batches.push({ first: size, leaves, memo: record.memo });
    size += leaves.length;
    end = record.end;
  }
  if (wasDurable(bytes, end)) throw new Malformed(`is damaged at ${end}, where it had been on disk already`);
  return { base, batches, end };
};
