/** Everything that is known about each signature algorithm stands in one table; nothing below enumerates algorithms. */

import { constants, type KeyObject, type SigningOptions, verify } from 'node:crypto';
import type { IssuerConfig } from '../config.ts';

/** A signature algorithm that an issuer may be configured with; asymmetric only. */
export type Algorithm = IssuerConfig['algorithms'][number];

interface AlgorithmFacts {
  readonly kty: 'RSA' | 'EC' | 'OKP';
  /** The only curve of the algorithm (RFC 7518 §3.4, RFC 9864); null for RSA. */
  readonly crv: string | null;
  /** Null where the algorithm hashes by itself. */
  readonly hash: string | null;
  readonly options: SigningOptions;
}

const rsa = (hash: string): AlgorithmFacts => ({
  kty: 'RSA',
  crv: null,
  hash,
  options: { padding: constants.RSA_PKCS1_PADDING },
});

// RFC 7518 §3.5: the salt is as long as the hash
const pss = (hash: string): AlgorithmFacts => ({
  kty: 'RSA',
  crv: null,
  hash,
  options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
});

// RFC 7518 §3.4: R and S side by side, not DER
const ecdsa = (crv: string, hash: string): AlgorithmFacts => ({
  kty: 'EC',
  crv,
  hash,
  options: { dsaEncoding: 'ieee-p1363' },
});

const ed25519: AlgorithmFacts = { kty: 'OKP', crv: 'Ed25519', hash: null, options: {} };

const ALGORITHMS: Readonly<Record<Algorithm, AlgorithmFacts>> = {
  RS256: rsa('sha256'),
  RS384: rsa('sha384'),
  RS512: rsa('sha512'),
  PS256: pss('sha256'),
  PS384: pss('sha384'),
  PS512: pss('sha512'),
  ES256: ecdsa('P-256', 'sha256'),
  ES384: ecdsa('P-384', 'sha384'),
  ES512: ecdsa('P-521', 'sha512'),
  EdDSA: ed25519,
  Ed25519: ed25519,
};

/** Returns true when `name` is an algorithm of the table. */
export const isAlgorithm = (name: string): name is Algorithm => Object.hasOwn(ALGORITHMS, name);

/** Returns the algorithms that a JWK with this `kty`, `crv` and `alg` (undefined: not stated) may be used with. */
export const algorithmsFor = (kty: unknown, crv: unknown, alg: unknown): readonly Algorithm[] =>
  Object.keys(ALGORITHMS)
    .filter(isAlgorithm)
    .filter((name) => alg === undefined || alg === name)
    .filter((name) => ALGORITHMS[name].kty === kty && (ALGORITHMS[name].crv ?? undefined) === crv);

/**
 * Returns true when `signature` is one of `alg` over `signed`. On the calling thread and not in libuv's pool: a
 * stranger's signatures must not stand in the queue of the syncs that evidence waits for (docs/adr/0008).
 */
export function verifySignature(alg: Algorithm, key: KeyObject, signed: Buffer, signature: Buffer): boolean {
  const { hash, options } = ALGORITHMS[alg];
  return verify(hash, signed, { key, ...options }, signature);
}
