/** Reads the compact form of a JWS (RFC 7515 §7.1) so strictly that a token has one spelling. */

import { readJsonObject } from './json-object.ts';
import { Refusal, refuse } from './refusal.ts';

/** A token taken apart. Nothing of it is verified yet. */
export interface Jws {
  readonly alg: string;
  readonly kid: string;
  /** As it came; null when absent. */
  readonly typ: string | null;
  readonly payload: Buffer;
  readonly signature: Buffer;
  /** What the signature is over (RFC 7515 §5.1). */
  readonly signed: Buffer;
}

/** The longest key id that is looked up, in characters. */
const MAX_KID = 512;

/** The longest token that is read, in characters. */
const MAX_TOKEN = 8192;

/**
 * Header members that would let the token choose its own key (`jwk`, `jku`, `x5u`, `x5c`), change what is signed
 * (`b64`, RFC 7797), demand what we do not do (`crit`), or say that it is encrypted or compressed (`enc`, `zip`).
 */
const REFUSED_MEMBERS = ['crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c', 'enc', 'zip'] as const;

/**
 * Returns the bytes of an unpadded base64url text (RFC 7515 §2), or null when it is not the one spelling of them:
 * Node's decoder skips what it does not know, accepts the other alphabet and ignores unused bits.
 */
export function readBase64url(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : null;
}

interface Header {
  readonly alg: string;
  readonly kid: string;
  readonly typ: string | null;
}

function readHeader(bytes: Buffer): Header | Refusal {
  const header = readJsonObject(bytes);
  if (header === null) return refuse('token-malformed', 'the header is not a strict JSON object');
  for (const name of REFUSED_MEMBERS) {
    if (Object.hasOwn(header, name)) return refuse('token-malformed', `the header has ${name}`);
  }
  const { alg, kid, typ = null } = header;
  if (typeof alg !== 'string') return refuse('token-malformed', 'alg is not a string');
  // A token without kid would be tried against whatever key fits: it has to say which one signed it.
  if (typeof kid !== 'string' || kid === '' || kid.length > MAX_KID)
    return refuse('token-malformed', 'kid is missing or not a usable string');
  if (typ !== null && typeof typ !== 'string') return refuse('token-malformed', 'typ is not a string');
  return { alg, kid, typ };
}

/** Returns the parts of a compact JWS, or the refusal. A JWE has five parts and is refused like any other shape. */
export function readJws(token: string): Jws | Refusal {
  if (token.length > MAX_TOKEN) return refuse('token-malformed', 'the token is longer than 8 KiB');
  const [first, second, third, ...more] = token.split('.', 4);
  if (first === undefined || second === undefined || third === undefined || more.length > 0)
    return refuse('token-malformed', 'the token has not three parts');
  const [head, payload, signature] = [readBase64url(first), readBase64url(second), readBase64url(third)];
  if (head === null || payload === null || signature === null)
    return refuse('token-malformed', 'a part is not strict base64url');
  const header = readHeader(head);
  if (header instanceof Refusal) return header;
  const signed = Buffer.from(token.slice(0, first.length + 1 + second.length), 'latin1');
  return { ...header, payload, signature, signed };
}
