/** Texts in bytes whose encoding nobody declares: elements of tensors, base64 content. */

import { isUtf8 } from 'node:buffer';
import type { Steps } from '../turns.ts';

/**
 * What is no UTF-8 as a whole may still hold text: printable ASCII of at least so many characters in a row. In random
 * bytes such a run comes once in ten million places, so that no image is changed by accident; and one odd byte is not
 * enough to hide a text.
 */
const RUNS = /[\t\n\r\x20-\x7e]{16,}/g;

/** Returns the texts in the bytes: all of them when they are UTF-8, else every longer run of ASCII. */
export const textsInBytes = (bytes: Buffer): readonly string[] => {
  if (bytes.length === 0) return [];
  return isUtf8(bytes) ? [bytes.toString('utf8')] : (bytes.toString('latin1').match(RUNS) ?? []);
};

/** Returns the bytes with `replace` applied to every text in them; the very same bytes when nothing changes. */
export const rewriteBytes = (bytes: Buffer, replace: (text: string) => string): Buffer => {
  if (isUtf8(bytes)) {
    const text = bytes.toString('utf8');
    const is = replace(text);
    return is === text ? bytes : Buffer.from(is);
  }
  const text = bytes.toString('latin1');
  // A mask writes nothing but what it was given and ASCII: latin1 has both.
  const is = text.replace(RUNS, replace);
  return is === text ? bytes : Buffer.from(is, 'latin1');
};

/** Returns what `rewriteBytes` does, in steps, with a replacement that is one of steps. */
export function* rewritingBytes(bytes: Buffer, replace: (text: string) => Steps<string>): Steps<Buffer> {
  if (isUtf8(bytes)) {
    const text = bytes.toString('utf8');
    const is = yield* replace(text);
    return is === text ? bytes : Buffer.from(is);
  }
  const text = bytes.toString('latin1');
  let out = '';
  let at = 0;
  for (const { 0: run, index } of text.matchAll(RUNS)) {
    const is = yield* replace(run);
    if (is === run) continue;
    out += text.slice(at, index) + is;
    at = index + run.length;
  }
  return at === 0 ? bytes : Buffer.from(out + text.slice(at), 'latin1');
}

/** Returns true for base64 or base64url that decodes to whole bytes (RFC 4648 §4, §5), with or without padding. */
export const isBase64 = (text: string): boolean =>
  /^[A-Za-z0-9+/_-]*={0,2}$/.test(text) && text.replace(/=+$/, '').length % 4 !== 1;

/** Returns the texts in base64 content. */
export const textsInBase64 = (text: string): readonly string[] => textsInBytes(Buffer.from(text, 'base64'));

const base64Like = (text: string, bytes: Buffer): string =>
  /[-_]/.test(text) ? bytes.toString('base64url') : bytes.toString('base64');

/** Returns what `rewriteBase64` does, in steps. */
export function* rewritingBase64(text: string, replace: (text: string) => Steps<string>): Steps<string> {
  const bytes = Buffer.from(text, 'base64');
  const is = yield* rewritingBytes(bytes, replace);
  return is === bytes ? text : base64Like(text, is);
}

/** Returns the base64 content with `replace` applied to every text in it; the very same text when nothing changes. */
export const rewriteBase64 = (text: string, replace: (text: string) => string): string => {
  const bytes = Buffer.from(text, 'base64');
  const is = rewriteBytes(bytes, replace);
  return is === bytes ? text : base64Like(text, is);
};
