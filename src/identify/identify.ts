/** identify: a request's token → its caller, or the refusal (promise 1). */

import { hash } from 'node:crypto';
import { Agent, type Dispatcher } from 'undici';
import type { Caller } from '../call.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import type { Reason } from '../reasons.ts';
import { challengesFor } from './challenge.ts';
import { type CredentialHead, readCredential } from './credential.ts';
import { keysOf } from './discovery.ts';
import { IssuerKeys, type Later, timer } from './issuer-keys.ts';
import { REMEMBER_MS, TokenMemory } from './memory.ts';
import { compileProfile } from './profile.ts';
import { Refusal } from './refusal.ts';
import { type Issuer, type Verified, verifyToken } from './verify.ts';

export { CREDENTIAL_HEADERS } from './credential.ts';
export { protectedResourceMetadata } from './challenge.ts';

/** Who makes the call. Shared between the calls of one token, and frozen. */
interface IdentifiedCaller {
  readonly kind: 'caller';
  readonly caller: Caller;
  /** SHA-256 of the whole token, to know it again. Never the token. */
  readonly token: Uint8Array;
}

/** Why nobody is identified. */
interface RefusedStranger {
  readonly kind: 'refused';
  readonly reason: Reason;
  /** WWW-Authenticate value; empty when another token would not help. */
  readonly challenge: string;
  /** For the operator's log: which check failed; never a value out of the request. */
  readonly why: string;
}

/** What identify says of a request. */
export type Identified = IdentifiedCaller | RefusedStranger;

/** Identifies callers by their tokens. */
export interface Identifier {
  /** Returns who makes the call: at once for a remembered token, and whenever no key has to be fetched first. */
  identify(head: CredentialHead): Identified | Promise<Identified>;
  /** Returns true when the keys of at least one issuer are at hand: somebody can be identified. */
  ready(): boolean;
  /** Stops fetching keys. Calls under way may still be identified with the keys at hand. */
  close(): void;
}

/** What an identifier is made with. */
export interface IdentifierOptions {
  readonly identity: Config['identity'];
  /** How callers reach the gateway; stands in the challenges. */
  readonly publicUrl: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Changes whenever remembered tokens have to be verified anew, revocations for one; constant when absent. */
  readonly epoch?: () => number;
  /** The network's edge; undici's own when absent. */
  readonly dispatcher?: Dispatcher;
  /** Timers; the machine's own when absent. */
  readonly later?: Later;
}

/** Remembered tokens per data worker; about 2 KiB each. */
const CAPACITY = 10_000;

const openDispatcher = (): Dispatcher =>
  // an issuer is asked once in minutes: no connection is kept for it
  new Agent({ connections: 4, keepAliveTimeout: 1000, maxHeaderSize: 16 * 1024 });

function openIssuers(options: IdentifierOptions, dispatcher: Dispatcher): ReadonlyMap<string, Issuer> {
  const { identity, clock, log, later = timer } = options;
  return new Map(
    identity.issuers.map((config) => [
      config.issuer,
      {
        profile: compileProfile(config, identity),
        keys: new IssuerKeys({
          fetch: keysOf(config),
          dispatcher,
          staleFor: identity.stale_keys,
          clock,
          later,
          log: log.child({ issuer: config.issuer }),
        }),
      },
    ]),
  );
}

/** Returns an identifier for the configured issuers. It begins to fetch their keys at once. */
export function createIdentifier(options: IdentifierOptions): Identifier {
  const { clock, epoch = () => 0, dispatcher = openDispatcher() } = options;
  const issuers = openIssuers(options, dispatcher);
  const memory = new TokenMemory<IdentifiedCaller>(CAPACITY);
  const challengeFor = challengesFor(options.publicUrl);

  const turnAway = ({ reason, why }: Refusal): RefusedStranger => ({
    kind: 'refused',
    reason,
    challenge: challengeFor(reason),
    why,
  });

  const conclude = (outcome: Verified | Refusal, digest: string, began: number): Identified => {
    if (outcome instanceof Refusal) return turnAway(outcome);
    const { caller, issuer, generation } = outcome;
    const value: IdentifiedCaller = Object.freeze({ kind: 'caller', caller, token: Buffer.from(digest, 'base64') });
    const from = clock.now();
    memory.remember(digest, {
      value,
      isCurrent: () => issuer.keys.generation === generation && epoch() === began,
      from,
      until: Math.min(caller.expiresAt * 1000, from + Math.min(REMEMBER_MS, issuer.keys.goodFor)),
    });
    return value;
  };

  return {
    identify(head) {
      const token = readCredential(head);
      if (token instanceof Refusal) return turnAway(token);
      const digest = hash('sha256', token, 'base64');
      const known = memory.recall(digest, clock.now());
      if (known !== null) return known;
      // read before the checks, so that what changes during them counts as after them
      const began = epoch();
      const outcome = verifyToken(token, issuers, () => clock.now());
      return outcome instanceof Promise
        ? outcome.then((settled) => conclude(settled, digest, began))
        : conclude(outcome, digest, began);
    },
    ready: () => [...issuers.values()].some(({ keys }) => keys.goodFor > 0),
    close() {
      for (const { keys } of issuers.values()) keys.close();
      if (options.dispatcher === undefined) void dispatcher.destroy();
    },
  };
}
