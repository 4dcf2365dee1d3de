/** limit: what a call takes from the limits that its verdict names, and what its answer uses up. */

import type { Facts, Verdict } from '../call.ts';
import type { UsedUp } from '../limit/allowance.ts';
import { limit, type OverLimit, reached } from '../limit/limit.ts';
import type { AnswerMask } from '../mask/answer-mask.ts';
import { Failure } from '../reasons.ts';
import { countingTime } from './gate.ts';
import type { CallState } from './underway.ts';

/**
 * Returns the verdict on a call after its limits: the same where each has enough left, which is then taken; else a deny
 * that takes nothing. A call that is denied anyway takes nothing either. `body` is what was asked; of a stream, the message.
 */
export function takeLimits(call: CallState, verdict: Verdict, each: readonly Facts[], body = call.body): Verdict {
  const { limits } = verdict;
  if (limits === undefined || verdict.effect === 'deny') return verdict;
  const { gate, epoch } = call;
  const input = () => epoch.limits.inputOf(body ?? addressOf(call));
  const taken = gate.link.refuses
    ? unknown(limits[0]?.rule ?? '')
    : limit(epoch.limits, gate.tables, { limits, each, input, held: call.allowance }, countingTime(gate));
  if (taken.kind === 'allowance') {
    call.mayUse(taken);
    return verdict;
  }
  const { reason, rule, detail, frees } = taken;
  call.retryAt = frees - gate.link.ahead;
  gate.watcher.limited(rule, reason);
  return { effect: 'deny', reason, rule, message: detail, mask: verdict.mask, limits };
}

/** The store that others count in is lost, and the operator wants no call counted without it. */
const unknown = (rule: string): OverLimit => ({
  kind: 'over',
  reason: 'overloaded',
  rule,
  detail: 'Limits cannot be counted now.',
  frees: 0,
});

/** What is asked without a body is asked by its address. */
const addressOf = ({ accepted: { request } }: CallState): Buffer => Buffer.from(`${request.path}?${request.query}`);

/** Charges what the model has written. `bytes` have just come. Throws Failure `budget-exceeded` when a limit is used up. */
export function chargeText(call: CallState, mask: AnswerMask | null, bytes: number): void {
  const { allowance, gate } = call;
  if (allowance === null || !allowance.measures) return;
  const came = allowance.came(bytes);
  // of a whole answer nothing is known before its end
  const written = mask?.kind === 'whole' ? 0 : (mask?.written ?? came);
  const usedUp = allowance.wrote(written, countingTime(gate));
  if (usedUp !== null) throw exceeded(call, usedUp);
}

/** Charges bytes that are about to leave. Throws Failure `budget-exceeded` when a limit does not let them. */
export function chargeBytes(call: CallState, bytes: number): void {
  const { allowance, gate } = call;
  if (allowance === null) return;
  const usedUp = allowance.leave(bytes, countingTime(gate));
  if (usedUp !== null) throw exceeded(call, usedUp);
}

/** Refuses an answer whose length is told ahead and does not fit. Throws Failure `budget-exceeded`. */
export function checkLength(call: CallState, contentLength: string): void {
  const { allowance, gate } = call;
  if (allowance === null || !/^\d+$/.test(contentLength)) return;
  const usedUp = allowance.fits(Number(contentLength), countingTime(gate));
  if (usedUp !== null) throw exceeded(call, usedUp);
}

function exceeded(call: CallState, { limit, sum, frees }: UsedUp): Failure {
  const { rule, detail } = reached(limit, sum.bound, frees, 'budget-exceeded');
  call.retryAt = frees - call.gate.link.ahead;
  call.gate.watcher.limited(rule, 'budget-exceeded');
  call.session?.mark(`the answer was ended by the limit of ${rule}`);
  return new Failure('budget-exceeded', `the answer used up the limit of ${rule}`, { detail });
}
