/** An issuer that a test controls to the byte: what it publishes, how it answers, and what it signs. */

import { generateKeyPairSync, type KeyObject, type SigningOptions, sign as signBytes, constants } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listenOnLoopback, stopListening } from './loopback.ts';

/** Signature algorithms that test tokens are signed with. */
export type TestAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'ES384' | 'EdDSA';

/** A key pair with the id that it is published under. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: TestAlgorithm;
  readonly privateKey: KeyObject;
  /** As it stands in a JWK Set; a test may publish something else. */
  readonly jwk: Readonly<Record<string, unknown>>;
}

const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
const raw = { dsaEncoding: 'ieee-p1363' } as const;

const SPECS: Readonly<Record<TestAlgorithm, readonly [hash: string | null, options: SigningOptions]>> = {
  RS256: ['sha256', {}],
  PS256: ['sha256', pss],
  ES256: ['sha256', raw],
  ES384: ['sha384', raw],
  EdDSA: [null, {}],
};

const generate = (alg: TestAlgorithm): { publicKey: KeyObject; privateKey: KeyObject } => {
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519');
  if (alg === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  if (alg === 'ES384') return generateKeyPairSync('ec', { namedCurve: 'P-384' });
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
};

/** Returns a fresh key pair. */
export function signingKey(kid: string, alg: TestAlgorithm = 'ES256'): SigningKey {
  const { publicKey, privateKey } = generate(alg);
  return { kid, alg, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } };
}

const encode = (text: string): string => Buffer.from(text).toString('base64url');

/** Returns a compact JWS over exactly these texts, whatever they are. */
export function signText(key: SigningKey, header: string, payload: string): string {
  const [hash, options] = SPECS[key.alg];
  const signed = `${encode(header)}.${encode(payload)}`;
  return `${signed}.${signBytes(hash, Buffer.from(signed), { key: key.privateKey, ...options }).toString('base64url')}`;
}

/** Returns a JWT; `header` adds to the usual one, and an undefined member takes one away. */
export const signJwt = (
  key: SigningKey,
  claims: Readonly<Record<string, unknown>>,
  header: Readonly<Record<string, unknown>> = {},
): string =>
  signText(key, JSON.stringify({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header }), JSON.stringify(claims));

/** Answers a request in place of the issuer; returns false to leave it to the issuer. */
export type Answer = (req: IncomingMessage, res: ServerResponse) => boolean;

/** A running issuer. */
export interface TokenIssuer {
  /** Its `iss`; also where it listens. */
  readonly url: string;
  /** Members of the JWK Set that it publishes. */
  published: readonly unknown[];
  /** Cache-Control of the JWK Set; empty for none. */
  cacheControl: string;
  /** Members that the discovery document has instead of the right ones. */
  discovery: Readonly<Record<string, unknown>>;
  /** Hostile answers. */
  answer: Answer;
  /** Paths in the order in which they were asked for. */
  readonly asked: readonly string[];
  /** Stops listening, as in an outage; `start` listens on the same port again. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Returns an issuer on a free loopback port that publishes `keys`. */
export async function startTokenIssuer(...keys: readonly SigningKey[]): Promise<TokenIssuer> {
  const asked: string[] = [];
  let port = 0;
  const server = createServer((req, res) => {
    asked.push(req.url ?? '');
    if (issuer.answer(req, res)) return;
    if (req.url === '/jwks') {
      if (issuer.cacheControl !== '') res.setHeader('Cache-Control', issuer.cacheControl);
      res.end(JSON.stringify({ keys: issuer.published }));
      return;
    }
    res.end(JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/jwks`, ...issuer.discovery }));
  });
  const start = async (): Promise<void> => {
    port = await listenOnLoopback(server, port);
  };
  const issuer: TokenIssuer = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    published: keys.map(({ jwk }) => jwk),
    cacheControl: '',
    discovery: {},
    answer: () => false,
    asked,
    start,
    stop: () => stopListening(server),
  };
  await start();
  return issuer;
}
