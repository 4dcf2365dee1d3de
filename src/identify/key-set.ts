/** Reads a JWK Set (RFC 7517) and keeps of it only what may verify a token: public, asymmetric, strong, for signatures. */

import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { type Algorithm, algorithmsFor } from './algorithms.ts';
import { isJsonObject, type JsonObject } from './json-object.ts';
import { isRoca } from './roca.ts';

/** One public key of an issuer. */
export interface VerificationKey {
  readonly kid: string;
  /** What it may be used with: its type, curve and `alg` decide. */
  readonly algorithms: readonly Algorithm[];
  readonly key: KeyObject;
}

/** Why a member of a set is not kept. */
type Ignored = 'not a key' | 'private' | 'no kid' | 'not for signatures' | 'unsupported' | 'invalid' | 'weak';

/** The usable keys of an issuer. */
export interface KeySet {
  readonly keys: readonly VerificationKey[];
  readonly ignored: readonly Ignored[];
  /** Equal for two sets with the same usable keys in the same order. */
  readonly fingerprint: string;
}

/** The most members that a set may have. */
const MAX_KEYS = 100;
const MIN_RSA_BITS = 2048;
/** Verifying costs grow with the square of the size: 8192 bits take 16 times as long as 2048. */
const MAX_RSA_BITS = 8192;
/** RFC 7518 §6.2.2, §6.3.2, §6.4.1, RFC 8037 §2, RFC 9964: members that only a private or symmetric key has. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'] as const;
const PUBLIC_MEMBERS = ['kty', 'crv', 'x', 'y', 'n', 'e'] as const;

const isForSignatures = (jwk: JsonObject): boolean => {
  const { use, key_ops: operations } = jwk;
  if (use !== undefined && use !== 'sig') return false;
  return operations === undefined || (Array.isArray(operations) && operations.includes('verify'));
};

/** RFC 7518 §3.3: 2048 bits or more. An even or tiny exponent makes a signature meaningless. */
const isWeak = (key: KeyObject, modulus: unknown): boolean => {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < MIN_RSA_BITS || modulusLength > MAX_RSA_BITS) return true;
  if (publicExponent < 3n || publicExponent % 2n === 0n) return true;
  return typeof modulus !== 'string' || isRoca(Buffer.from(modulus, 'base64url'));
};

function importKey(jwk: JsonObject): KeyObject | null {
  const members: Record<string, string> = {};
  for (const name of PUBLIC_MEMBERS) {
    const value = jwk[name];
    if (typeof value === 'string') members[name] = value;
  }
  try {
    // It checks the rest: that a point is on its curve, for one.
    return createPublicKey({ key: members, format: 'jwk' });
  } catch {
    return null;
  }
}

function readKey(jwk: unknown): VerificationKey | Ignored {
  if (!isJsonObject(jwk)) return 'not a key';
  // A private key that its owner published is everyone's: what it signed says nothing.
  if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(jwk, name))) return 'private';
  if (typeof jwk['kid'] !== 'string' || jwk['kid'] === '') return 'no kid';
  if (!isForSignatures(jwk)) return 'not for signatures';
  const algorithms = algorithmsFor(jwk['kty'], jwk['crv'], jwk['alg']);
  if (algorithms.length === 0) return 'unsupported';
  const key = importKey(jwk);
  if (key === null) return 'invalid';
  if (jwk['kty'] === 'RSA' && isWeak(key, jwk['n'])) return 'weak';
  return { kid: jwk['kid'], algorithms, key };
}

const fingerprint = (keys: readonly VerificationKey[]): string => {
  const hash = createHash('sha256');
  for (const { kid, algorithms, key } of keys) {
    hash.update(JSON.stringify([kid, algorithms, key.export({ format: 'jwk' })]));
  }
  return hash.digest('hex');
};

/**
 * Returns the usable keys of a parsed JWK Set; what may not verify a token is left out (RFC 7517 §5).
 * Throws Error when it is no JWK Set or has more than 100 members.
 */
export function readKeySet(document: unknown): KeySet {
  const members = isJsonObject(document) ? document['keys'] : null;
  if (!Array.isArray(members)) throw new Error('expected a JWK Set, found no array of keys');
  if (members.length > MAX_KEYS) throw new Error(`expected at most ${MAX_KEYS} keys, found ${members.length}`);
  const read = members.map(readKey);
  const keys = read.filter((key) => typeof key !== 'string');
  const ignored = read.filter((key) => typeof key === 'string');
  return { keys, ignored, fingerprint: fingerprint(keys) };
}

/** Returns the key of this id that fits the algorithm; null when there is none, or more than one to guess between. */
export function selectKey(set: KeySet, kid: string, alg: Algorithm): VerificationKey | null {
  const fitting = set.keys.filter((key) => key.kid === kid && key.algorithms.includes(alg));
  return fitting.length === 1 ? (fitting[0] ?? null) : null;
}
