/** Streams of events in every framing: obvious writers and readers that share no code with the product. */

import { dispatched } from './event-stream.ts';
import type { Framing } from '../../src/protocol/framing/framing.ts';

/** One event: its name, where the framing has names, and its data. */
export interface FramedEvent {
  readonly event: string;
  readonly data: string;
}

/** How tests write and read one framing. */
export interface FramingKit {
  readonly contentType: string;
  /** Events have names. */
  readonly named: boolean;
  write(events: readonly FramedEvent[]): Buffer;
  /** Throws when the bytes are not what the framing's specification allows. */
  read(bytes: Buffer): FramedEvent[];
}

/** CRC-32 bit by bit (ISO 3309, reflected polynomial 0xEDB88320). */
const crc32 = (bytes: Buffer): number => {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1;
  }
  return (crc ^ 0xffff_ffff) >>> 0;
};

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);

const stringHeaders = (headers: Readonly<Record<string, string>>): Buffer =>
  Buffer.concat(
    Object.entries(headers).flatMap(([name, value]) => [
      Buffer.from([Buffer.byteLength(name)]),
      Buffer.from(name),
      Buffer.from([7]),
      u16(Buffer.byteLength(value)),
      Buffer.from(value),
    ]),
  );

/** Returns one message of an AWS event stream with these string headers, or with these bytes for headers. */
export const awsMessage = (headers: Readonly<Record<string, string>> | Buffer, payload: Buffer | string): Buffer => {
  const head = Buffer.isBuffer(headers) ? headers : stringHeaders(headers);
  const body = Buffer.from(payload);
  const prelude = Buffer.concat([u32(16 + head.length + body.length), u32(head.length)]);
  const all = Buffer.concat([prelude, u32(crc32(prelude)), head, body]);
  return Buffer.concat([all, u32(crc32(all))]);
};

/** Returns the messages of an AWS event stream. Throws when a CRC or a length is wrong. */
export const awsMessages = (bytes: Buffer): { headers: Record<string, string>; payload: Buffer }[] => {
  const messages = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const message = bytes.subarray(at, at + length);
    if (message.length !== length) throw new Error('a message is cut off');
    if (crc32(message.subarray(0, 8)) !== message.readUInt32BE(8)) throw new Error('wrong prelude CRC');
    if (crc32(message.subarray(0, -4)) !== message.readUInt32BE(length - 4)) throw new Error('wrong message CRC');
    const end = 12 + message.readUInt32BE(4);
    const headers: Record<string, string> = {};
    for (let head = 12; head < end; ) {
      const name = message.subarray(head + 1, head + 1 + message[head]!).toString();
      head += 1 + message[head]!;
      if (message[head] !== 7) throw new Error('expected string headers');
      const size = message.readUInt16BE(head + 1);
      headers[name] = message.subarray(head + 3, head + 3 + size).toString();
      head += 3 + size;
    }
    messages.push({ headers, payload: message.subarray(end, length - 4) });
    at += length;
  }
  return messages;
};

const sse: FramingKit = {
  contentType: 'text/event-stream',
  named: true,
  write: (events) =>
    Buffer.from(
      events.map(({ event, data }) => `${event === '' ? '' : `event: ${event}\n`}data: ${data}\n\n`).join(''),
    ),
  read: (bytes) => dispatched(bytes.toString()),
};

const ndjson: FramingKit = {
  contentType: 'application/x-ndjson',
  named: false,
  write: (events) => Buffer.from(events.map(({ data }) => `${data}\n`).join('')),
  read: (bytes) =>
    bytes
      .toString()
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => ({ event: '', data: JSON.stringify(JSON.parse(line)) })),
};

const jsonArray: FramingKit = {
  contentType: 'application/json; charset=UTF-8',
  named: false,
  write: (events) => Buffer.from(`[${events.map(({ data }) => data).join('\n,\r\n')}\n]\n`),
  read(bytes) {
    const items: unknown = JSON.parse(bytes.toString());
    if (!Array.isArray(items)) throw new Error('expected an array');
    return items.map((item) => ({ event: '', data: JSON.stringify(item) }));
  },
};

const eventstream: FramingKit = {
  contentType: 'application/vnd.amazon.eventstream',
  named: true,
  write: (events) =>
    Buffer.concat(
      events.map(({ event, data }) =>
        awsMessage(
          {
            ':event-type': event === '' ? 'chunk' : event,
            ':content-type': 'application/json',
            ':message-type': 'event',
          },
          data,
        ),
      ),
    ),
  read: (bytes) =>
    awsMessages(bytes).map(({ headers, payload }) => ({
      event: headers[':event-type'] ?? '',
      data: payload.toString(),
    })),
};

/** Returns the kit of a framing whose events stand in one stream of bytes. */
export const kitOf = ({ name }: Framing): FramingKit => {
  if (name === 'message') throw new Error('messages are no stream of bytes');
  return FRAMING_KITS[name];
};

/** Every framing of a stream of bytes by its name. */
export const FRAMING_KITS = { sse, ndjson, 'json-array': jsonArray, eventstream } as const;
