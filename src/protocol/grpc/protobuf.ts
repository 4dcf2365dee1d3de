/** The protobuf wire format (protobuf.dev/programming-guides/encoding), read strictly and without copies. */

/** Bytes that are no protobuf message, or not the one that was expected. */
export class WireError extends Error {
  constructor(expected: string) {
    super(`expected ${expected}`);
    this.name = 'WireError';
  }
}

/** Wire types; groups (3, 4) are of proto2 and read as malformed. */
export const WIRE = { varint: 0, fixed64: 1, length: 2, fixed32: 5 } as const;

const MOST_VARINT_BYTES = 10;

/** Returns where the varint at `at` ends. Throws WireError when it does not end in time. */
function varintEnd(bytes: Buffer, at: number, end: number): number {
  const last = Math.min(end, at + MOST_VARINT_BYTES);
  for (let index = at; index < last; index++) if ((bytes[index] ?? 0) < 0x80) return index + 1;
  throw new WireError('a varint that ends');
}

/** Returns a varint as a signed 64-bit integer. */
function readInteger(bytes: Buffer, from: number, to: number): bigint {
  let value = 0n;
  for (let at = to - 1; at >= from; at--) value = (value << 7n) | BigInt((bytes[at] ?? 0) & 0x7f);
  return BigInt.asIntN(64, value);
}

/** Yields the integers of a packed field. Throws WireError. */
export function* packedIntegers(bytes: Buffer): Generator<bigint> {
  for (let at = 0; at < bytes.length; ) {
    const end = varintEnd(bytes, at, bytes.length);
    yield readInteger(bytes, at, end);
    at = end;
  }
}

/** Walks over the fields of one message. */
export class FieldReader {
  readonly bytes: Buffer;
  private readonly end: number;
  /** Number and wire type of the field, where it begins, and where its value begins and ends. */
  no = 0;
  wire = 0;
  start = 0;
  from = 0;
  to: number;

  constructor(bytes: Buffer, from = 0, end = bytes.length) {
    this.bytes = bytes;
    this.end = end;
    this.to = from;
  }

  /** Moves to the next field; false at the end. Throws WireError. */
  next(): boolean {
    if (this.to === this.end) return false;
    this.start = this.to;
    const tag = this.varint(this.start);
    // field numbers take 29 bits
    if (tag < 8 || tag > 0xffff_ffff) throw new WireError('a field number');
    this.no = Math.floor(tag / 8);
    this.wire = tag % 8;
    this.from = this.to;
    this.to = this.valueEnd();
    return true;
  }

  /** Returns the value of a length-delimited field; a view. */
  value(): Buffer {
    return this.bytes.subarray(this.from, this.to);
  }

  /** Returns the value of a varint field as a signed 64-bit integer. */
  integer(): bigint {
    return readInteger(this.bytes, this.from, this.to);
  }

  private valueEnd(): number {
    if (this.wire === WIRE.varint) return varintEnd(this.bytes, this.from, this.end);
    if (this.wire === WIRE.fixed64) return this.within(this.from + 8);
    if (this.wire === WIRE.fixed32) return this.within(this.from + 4);
    if (this.wire !== WIRE.length) throw new WireError('a wire type that proto3 has');
    const length = this.varint(this.from);
    this.from = this.to;
    return this.within(this.from + length);
  }

  /** Returns the varint at `at` as a number, and leaves `to` behind it. Beyond 53 bits it is inexact, and larger than any length. */
  private varint(at: number): number {
    const end = varintEnd(this.bytes, at, this.end);
    let value = 0;
    for (let index = end - 1; index >= at; index--) value = value * 128 + ((this.bytes[index] ?? 0) & 0x7f);
    this.to = end;
    return value;
  }

  private within(end: number): number {
    if (end > this.end) throw new WireError('a field to end within its message');
    return end;
  }
}

/** Returns a varint of a whole number that is not negative. */
export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** Returns a length-delimited field. */
export function lengthField(no: number, value: Uint8Array | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([varint(no * 8 + WIRE.length), varint(bytes.length), bytes]);
}
