/** `npm run bench -- identify`: what it costs to know a caller, remembered or not, beside the bare signature checks. */

import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { compactVerify } from 'jose';
import { systemClock } from '../src/clock.ts';
import { identifying, identityConfig } from '../test/support/identifying.ts';
import { signingKey, signJwt, startTokenIssuer, type TestAlgorithm } from '../test/support/token-issuer.ts';
import type { BenchOptions } from './bench.ts';

/** Microseconds a call, the median of some rounds. */
export interface IdentifyReport {
  /** One caller over and over; a thousand callers in turn. */
  readonly remembered: { readonly one: number; readonly thousand: number };
  readonly first: Readonly<Record<string, First>>;
}

interface First {
  /** Everything that identify does for a token that it does not know. */
  readonly identify: number;
  /** Only the signature, as node:crypto and as jose check it. */
  readonly crypto: number;
  readonly jose: number;
}

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'] as const;
const ROUNDS = 5;

/** The head of a request of the openai package. */
const headWith = (token: string): readonly string[] =>
  Object.entries({
    Host: '127.0.0.1:8080',
    Connection: 'keep-alive',
    'Content-Type': 'application/json',
    Accept: 'application/json',
    'User-Agent': 'OpenAI/JS 7.57.0',
    'X-Stainless-Retry-Count': '0',
    'X-Stainless-Lang': 'js',
    'X-Stainless-Package-Version': '7.57.0',
    'X-Stainless-OS': 'Linux',
    'X-Stainless-Arch': 'x64',
    'X-Stainless-Runtime': 'node',
    'X-Stainless-Runtime-Version': 'v26.10.0',
    Authorization: `Bearer ${token}`,
    'Content-Length': '1100',
  }).flat();

async function micros(count: number, work: (at: number) => unknown): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now();
    for (let at = 0; at < count; at++) {
      const outcome = work(round * count + at);
      if (outcome instanceof Promise) await outcome;
    }
    rounds.push(((performance.now() - began) * 1000) / count);
  }
  return rounds.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Number.NaN;
}

/** Returns the check of one token's signature and nothing else. */
function bareCheck(key: KeyObject, alg: TestAlgorithm, token: string): () => boolean {
  const end = token.lastIndexOf('.');
  const signed = Buffer.from(token.slice(0, end));
  const signature = Buffer.from(token.slice(end + 1), 'base64url');
  const hash = alg === 'EdDSA' ? null : `sha${alg.slice(2)}`;
  const options =
    alg === 'PS256'
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
      : { dsaEncoding: 'ieee-p1363' as const };
  return () => verify(hash, signed, { key, ...options }, signature);
}

async function measure(alg: TestAlgorithm, count: number): Promise<{ first: First; one: number; thousand: number }> {
  const key = signingKey('k1', alg);
  const issuer = await startTokenIssuer(key);
  const entry = { issuer: issuer.url, audience: 'sallyport', algorithms: [alg] };
  const { identifier } = identifying(identityConfig([entry]), { clock: systemClock });
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer.url, aud: 'sallyport', groups: ['ml', 'eng'], client_id: 'cli', scope: 'a b', iat: now };
  const tokens = Array.from({ length: ROUNDS * count + 1 }, (_, i) =>
    signJwt(key, { ...claims, sub: `caller-${i}`, exp: now + 3600 }),
  );
  const heads = tokens.map((token) => ({ rawHeaders: headWith(token), query: '' }));
  const identify = (at: number): unknown => {
    const head = heads[at];
    const identified = head === undefined ? null : identifier.identify(head);
    if (identified instanceof Promise) return identified;
    if (identified?.kind !== 'caller') throw new Error('a caller was not identified');
    return identified;
  };
  await identify(ROUNDS * count);

  const token = tokens[0] ?? '';
  const publicKey = createPublicKey({ key: key.jwk, format: 'jwk' });
  const first = {
    identify: await micros(count, identify),
    crypto: await micros(count, bareCheck(publicKey, alg, token)),
    jose: await micros(count, () => compactVerify(token, publicKey)),
  };
  const kept = Math.min(1000, heads.length);
  const one = await micros(50_000, () => identify(0));
  const thousand = await micros(50_000, (at) => identify(at % kept));
  identifier.close();
  await issuer.stop();
  return { first, one, thousand };
}

/** Measures and tells it. */
export async function run({ quick, say }: BenchOptions): Promise<IdentifyReport> {
  const first: Record<string, First> = {};
  let remembered = { one: Number.NaN, thousand: Number.NaN };
  for (const alg of ALGORITHMS) {
    const measured = await measure(alg, quick ? 200 : 1000);
    first[alg] = measured.first;
    if (alg === 'RS256') remembered = { one: measured.one, thousand: measured.thousand };
    const { identify, crypto, jose } = measured.first;
    say(
      `${alg}  not remembered ${identify.toFixed(1)} µs   signature alone: node:crypto ${crypto.toFixed(1)}, jose ${jose.toFixed(1)}`,
    );
  }
  say(
    `remembered  one caller ${remembered.one.toFixed(2)} µs, a thousand in turn ${remembered.thousand.toFixed(2)} µs`,
  );
  return { remembered, first };
}
