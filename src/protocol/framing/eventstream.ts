/**
 * AWS event streams, `application/vnd.amazon.eventstream`: binary messages with typed headers, a payload and two CRCs.
 * (smithy.io, "Amazon Event Stream Specification")
 *
 * total length u32 · headers length u32 · CRC of these eight bytes u32 · headers · payload · CRC of everything so far u32
 */

import { isUtf8 } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { Failure } from '../../reasons.ts';
import type { Frame, Framing, Splitter } from './framing.ts';
import { Gather } from './gather.ts';

const PRELUDE = 12;
const CRC = 4;
/** A message without headers and payload. */
const SMALLEST = PRELUDE + CRC;

const malformed = (found: string): Failure =>
  new Failure('answer-unreadable', `expected a message of an AWS event stream, found ${found}`);

/** Returns the length of the message that begins here. Throws Failure `answer-unreadable` for a false prelude. */
const lengthOf = (prelude: Buffer, limit: number): number => {
  // The CRC first: nothing in a damaged prelude is to be believed.
  if (crc32(prelude.subarray(0, 8)) !== prelude.readUInt32BE(8)) throw malformed('a prelude with a wrong CRC');
  const length = prelude.readUInt32BE(0);
  if (length < SMALLEST || prelude.readUInt32BE(4) > length - SMALLEST) throw malformed('lengths that do not add up');
  if (length > limit) throw malformed(`one of more than ${limit} bytes`);
  return length;
};

/** Cuts bytes into messages by their lengths. */
class MessageSplitter implements Splitter {
  private readonly limit: number;
  private pending = new Gather();
  /** Length of the message that is pending; 0 while its prelude is incomplete. */
  private length = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  push(chunk: Buffer): readonly Buffer[] {
    const messages: Buffer[] = [];
    let rest = chunk;
    while (rest.length > 0) {
      const message = this.pending.length === 0 ? this.whole(rest) : null;
      if (message !== null) {
        messages.push(message);
        rest = rest.subarray(message.length);
        continue;
      }
      const wanted = (this.length === 0 ? PRELUDE : this.length) - this.pending.length;
      this.pending.add(rest.subarray(0, wanted));
      if (rest.length < wanted) break;
      rest = rest.subarray(wanted);
      const pending = this.pending.take();
      if (this.length === 0) {
        this.length = lengthOf(pending, this.limit);
        this.pending.add(pending);
      } else {
        this.length = 0;
        messages.push(pending);
      }
    }
    return messages;
  }

  end(): Buffer {
    return this.pending.take();
  }

  /** Returns the message that these bytes begin with, null when it is not all there. */
  private whole(bytes: Buffer): Buffer | null {
    if (bytes.length < PRELUDE) return null;
    const length = lengthOf(bytes.subarray(0, PRELUDE), this.limit);
    return bytes.length < length ? null : bytes.subarray(0, length);
  }
}

/** Sizes of header values by their type; -1 where two bytes say it. 0 and 1 are true and false. */
const VALUE_SIZES: readonly number[] = [0, 0, 1, 2, 4, 8, -1, -1, 8, 16];
const STRING = 7;

/** One header as it came. */
interface Header {
  readonly name: string;
  /** Null for a value that is no string. */
  readonly value: string | null;
  readonly raw: Buffer;
}

const utf8 = (bytes: Buffer): string => {
  if (!isUtf8(bytes)) throw malformed('a string that is not UTF-8');
  return bytes.toString('utf8');
};

const readHeaders = (bytes: Buffer): readonly Header[] => {
  const headers: Header[] = [];
  const names = new Set<string>();
  for (let at = 0; at < bytes.length; ) {
    const value = at + 1 + (bytes[at] ?? 0) + 1;
    const type = bytes[value - 1];
    let size = type === undefined ? undefined : VALUE_SIZES[type];
    let start = value;
    if (size === -1 && value + 2 <= bytes.length) {
      size = bytes.readUInt16BE(value);
      start = value + 2;
    }
    if (size === undefined || size === -1 || start + size > bytes.length) throw malformed('a header that is cut off');
    const name = utf8(bytes.subarray(at + 1, value - 1));
    if (names.has(name)) throw malformed('a repeated header');
    names.add(name);
    const end = start + size;
    headers.push({
      name,
      value: type === STRING ? utf8(bytes.subarray(start, end)) : null,
      raw: bytes.subarray(at, end),
    });
    at = end;
  }
  return headers;
};

const stringHeader = (name: string, value: string): Buffer => {
  const nameBytes = Buffer.from(name);
  const valueBytes = Buffer.from(value);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(valueBytes.length);
  return Buffer.concat([Buffer.from([nameBytes.length]), nameBytes, Buffer.from([STRING]), length, valueBytes]);
};

