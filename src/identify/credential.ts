/** Finds the one credential of a request, wherever the caller's client happens to put its key. */

import { type Refusal, refuse } from './refusal.ts';

/** What a credential is read from: the raw field lines, because Node's merged headers keep the first of duplicates. */
export interface CredentialHead {
  /** Name, value, name, value, as they came. */
  readonly rawHeaders: readonly string[];
  /** Without `?`; empty when there is none. */
  readonly query: string;
}

type Read = (value: string) => readonly string[];

const whole: Read = (value) => [value];

/**
 * RFC 6750 §2.1 and RFC 9110 §11.4: the scheme has no case, then one space or more. Another scheme stays as it is:
 * it counts as a credential, so that it conflicts with a token elsewhere, and is no well-formed token by itself.
 */
const bearer: Read = (value) => [value.replace(/^bearer(?: +|$)/i, '')];

const KEY_SUBPROTOCOL = 'openai-insecure-api-key.';

/** The OpenAI realtime client in a browser can set no header, so it sends its key as a WebSocket subprotocol. */
const subprotocol: Read = (value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item.startsWith(KEY_SUBPROTOCOL))
    .map((item) => item.slice(KEY_SUBPROTOCOL.length));

/** Returns the subprotocols of a handshake that are for the model server: all but the one that carries the key. */
export const withoutKey = (protocols: string): readonly string[] =>
  protocols
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '' && !item.startsWith(KEY_SUBPROTOCOL));

/** gRPC metadata are HTTP/2 field lines, so `authorization` serves gRPC too. */
const PLACES: ReadonlyMap<string, Read> = new Map([
  ['authorization', bearer],
  ['x-api-key', whole],
  ['api-key', whole],
  ['x-goog-api-key', whole],
  ['sec-websocket-protocol', subprotocol],
]);

/** Most field lines are dismissed by the length of their name alone: 0.3 µs instead of 0.9 for 14 lines. */
const LENGTHS: ReadonlySet<number> = new Set([...PLACES.keys()].map((name) => name.length));

/**
 * Every header, in lower case, that may carry a credential of the caller. Nothing of them goes upstream (promise 8):
 * the places that are read here, and those that other proxies and browsers use.
 */
export const CREDENTIAL_HEADERS: ReadonlySet<string> = new Set([
  ...PLACES.keys(),
  'proxy-authorization',
  'cookie',
  'cookie2',
]);

/** Query parameters in which some clients send their key. They end up in logs and histories, so they are refused. */
const QUERY_NAMES: ReadonlySet<string> = new Set(['key', 'access_token']);

const decoded = (name: string): string => {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
};

/** Returns the name of a parameter as the most lenient server would read it: decoded, without case, blanks or NULs. */
const parameterName = (pair: string): string =>
  decoded(pair.split('=', 1)[0] ?? '')
    .replaceAll(/[\0-\x20+]/g, '')
    .toLowerCase();

const hasQueryCredential = (query: string): boolean =>
  // `;` separates parameters too, for servers that follow HTML 4.01 appendix B.2.2
  query !== '' && query.split(/[&;]/).some((pair) => QUERY_NAMES.has(parameterName(pair)));

/**
 * Returns the only credential of the request, or the refusal. The same token in several places is one credential;
 * two different ones have no single reading. An empty field is no credential.
 */
export function readCredential(head: CredentialHead): string | Refusal {
  if (hasQueryCredential(head.query)) return refuse('token-in-query', 'a credential stands in the query');
  let token = '';
  for (let at = 0; at < head.rawHeaders.length; at += 2) {
    const name = head.rawHeaders[at] ?? '';
    if (!LENGTHS.has(name.length)) continue;
    const read = PLACES.get(name.toLowerCase());
    if (read === undefined) continue;
    for (const found of read(head.rawHeaders[at + 1] ?? '')) {
      if (found === '' || found === token) continue;
      if (token !== '') return refuse('token-conflict', 'two different credentials in the head');
      token = found;
    }
  }
  return token === '' ? refuse('no-token', 'no credential in the head') : token;
}
