/** Text as bytes, strictly. */

import { Malformed } from './malformed.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Returns the UTF-8 bytes of `text`. Throws Malformed for a lone surrogate, which has none. */
export const encodeUtf8 = (text: string): Uint8Array => {
  if (!text.isWellFormed()) throw new Malformed('text with a lone surrogate');
  return encoder.encode(text);
};

/** Returns the text of UTF-8 `bytes`, a byte order mark included. Throws Malformed for bytes that are not UTF-8. */
export const decodeUtf8 = (bytes: Uint8Array): string => {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw new Malformed('bytes that are not UTF-8', { cause: error });
  }
};

/** Returns the bytes of standard padded base64 (RFC 4648 §4). Throws Malformed for any second spelling of the same bytes. */
export const decodeBase64 = (text: string): Uint8Array => {
  try {
    const bytes = Uint8Array.fromBase64(text);
    if (bytes.toBase64() === text) return bytes;
  } catch (error) {
    throw new Malformed('text that is not base64', { cause: error });
  }
  throw new Malformed('base64 in another than its one spelling');
};
