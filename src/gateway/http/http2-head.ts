/**
 * Reads the head of an HTTP/2 request into the form that HTTP/1.1 heads have, so that both are judged by one reading
 * (http/head.ts). What would become another request when it is written as HTTP/1.1 is refused (RFC 9113 §8.2, §8.3, §10.3).
 */

import type { BadHead, IncomingHead } from './head.ts';

/** RFC 9113 §8.3.1. `:protocol` (RFC 8441) is not offered. */
const PSEUDO: ReadonlySet<string> = new Set([':method', ':scheme', ':authority', ':path']);

/** RFC 9113 §8.2.2: these speak about an HTTP/1.1 connection. */
const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

// RFC 9113 §8.2.1: a token of RFC 9110 §5.6.2 without upper case
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
// RFC 9110 §5.5, octets as latin1: no control but HTAB, and no blank at either end
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

/** Bytes that RFC 7541 §4.1 adds to each field line. */
const LINE_OVERHEAD = 32;

/** Returns the size of a header list as RFC 9113 §6.5.2 counts it: SETTINGS_MAX_HEADER_LIST_SIZE only advises. */
export function headerListSize(raw: readonly string[]): number {
  let size = (raw.length / 2) * LINE_OVERHEAD;
  for (const part of raw) size += part.length;
  return size;
}

/**
 * Returns a head as HTTP/1.1 would have brought it, `:authority` as its Host, or why it is malformed. `ended` is true
 * when no body follows. nghttp2 refuses most of this before; a second reading costs little and does not depend on it.
 */
export function readHttp2Head(
  raw: readonly string[],
  ended: boolean,
): (IncomingHead & { unframed: boolean }) | BadHead {
  const pseudo = new Map<string, string>();
  const fields: string[] = [];
  let host: string | null = null;
  let declared = false;
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? '';
    const value = raw[at + 1] ?? '';
    if (!VALUE.test(value)) return { bad: 'a field value that may not be written' };
    if (name.startsWith(':')) {
      // RFC 9113 §8.3: ahead of all field lines, each at most once
      if (!PSEUDO.has(name) || pseudo.has(name) || fields.length > 0 || host !== null)
        return { bad: 'pseudo-header fields are unknown, repeated or late' };
      pseudo.set(name, value);
      continue;
    }
    if (!NAME.test(name)) return { bad: 'a field name that may not be written' };
    if (CONNECTION_SPECIFIC.has(name)) return { bad: 'a connection-specific field' };
    if (name === 'te' && value.toLowerCase() !== 'trailers') return { bad: 'te is not trailers' };
    if (name === 'content-length') {
      declared = true;
      // RFC 9113 §8.1.1
      if (ended && value !== '0') return { bad: 'content-length without a body' };
    }
    if (name !== 'host') fields.push(name, value);
    else if (host !== null) return { bad: 'more than one host' };
    else host = value;
  }
  const scheme = pseudo.get(':scheme');
  if (scheme !== 'http' && scheme !== 'https') return { bad: 'scheme is not http or https' };
  const authority = pseudo.get(':authority') ?? host ?? '';
  // RFC 9113 §8.3.1: they must not differ, because hops differ in which of the two they read
  if (host !== null && host !== authority) return { bad: 'host is not the authority' };
  return {
    method: pseudo.get(':method') ?? '',
    url: pseudo.get(':path') ?? '',
    httpVersion: '2.0',
    rawHeaders: ['Host', authority, ...fields],
    unframed: !ended && !declared,
  };
}
