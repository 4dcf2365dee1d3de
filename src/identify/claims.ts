/** Checks the claims of a token whose signature has been verified. Each check returns its refusal, or null. */

import type { JsonObject } from './json-object.ts';
import type { Profile } from './profile.ts';
import { type Refusal, refuse } from './refusal.ts';

/** Seconds in claims are milliseconds here. */
const SECOND = 1000;

/**
 * RFC 7519 §2 NumericDate, narrowed to whole seconds. `JSON.parse` reads 1e999 as Infinity, which no comparison
 * would ever refuse.
 */
const isDate = (value: unknown): value is number => Number.isSafeInteger(value);

const isOptionalDate = (value: unknown): value is number | undefined => value === undefined || isDate(value);

/** Returns the refusal of times that are missing, not whole seconds, too far apart or not now. `now` in ms. */
export function checkTimes(claims: JsonObject, profile: Profile, now: number): Refusal | null {
  const { exp, iat, nbf } = claims;
  if (!isDate(exp)) return refuse('token-time', 'exp is missing or not a whole number');
  if (!isOptionalDate(iat) || !isOptionalDate(nbf)) return refuse('token-time', 'iat or nbf is not a whole number');
  // OIDC Core §2
  if (profile.accepts === 'id_token' && iat === undefined) return refuse('token-time', 'an ID token without iat');
  if (exp * SECOND <= now - profile.skew) return refuse('token-expired', 'exp is in the past');
  if ((nbf ?? 0) * SECOND > now + profile.skew) return refuse('token-time', 'nbf is in the future');
  if ((iat ?? 0) * SECOND > now + profile.skew) return refuse('token-time', 'iat is in the future');
  const issued = iat === undefined ? now : iat * SECOND;
  if (exp * SECOND <= issued) return refuse('token-time', 'exp is not after iat');
  if (exp * SECOND - issued > profile.maxLifetime) return refuse('token-time', 'the token lives too long');
  return null;
}

const readAudiences = (aud: unknown): readonly string[] | null => {
  const list: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  const strings = list.filter((entry) => typeof entry === 'string');
  return strings.length === list.length ? strings : null;
};

/** Returns the refusal of a token for somebody else (RFC 7519 §4.1.3). */
export function checkAudience(claims: JsonObject, profile: Profile): Refusal | null {
  const audiences = readAudiences(claims['aud']);
  if (audiences === null) return refuse('token-audience', 'aud is neither a string nor a list of strings');
  if (!audiences.some((audience) => profile.audiences.has(audience)))
    return refuse('token-audience', 'aud does not contain us');
  return checkClient(claims, profile, audiences.length > 1);
}

/** RFC 9068 §2.2 `client_id`, OIDC Core §2 `azp`: for whom the issuer made the token. They must not contradict. */
function checkClient(claims: JsonObject, profile: Profile, shared: boolean): Refusal | null {
  const { azp, client_id: clientId } = claims;
  if (profile.clientId !== null) {
    const stated = [azp, clientId].filter((value) => value !== undefined);
    if (stated.length === 0 || stated.some((value) => value !== profile.clientId))
      return refuse('token-audience', 'azp or client_id is not the configured client');
    return null;
  }
  // OIDC Core §3.1.3.7 steps 3 to 5: an ID token that others may read too must have been made for us
  if (profile.accepts === 'id_token' && (shared || azp !== undefined)) {
    if (typeof azp !== 'string' || !profile.audiences.has(azp))
      return refuse('token-audience', 'azp is not our client');
  }
  return null;
}

/** The longest subject, in UTF-16 units: SPIFFE IDs may have 2048 bytes (SPIFFE-ID §2.3). */
const MAX_SUBJECT = 2048;

/** Returns the subject, or the refusal: it must be a string that cannot be confused with another in any record. */
export function readSubject(claims: JsonObject): string | Refusal {
  const { sub } = claims;
  if (typeof sub !== 'string' || sub.trim() === '') return refuse('token-subject', 'sub is missing or empty');
  if (sub.length > MAX_SUBJECT) return refuse('token-subject', 'sub is too long');
  if (/\p{Cc}/u.test(sub)) return refuse('token-subject', 'sub has control characters');
  return sub;
}

/**
 * Returns the refusal of a token that is bound to a key (RFC 7800): possession would have to be proven, and whoever
 * stole the token could otherwise use it as a bearer token.
 */
export const checkBinding = (claims: JsonObject): Refusal | null =>
  Object.hasOwn(claims, 'cnf') ? refuse('token-binding', 'the token has cnf, and no proof is taken yet') : null;

/** Returns true when the issuer says that the groups are somewhere else, because they are too many to list. */
const isElsewhere = (claims: JsonObject, name: string): boolean => {
  const { _claim_names: elsewhere, hasgroups } = claims;
  // OIDC Core §5.6.2; a shape that we do not know may hide the name
  if (elsewhere !== undefined) {
    if (typeof elsewhere !== 'object' || elsewhere === null || Array.isArray(elsewhere)) return true;
    if (Object.hasOwn(elsewhere, name)) return true;
  }
  // Entra writes this instead in tokens that travel in a URL
  return name === 'groups' && hasgroups !== undefined && hasgroups !== false && !Object.hasOwn(claims, name);
};

/**
 * Returns the groups of the caller; empty when the token has none. Refuses a token that only points to them, because
 * a rule against one of them would silently not match, and any shape but a list of strings: splitting a string
 * would be a guess.
 */
export function readGroups(claims: JsonObject, name: string): readonly string[] | Refusal {
  if (isElsewhere(claims, name)) return refuse('groups-unknown', 'the groups are not in the token');
  if (!Object.hasOwn(claims, name)) return [];
  const value = claims[name];
  if (!Array.isArray(value)) return refuse('token-malformed', 'the groups are not a list');
  const groups = value.filter((group) => typeof group === 'string' && group !== '');
  return groups.length === value.length ? groups : refuse('token-malformed', 'a group is not a non-empty string');
}
