/** Decides on a call that holds several operations: each needs its own allow, and the strictest verdict is the call's. */

import type { Caller, CanonicalRequest, Facts, LimitObligation, MaskObligation, Verdict } from '../call.ts';
import type { Rules } from './compile.ts';
import { decide } from './decide.ts';

/**
 * Returns the verdict on a call with these operations: deny beats hold beats allow, and the first such operation is the
 * one that decided (`at`). A masking rule that applies to one operation applies to the whole body. Pure, as decide is.
 *
 * Operations that wait for different approvals cannot pass under one of them: such a call is denied.
 */
export const decideEach = (
  rules: Rules,
  caller: Caller,
  request: CanonicalRequest & { readonly protocol: string },
  operations: readonly Facts[],
  now: number,
): Verdict => {
  const [only] = operations;
  if (only !== undefined && operations.length === 1) return decide(rules, caller, request, only, now);
  const verdicts = operations.map((facts) => decide(rules, caller, request, facts, now));
  const { limits: _, ...verdict } = strictest(verdicts);
  const limits = verdict.effect === 'deny' ? [] : verdicts.flatMap(limitsOf);
  return { ...verdict, mask: union(rules, verdicts), ...(limits.length === 0 ? {} : { limits }) };
};

/** Every operation takes from the limits that apply to it: a batch is no way around them. */
const limitsOf = ({ limits = [] }: Verdict, at: number): readonly LimitObligation[] =>
  limits.map((limit) => ({ ...limit, at }));

const NOTHING_ALLOWED: Verdict = {
  effect: 'deny',
  reason: 'no-rule',
  rule: '',
  message: '',
  mask: { request: [], answer: [] },
};

const strictest = (verdicts: readonly Verdict[]): Verdict => {
  const denied = first(verdicts, ({ effect }) => effect === 'deny');
  if (denied !== null) return denied;
  const held = first(verdicts, ({ effect }) => effect === 'hold');
  if (held === null) return first(verdicts, () => true) ?? NOTHING_ALLOWED;
  const other = first(verdicts, ({ effect, rule }) => effect === 'hold' && rule !== held.rule);
  return other === null ? held : apart(other);
};

const first = (verdicts: readonly Verdict[], is: (verdict: Verdict) => boolean): Verdict | null => {
  const at = verdicts.findIndex(is);
  const found = verdicts[at];
  return found === undefined ? null : { ...found, at };
};

const apart = ({ rule, mask, at }: Verdict): Verdict => ({
  effect: 'deny',
  reason: 'policy-denied',
  rule,
  message: 'Operations of this call need approvals of their own: send them apart.',
  mask,
  ...(at === undefined ? {} : { at }),
});

const union = ({ masks }: Rules, verdicts: readonly Verdict[]): MaskObligation => {
  const request = new Set(verdicts.flatMap(({ mask }) => mask.request));
  const answer = new Set(verdicts.flatMap(({ mask }) => mask.answer));
  const names = masks.map(({ name }) => name);
  return { request: names.filter((name) => request.has(name)), answer: names.filter((name) => answer.has(name)) };
};
