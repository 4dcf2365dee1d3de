/** Tells access tokens and ID tokens from each other and from every other JWT that an issuer signs (RFC 8725 §3.11). */

import type { JsonObject } from './json-object.ts';
import { canonicalType, type Profile } from './profile.ts';
import { type Refusal, refuse } from './refusal.ts';

/** RFC 9068 §2.1. */
const ACCESS_TOKEN = 'at+jwt';

/** JWTs with another purpose, whatever the config says: events, logouts, proofs, assertions, credentials. */
const NEVER: ReadonlySet<string> = new Set([
  'secevent+jwt',
  'logout+jwt',
  'dpop+jwt',
  'kb+jwt',
  'oauth-authz-req+jwt',
  'client-authentication+jwt',
  'token-introspection+jwt',
  'entity-statement+jwt',
  'statuslist+jwt',
]);

/** OIDC Core §2, §3.3.2.11, FAPI: claims that only an ID token has, because they tie it to one login. */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash'] as const;

/** Keycloak writes `JWT` into the header of all its tokens and says in this claim what they are. */
const KEYCLOAK_TYPES: ReadonlySet<unknown> = new Set([undefined, 'Bearer']);

const looksLikeIdToken = (claims: JsonObject): boolean =>
  ID_TOKEN_CLAIMS.some((name) => Object.hasOwn(claims, name)) || !KEYCLOAK_TYPES.has(claims['typ']);

/**
 * Returns the refusal of a token of the wrong type, or null. A missing `typ` is read as `JWT` (RFC 7519 §5.1 leaves
 * it out where only JWTs are expected; Okta does), so it passes only where the profile accepts `JWT`.
 */
export function checkType(typ: string | null, claims: JsonObject, profile: Profile): Refusal | null {
  const type = canonicalType(typ ?? 'JWT');
  if (NEVER.has(type) || !profile.types.has(type)) return refuse('token-type', 'typ is not one that is accepted');
  // RFC 8417 §2.2: every security event, logout tokens too, has this claim, also where `typ` is not set
  if (Object.hasOwn(claims, 'events')) return refuse('token-type', 'the token is a security event');
  if (profile.accepts === 'id_token')
    return type === ACCESS_TOKEN ? refuse('token-type', 'an access token where ID tokens are accepted') : null;
  if (type !== ACCESS_TOKEN && looksLikeIdToken(claims))
    return refuse('token-type', 'the token has the marks of an ID token or refresh token');
  return null;
}
