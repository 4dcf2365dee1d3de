/**
 * The events of a session: a CBOR Sequence (RFC 8742) of `[µs since the opening, code, payload]`, which is the
 * plaintext of its frames in order. Text payloads are JSON or plain words, byte payloads are bytes as they passed.
 */

import { headLength, MAJOR, readItem, skipItem, writeHead } from './cbor.ts';

/** What each code means; `bytes` payloads of one code in a row belong together. */
export const EVENT_CODES = {
  o: { title: 'opening: what ledger and index are made from', payload: 'text' },
  c: { title: 'opening: the rest', payload: 'text' },
  q: { title: 'request body', payload: 'bytes' },
  f: { title: 'forwarded body, when it was masked', payload: 'bytes' },
  h: { title: 'answer head', payload: 'text' },
  d: { title: 'answer bytes as the caller saw them', payload: 'bytes' },
  t: { title: 'trailers', payload: 'text' },
  m: { title: 'marker', payload: 'text' },
  k: { title: 'where the key for originals comes from', payload: 'text' },
  Q: { title: 'original of a request that was masked, sealed for auditors', payload: 'bytes' },
  D: { title: 'original of answer bytes that were masked, sealed for auditors', payload: 'bytes' },
  x: { title: 'end', payload: 'text' },
  r: { title: 'refusals of strangers', payload: 'text' },
} as const;

/** One letter of EVENT_CODES. */
export type EventCode = keyof typeof EVENT_CODES;

/** One event as it was read. Byte payloads are views of the plaintext. */
export interface Event {
  /** Microseconds since the opening, monotonic clock. */
  readonly at: number;
  readonly code: EventCode;
  readonly payload: string | Buffer;
}

/** Returns how many bytes an event takes beside its payload. */
export const eventOverhead = (micros: number, payloadBytes: number): number =>
  1 + headLength(micros) + 2 + headLength(payloadBytes);

/** The most that `eventOverhead` returns. */
export const MAX_EVENT_OVERHEAD = 1 + 9 + 2 + 9;

/** Writes an event up to its payload at `at` and returns where the payload goes. */
export function writeEventHead(to: Buffer, at: number, micros: number, code: EventCode, payloadBytes: number): number {
  to[at] = (MAJOR.array << 5) | 3;
  const codeAt = writeHead(to, at + 1, MAJOR.uint, micros);
  to[codeAt] = (MAJOR.text << 5) | 1;
  to[codeAt + 1] = code.charCodeAt(0);
  const major = EVENT_CODES[code].payload === 'text' ? MAJOR.text : MAJOR.bytes;
  return writeHead(to, codeAt + 2, major, payloadBytes);
}

/** Yields the events of a plaintext. Throws CborError, or Error when an item is not an event. */
export function* readEvents(plaintext: Buffer): Generator<Event> {
  for (let at = 0; at < plaintext.length; ) {
    const { event, next } = readEvent(plaintext, at);
    yield event;
    at = next;
  }
}

/** An event whose payload is text. */
export interface TextEvent {
  /** Microseconds since the opening. */
  readonly at: number;
  readonly payload: string;
}

/** Returns the first event of a plaintext. Throws when it is not a text event of this code. */
export const firstEvent = (plaintext: Buffer, code: EventCode): TextEvent =>
  asText(readEvent(plaintext, 0).event, code);

/** Returns the last event of a plaintext. Throws when it is not a text event of this code. */
export function lastEvent(plaintext: Buffer, code: EventCode): TextEvent {
  let last = 0;
  for (let at = 0; at < plaintext.length; at = skipItem(plaintext, at)) last = at;
  return asText(readEvent(plaintext, last).event, code);
}

function asText({ at, code: found, payload }: Event, code: EventCode): TextEvent {
  if (found !== code || typeof payload !== 'string') throw new Error(`expected an event ${code}, found ${found}`);
  return { at, payload };
}

function readEvent(plaintext: Buffer, at: number): { readonly event: Event; readonly next: number } {
  const { item, next } = readItem(plaintext, at);
  if (!Array.isArray(item) || item.length !== 3) throw new Error(`event at ${at}: expected an array of three`);
  const [micros, code, payload] = item;
  if (typeof micros !== 'number' || typeof code !== 'string' || !isCode(code)) {
    throw new Error(`event at ${at}: expected a time and a known code`);
  }
  if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) {
    throw new Error(`event at ${at}: expected text or bytes`);
  }
  if ((typeof payload === 'string') !== (EVENT_CODES[code].payload === 'text')) {
    throw new Error(`event at ${at}: expected the other type of payload for ${code}`);
  }
  return { event: { at: micros, code, payload }, next };
}

const isCode = (text: string): text is EventCode => Object.hasOwn(EVENT_CODES, text);
