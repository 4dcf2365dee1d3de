/**
 * Signs requests for AWS (docs.aws.amazon.com, IAM user guide, "Create a signed AWS API request"). The signature is over
 * the bytes that are forwarded: a caller's own would not hold for a body that was masked, nor for another host.
 */

import { createHash, createHmac } from 'node:crypto';

/** What is signed with. */
export interface AwsKeys {
  readonly region: string;
  /** The service in the scope of the signature, for example `bedrock`. */
  readonly service: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Empty for keys that last. */
  readonly sessionToken: string;
}

/** What goes upstream, as far as it is signed. */
export interface Signable {
  readonly method: string;
  /** As it is sent, percent-escapes included. */
  readonly path: string;
  /** Without `?`; empty for none. */
  readonly query: string;
  readonly host: string;
  /** Empty when the request has none. */
  readonly contentType: string;
  readonly body: Buffer | null;
}

/** Returns the field lines that sign a request: name, value, name, value. */
export type Sign = (request: Signable) => string[];

const ALGORITHM = 'AWS4-HMAC-SHA256';

const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** RFC 3986 §2.3: everything but unreserved characters is escaped, what `encodeURIComponent` leaves alone too. */
const escaped = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** Segments are escaped once more than they are sent; S3 alone has it otherwise. */
const canonicalPath = (path: string): string => path.split('/').map(escaped).join('/');

const unescaped = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    // What is no text is signed as it stands.
    return text;
  }
};

const canonicalQuery = (query: string): string => {
  if (query === '') return '';
  const pairs = query.split('&').map((pair) => {
    const [name = '', ...value] = pair.split('=');
    return `${escaped(unescaped(name))}=${escaped(unescaped(value.join('=')))}`;
  });
  return pairs.toSorted().join('&');
};

/** `2026-11-26T10:11:12.345Z` → `20261126T101112Z` */
const stamp = (now: number): string => new Date(now).toISOString().replaceAll(/[-:]|\.\d{3}/g, '');

/** Returns what signs with these keys. `now` returns milliseconds since the epoch. */
export const signer = (keys: AwsKeys, now: () => number): Sign => {
  const { region, service, accessKeyId, secretAccessKey, sessionToken } = keys;
  // The key of a day takes four digests: it is made once a day.
  let known: { readonly day: string; readonly key: Buffer } = { day: '', key: Buffer.alloc(0) };
  const keyOf = (day: string): Buffer => {
    if (known.day === day) return known.key;
    const key = [region, service, 'aws4_request'].reduce<Buffer>(hmac, hmac(`AWS4${secretAccessKey}`, day));
    known = { day, key };
    return key;
  };
  return ({ method, path, query, host, contentType, body }) => {
    const at = stamp(now());
    const digest = sha256(body ?? '');
    const lines = [
      ['content-type', contentType.trim().replaceAll(/ +/g, ' ')],
      ['host', host],
      ['x-amz-content-sha256', digest],
      ['x-amz-date', at],
      ['x-amz-security-token', sessionToken],
    ].filter(([, value]) => value !== '');
    const names = lines.map(([name]) => name).join(';');
    const signed = lines.map(([name, value]) => `${name}:${value}\n`).join('');
    const canonical = [method, canonicalPath(path), canonicalQuery(query), signed, names, digest].join('\n');
    const scope = `${at.slice(0, 8)}/${region}/${service}/aws4_request`;
    const signature = hmac(keyOf(at.slice(0, 8)), [ALGORITHM, at, scope, sha256(canonical)].join('\n')).toString('hex');
    return [
      'X-Amz-Date',
      at,
      'X-Amz-Content-Sha256',
      digest,
      ...(sessionToken === '' ? [] : ['X-Amz-Security-Token', sessionToken]),
      'Authorization',
      `${ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
    ];
  };
};
