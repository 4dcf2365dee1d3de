/** Finds and fetches the keys of an issuer: OIDC Discovery 1.0, then its JWK Set. */

import type { IssuerConfig } from '../config.ts';
import { endpoint, type Fetching, getJson } from './get-json.ts';
import { type KeySet, readKeySet } from './key-set.ts';

/** The keys of an issuer, as it just published them. */
export interface FetchedKeys {
  readonly set: KeySet;
  /** How long the issuer says that they are good, in milliseconds; null when it does not say. */
  readonly maxAge: number | null;
}

/** Fetches the keys of one issuer. Rejects when they cannot be had. */
export type FetchKeys = (fetching: Fetching) => Promise<FetchedKeys>;

/** OIDC Discovery §4: a terminating slash is left out before the well-known path is added. */
const discoveryUrl = (issuer: string): URL =>
  endpoint(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, issuer);

async function discoverKeys(issuer: string, fetching: Fetching): Promise<URL> {
  const { document } = await getJson(discoveryUrl(issuer), fetching);
  // OIDC Discovery §4.3: identical, or somebody else's document would bring its own keys
  if (document['issuer'] !== issuer) throw new Error('discovery: expected the very same issuer, found another');
  const { jwks_uri: uri } = document;
  if (typeof uri !== 'string') throw new Error('discovery: expected a jwks_uri');
  return endpoint(uri, issuer);
}

/** Returns how the keys of this issuer are fetched. Discovery is asked every time, so that it may move its keys. */
export function keysOf({ issuer, jwks_uri: fixed }: IssuerConfig): FetchKeys {
  return async (fetching) => {
    const url = fixed === undefined ? await discoverKeys(issuer, fetching) : endpoint(fixed, issuer);
    const { document, maxAge } = await getJson(url, fetching);
    return { set: readKeySet(document), maxAge };
  };
}
