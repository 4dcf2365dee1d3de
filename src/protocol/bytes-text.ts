/** Texts in bytes whose encoding nobody declares: elements of tensors, base64 content. */

import { isUtf8 } from 'node:buffer';

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

/** Returns true for base64 or base64url that decodes to whole bytes (RFC 4648 §4, §5), with or without padding. */
export const isBase64 = (text: string): boolean =>
  /^[A-Za-z0-9+/_-]*={0,2}$/.test(text) && text.replace(/=+$/, '').length % 4 !== 1;

/** Returns the texts in base64 content. */
export const textsInBase64 = (text: string): readonly string[] => textsInBytes(Buffer.from(text, 'base64'));

/** Returns the base64 content with `replace` applied to every text in it; the very same text when nothing changes. */
export const rewriteBase64 = (text: string, replace: (text: string) => string): string => {
  const bytes = Buffer.from(text, 'base64');
  const is = rewriteBytes(bytes, replace);
  if (is === bytes) return text;
  return /[-_]/.test(text) ? is.toString('base64url') : is.toString('base64');
};
