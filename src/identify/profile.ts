/** What one configured issuer may vouch for, compiled from its config. */

import type { CallerKind } from '../call.ts';
import type { Config, IssuerConfig } from '../config.ts';
import { type Algorithm, isAlgorithm } from './algorithms.ts';

/** The rules for the tokens of one issuer. Times in milliseconds. */
export interface Profile {
  /** The `iss` of its tokens, compared as an exact string. */
  readonly issuer: string;
  readonly kind: CallerKind;
  readonly accepts: IssuerConfig['accepts'];
  readonly types: ReadonlySet<string>;
  readonly audiences: ReadonlySet<string>;
  /** Null when any client will do. */
  readonly clientId: string | null;
  /** Name of the claim that holds the groups. */
  readonly groups: string;
  readonly maxLifetime: number;
  readonly skew: number;
  /** Returns the algorithm when the issuer may use it, else null. */
  algorithm(name: string): Algorithm | null;
}

/** RFC 7515 §4.1.9: media types have no case, and `application/` may be left out. */
export const canonicalType = (typ: string): string => typ.toLowerCase().replace(/^application\//, '');

/** Returns the rules for the tokens of one issuer. */
export function compileProfile(config: IssuerConfig, identity: Config['identity']): Profile {
  const algorithms: ReadonlySet<string> = new Set(config.algorithms);
  return {
    issuer: config.issuer,
    kind: config.kind,
    accepts: config.accepts,
    types: new Set(config.types.map(canonicalType)),
    audiences: new Set([config.audience].flat()),
    clientId: config.client_id ?? null,
    groups: config.groups,
    maxLifetime: config.max_lifetime,
    skew: identity.clock_skew,
    algorithm: (name) => (algorithms.has(name) && isAlgorithm(name) ? name : null),
  };
}
