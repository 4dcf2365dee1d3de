/** A refusal as a value: strangers are expected, so turning one away is an outcome and not an exception. */

import type { Reason } from '../reasons.ts';

/** The reasons with which identify can end a call. */
export type IdentifyReason = Extract<Reason, 'no-token' | `token-${string}` | 'groups-unknown' | 'issuer-unavailable'>;

/**
 * Why a caller is not let in. A class, so that no JSON out of a token can pass for one: `instanceof` tells them apart.
 */
export class Refusal {
  readonly reason: IdentifyReason;
  /** For the operator's log: which check failed. A fixed sentence, never a value out of the request. */
  readonly why: string;

  constructor(reason: IdentifyReason, why: string) {
    this.reason = reason;
    this.why = why;
  }
}

/** Returns a refusal. `why` is a fixed sentence, never a value out of the request. */
export const refuse = (reason: IdentifyReason, why: string): Refusal => new Refusal(reason, why);
