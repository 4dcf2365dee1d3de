/** The part of DER (ITU-T X.690 §10) that time-stamps need: reading strictly, writing little. */

import { Malformed } from './malformed.ts';

/** One element: its tag, all of its bytes, and those of its content. */
export interface Der {
  readonly tag: number;
  readonly bytes: Uint8Array;
  readonly content: Uint8Array;
}

/** Tags that are looked for. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  generalizedTime: 0x18,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Returns the tag of an element `[n]` that holds others. */
export const tagged = (n: number): number => 0xa0 | n;

/** Returns the element at the beginning of `bytes`. Throws Malformed for a length that is not in its shortest form. */
const readFirst = (bytes: Uint8Array): Der => {
  const [tag = 0, first = 0] = bytes;
  // X.690 §8.1.2.4: tags above 30 take more bytes; none of ours does
  if (bytes.length < 2 || (tag & 0x1f) === 0x1f) throw new Malformed('it is not DER');
  const more = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || more > 4 || bytes.length < 2 + more) throw new Malformed('it has a length that is not DER');
  let length = first;
  if (more > 0) length = bytes.subarray(2, 2 + more).reduce((sum, byte) => sum * 256 + byte, 0);
  // X.690 §10.1: the length takes as few bytes as it can
  if (more > 0 && (length < 0x80 || length < 256 ** (more - 1))) throw new Malformed('it has a length that is not DER');
  const end = 2 + more + length;
  if (end > bytes.length) throw new Malformed('it is cut off');
  return { tag, bytes: bytes.subarray(0, end), content: bytes.subarray(2 + more, end) };
};

/** Returns the one element that `bytes` are. Throws Malformed. */
export const readDer = (bytes: Uint8Array): Der => {
  const der = readFirst(bytes);
  if (der.bytes.length !== bytes.length) throw new Malformed('it has bytes behind its end');
  return der;
};

/** Returns the elements in an element, which must have this tag. Throws Malformed. */
export const partsOf = (der: Der | undefined, tag: number): readonly Der[] => {
  const parts: Der[] = [];
  for (let rest = need(der, tag).content; rest.length > 0; ) {
    const part = readFirst(rest);
    parts.push(part);
    rest = rest.subarray(part.bytes.length);
  }
  return parts;
};

/** Returns the element. Throws Malformed unless it is there and has this tag. */
export const need = (der: Der | undefined, tag: number): Der => {
  if (der?.tag === tag) return der;
  throw new Malformed(`expected an element with the tag ${tag.toString(16)}, found ${der?.tag.toString(16) ?? 'none'}`);
};

/** Returns an object identifier in dots. Throws Malformed. */
export const oidOf = (der: Der | undefined): string => {
  const { content } = need(der, TAG.oid);
  const numbers: number[] = [];
  let value = 0;
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f);
    if (value > Number.MAX_SAFE_INTEGER) throw new Malformed('an object identifier that is too large');
    if (byte >= 0x80) continue;
    numbers.push(value);
    value = 0;
  }
  const [first = 0, ...rest] = numbers;
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - top * 40, ...rest].join('.');
};

/** Returns a time in ms since the epoch; whole seconds in UTC, fractions cut off. Throws Malformed. */
export const timeOf = (der: Der | undefined): number => {
  const text = new TextDecoder().decode(der?.content);
  const isShort = der?.tag === TAG.utcTime;
  if (!isShort) need(der, TAG.generalizedTime);
  const [, year = '', month, day, hour, minute, second] =
    (isShort
      ? /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/
      : /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.\d*[1-9])?Z$/
    ).exec(text) ?? [];
  // RFC 5280 §4.1.2.5.1: two digits from 50 on are of the last century
  const century = Number(year) >= 50 ? '19' : '20';
  const time = Date.parse(`${isShort ? century : ''}${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(time)) throw new Malformed('a time that is none');
  return time;
};

/** Returns an element. */
export const writeDer = (tag: number, ...parts: readonly Uint8Array[]): Uint8Array => {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  const head = length < 0x80 ? [tag, length] : [tag, 0x80 | bytes.length, ...bytes];
  const all = new Uint8Array(head.length + length);
  all.set(head);
  let at = head.length;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

/** Returns an object identifier. */
export const writeOid = (oid: string): Uint8Array => {
  const [top = 0, second = 0, ...rest] = oid.split('.').map(Number);
  const bytes = [top * 40 + second, ...rest].flatMap((number) => {
    const groups = [number % 128];
    for (let left = Math.floor(number / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift(0x80 | (left % 128));
    return groups;
  });
  return writeDer(TAG.oid, Uint8Array.from(bytes));
};
