/** The order of checks for a token (docs/adr/0008): each either refuses or hands on; what none refuses is a caller. */

import type { Caller } from '../call.ts';
import type { Algorithm } from './algorithms.ts';
import { verifySignature } from './algorithms.ts';
import { checkAudience, checkBinding, checkTimes, readGroups, readSubject } from './claims.ts';
import type { Found, IssuerKeys } from './issuer-keys.ts';
import { deepFreeze, type JsonObject, readJsonObject } from './json-object.ts';
import { type Jws, readJws } from './jws.ts';
import type { Profile } from './profile.ts';
import { Refusal, refuse } from './refusal.ts';
import { checkType } from './token-type.ts';

/** A configured issuer: what it may vouch for, and its keys. */
export interface Issuer {
  readonly profile: Profile;
  readonly keys: IssuerKeys;
}

/** Who the token speaks for, and which issuer said so. */
export interface Verified {
  readonly caller: Caller;
  readonly issuer: Issuer;
  /** Generation of the key set that the signature was verified with. */
  readonly generation: number;
}

/** A token that named its issuer and its key, and that is not verified yet. */
interface Unverified {
  readonly jws: Jws;
  readonly claims: JsonObject;
  readonly issuer: Issuer;
  readonly alg: Algorithm;
}

/**
 * Returns who the token speaks for, or the refusal; at once unless a key has to be fetched first. `now` returns
 * milliseconds of the wall clock, and is asked after the wait.
 */
export function verifyToken(
  token: string,
  issuers: ReadonlyMap<string, Issuer>,
  now: () => number,
): Verified | Refusal | Promise<Verified | Refusal> {
  const unverified = readToken(token, issuers);
  if (unverified instanceof Refusal) return unverified;
  const { jws, issuer, alg } = unverified;
  const found = issuer.keys.find(jws.kid, alg);
  return found instanceof Promise
    ? found.then((key) => verifyWith(key, unverified, now()))
    : verifyWith(found, unverified, now());
}

/** Steps 2 to 4. `iss` is read before the signature only to select whose keys are tried; nothing else is. */
function readToken(token: string, issuers: ReadonlyMap<string, Issuer>): Unverified | Refusal {
  const jws = readJws(token);
  if (jws instanceof Refusal) return jws;
  const claims = readJsonObject(jws.payload);
  if (claims === null) return refuse('token-malformed', 'the payload is not a strict JSON object');
  const { iss } = claims;
  const issuer = typeof iss === 'string' ? issuers.get(iss) : undefined;
  if (issuer === undefined) return refuse('token-issuer', 'iss is not a configured issuer');
  const alg = issuer.profile.algorithm(jws.alg);
  if (alg === null) return refuse('token-signature', 'alg is not one that the issuer may use');
  return { jws, claims, issuer, alg };
}

/** Step 5, then what the signature covers. */
function verifyWith(found: Found, { jws, claims, issuer, alg }: Unverified, now: number): Verified | Refusal {
  if (found === 'unavailable')
    return refuse('issuer-unavailable', 'the key is not known and the issuer cannot be asked');
  if (found === 'unknown') return refuse('token-signature', 'the issuer has no such key for this alg');
  if (!verifySignature(alg, found.key, jws.signed, jws.signature))
    return refuse('token-signature', 'the signature does not verify');
  const caller = readCaller(jws.typ, claims, issuer.profile, now);
  return caller instanceof Refusal ? caller : { caller, issuer, generation: found.generation };
}

/** Steps 6 to 9. */
function readCaller(typ: string | null, claims: JsonObject, profile: Profile, now: number): Caller | Refusal {
  const refusal =
    checkType(typ, claims, profile) ??
    checkTimes(claims, profile, now) ??
    checkAudience(claims, profile) ??
    checkBinding(claims);
  if (refusal !== null) return refusal;
  const subject = readSubject(claims);
  if (subject instanceof Refusal) return subject;
  const groups = readGroups(claims, profile.groups);
  if (groups instanceof Refusal) return groups;
  return deepFreeze({
    issuer: profile.issuer,
    subject,
    kind: profile.kind,
    groups,
    claims,
    // checkTimes has seen that it is a whole number
    expiresAt: Number(claims['exp']),
  });
}