/** Returns the message with these headers and this payload, both CRCs reckoned. */
const write = (headers: readonly Buffer[], payload: Buffer): Buffer => {
  const headersLength = headers.reduce((sum, header) => sum + header.length, 0);
  const length = SMALLEST + headersLength + payload.length;
  const message = Buffer.alloc(length);
  message.writeUInt32BE(length, 0);
  message.writeUInt32BE(headersLength, 4);
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8);
  let at = PRELUDE;
  for (const part of [...headers, payload]) at += part.copy(message, at);
  message.writeUInt32BE(crc32(message.subarray(0, at)), at);
  return message;
};

/** Headers that say what a message is; their values are words of the protocol. */
const WORDS: ReadonlySet<string> = new Set([':message-type', ':event-type', ':exception-type', ':content-type']);

/** The longest value that a string header can hold. */
const LONGEST_VALUE = 32_767;

const masked = ({ name, value, raw }: Header, line: (text: string) => string): Buffer => {
  if (value === null || WORDS.has(name)) return raw;
  const is = line(value);
  if (is === value) return raw;
  if (Buffer.byteLength(is) > LONGEST_VALUE) throw malformed('a header that grows too long when it is masked');
  return stringHeader(name, is);
};

/** What a message holds. */
interface Message {
  readonly headers: readonly Header[];
  readonly payload: Buffer;
}

/** Returns what a message holds. Throws Failure `answer-unreadable` when a CRC or a length is wrong. */
const readMessage = (bytes: Buffer): Message => {
  if (bytes.length < SMALLEST || lengthOf(bytes.subarray(0, PRELUDE), bytes.length) !== bytes.length)
    throw malformed('one that is cut off');
  const end = bytes.length - CRC;
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32BE(end)) throw malformed('a message with a wrong CRC');
  const payload = PRELUDE + bytes.readUInt32BE(4);
  return { headers: readHeaders(bytes.subarray(PRELUDE, payload)), payload: bytes.subarray(payload, end) };
};

const valueOf = (headers: readonly Header[], name: string): string =>
  headers.find((header) => header.name === name)?.value ?? '';

/** The event is named by the header that its kind of message has. */
const eventOf = (headers: readonly Header[]): string =>
  valueOf(headers, ':event-type') || valueOf(headers, ':exception-type') || valueOf(headers, ':error-code');

const readFrame = (bytes: Buffer): Frame => {
  const { headers, payload } = readMessage(bytes);
  const was = payload.length === 0 ? null : utf8(payload);
  return {
    event: eventOf(headers),
    data: was,
    at: -1,
    // Behind an exception or an error nothing follows.
    last: valueOf(headers, ':message-type') !== 'event',
    rewrite(data, line) {
      const written = headers.map((header) => masked(header, line));
      if (data === was && written.every((raw, i) => raw === headers[i]?.raw)) return bytes;
      return write(written, Buffer.from(data ?? ''));
    },
  };
};

/** A message whose payload is bytes of something else. */
export interface Part {
  readonly event: string;
  readonly payload: Buffer;
  /** Returns the message with other bytes, both CRCs reckoned. */
  readonly withPayload: (payload: Buffer) => Buffer;
}

/** Returns what a whole message says. Throws Failure `answer-unreadable`. */
export const readPart = (bytes: Buffer): Part => {
  const { headers, payload } = readMessage(bytes);
  const raw = headers.map((header) => header.raw);
  return { event: eventOf(headers), payload, withPayload: (other) => write(raw, other) };
};

/** Returns a message that brings these bytes of an answer in parts. */
export const payloadPart = (payload: Buffer): Buffer =>
  write(
    [
      stringHeader(':event-type', 'PayloadPart'),
      stringHeader(':content-type', 'application/octet-stream'),
      stringHeader(':message-type', 'event'),
    ],
    payload,
  );

const rendered = (kind: 'event' | 'exception', name: string, data: string): Buffer =>
  write(
    [
      stringHeader(`:${kind}-type`, name),
      stringHeader(':content-type', 'application/json'),
      stringHeader(':message-type', kind),
    ],
    Buffer.from(data),
  );

/** The framing of AWS event streams whose payloads are JSON. */
export const eventstream: Framing = {
  name: 'eventstream',
  form: 'eventstream',
  isText: false,
  ending: Buffer.alloc(0),
  splitter: (limit) => new MessageSplitter(limit),
  read: (frame) => readFrame(frame),
  mayHoldEvent: (frame) => frame.length > SMALLEST,
  render: (event, data) => rendered('event', event, data),
  renderFailure: (event, data) => rendered('exception', event, data),
};
