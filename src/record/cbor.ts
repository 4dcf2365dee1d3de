/**
 * The part of CBOR (RFC 8949) that recordings use: unsigned integers, byte strings, text strings and arrays of known
 * length, in deterministic form only (§4.2.1: shortest heads). Whatever else stands in the bytes is an error.
 */

/** Major types, RFC 8949 §3.1. */
export const MAJOR = { uint: 0, bytes: 2, text: 3, array: 4 } as const;

/** What can be read back. */
export type CborItem = number | string | Buffer | readonly CborItem[];

/** Returns how many bytes the head of a value or length takes; at most 9. */
export const headLength = (value: number): number => {
  if (value < 24) return 1;
  if (value <= 0xff) return 2;
  if (value <= 0xff_ff) return 3;
  return value <= 0xff_ff_ff_ff ? 5 : 9;
};

/** Writes a head at `at` and returns where it ends. `value` is a safe non-negative integer. */
export function writeHead(to: Buffer, at: number, major: number, value: number): number {
  const type = major << 5;
  if (value < 24) {
    to[at] = type | value;
    return at + 1;
  }
  if (value <= 0xff) {
    to[at] = type | 24;
    to[at + 1] = value;
    return at + 2;
  }
  if (value <= 0xff_ff) {
    to[at] = type | 25;
    return to.writeUInt16BE(value, at + 1);
  }
  if (value <= 0xff_ff_ff_ff) {
    to[at] = type | 26;
    return to.writeUInt32BE(value, at + 1);
  }
  to[at] = type | 27;
  return to.writeBigUInt64BE(BigInt(value), at + 1);
}

/** A head as it was read. */
export interface Head {
  readonly major: number;
  readonly value: number;
  /** Where the head ends. */
  readonly next: number;
}

/** Returns the head at `at`. Throws when it is cut off, not in its shortest form, of unknown length or too large. */
function readHead(bytes: Buffer, at: number): Head {
  const first = bytes[at];
  if (first === undefined) throw new CborError('a head', 'the end', at);
  const major = first >> 5;
  const short = first & 0x1f;
  if (short < 24) return { major, value: short, next: at + 1 };
  if (short > 27) throw new CborError('a known length', `additional information ${short}`, at);
  const width = 1 << (short - 24);
  const next = at + 1 + width;
  if (next > bytes.length) throw new CborError(`${width} bytes of a head`, 'the end', at);
  const value = width === 8 ? Number(bytes.readBigUInt64BE(at + 1)) : bytes.readUIntBE(at + 1, width);
  if (!Number.isSafeInteger(value)) throw new CborError('a number below 2^53', 'a larger one', at);
  if (headLength(value) !== 1 + width) throw new CborError('the shortest head', `${width} bytes for ${value}`, at);
  return { major, value, next };
}

/** An item as it was read. Byte strings are views of the input. */
export interface Read {
  readonly item: CborItem;
  readonly next: number;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const MAX_DEPTH = 4;

/** Returns the item at `at`. Throws CborError on anything but the deterministic subset above, and on nesting beyond 4. */
export function readItem(bytes: Buffer, at: number, depth = 0): Read {
  const { major, value, next } = readHead(bytes, at);
  if (major === MAJOR.uint) return { item: value, next };
  if (major === MAJOR.array) return readArray(bytes, next, value, depth);
  if (major !== MAJOR.bytes && major !== MAJOR.text) throw new CborError('a known type', `major type ${major}`, at);
  const end = next + value;
  if (end > bytes.length) throw new CborError(`${value} bytes`, `${bytes.length - next}`, next);
  const content = bytes.subarray(next, end);
  return { item: major === MAJOR.bytes ? content : readText(content, next), next: end };
}

function readText(content: Buffer, at: number): string {
  try {
    return utf8.decode(content);
  } catch {
    throw new CborError('UTF-8', 'other bytes', at);
  }
}

function readArray(bytes: Buffer, at: number, length: number, depth: number): Read {
  if (depth === MAX_DEPTH) throw new CborError(`nesting up to ${MAX_DEPTH}`, 'more', at);
  const items: CborItem[] = [];
  let next = at;
  while (items.length < length) {
    const read = readItem(bytes, next, depth + 1);
    items.push(read.item);
    next = read.next;
  }
  return { item: items, next };
}

/** Returns where the item at `at` ends, looking at heads only. Throws CborError as `readItem` does of heads. */
export function skipItem(bytes: Buffer, at: number, depth = 0): number {
  const { major, value, next } = readHead(bytes, at);
  if (major === MAJOR.uint) return next;
  if (major !== MAJOR.array) return next + value;
  if (depth === MAX_DEPTH) throw new CborError(`nesting up to ${MAX_DEPTH}`, 'more', at);
  let end = next;
  for (let left = value; left > 0; left--) end = skipItem(bytes, end, depth + 1);
  return end;
}

/** Bytes that are not what recordings are made of. */
class CborError extends Error {
  constructor(expected: string, found: string, at: number) {
    super(`cbor at ${at}: expected ${expected}, found ${found}`);
    this.name = 'CborError';
  }
}
