/** Decides on a call: deny beats approve beats allow, and where nothing matches the call is denied. */

import type { Caller, CanonicalRequest, Facts, LimitObligation, MaskObligation, Verdict } from '../call.ts';
import type { AnswerRules, LimitRule, MaskRule, Rule, Rules } from './compile.ts';
import type { Subject } from './environment.ts';

const NO_MASK: MaskObligation = { request: [], answer: [] };

/**
 * Returns the verdict on a call. `now` is in milliseconds since the Unix epoch. Pure and synchronous; never throws.
 *
 * A condition that cannot be evaluated counts as matched in rules that deny, ask for approval, limit or mask, and as not
 * matched in rules that allow; the reason is then `policy-error` (DESIGN.md "Config"). An operation on the server itself is
 * allowed only by a rule whose condition reads `call.operation` or `call.management`.
 */
export const decide = (
  rules: Rules,
  caller: Caller,
  request: CanonicalRequest & { readonly protocol: string },
  facts: Facts,
  now: number,
): Verdict => {
  const subject: Subject = { caller, request, facts, now };
  const verdict = effect(rules, subject);
  if (rules.limits.length === 0 || verdict.effect === 'deny') return verdict;
  const limits = limiting(rules.limits, subject);
  return limits.length === 0 ? verdict : { ...verdict, limits };
};

const effect = (rules: Rules, subject: Subject): Verdict => {
  const mask = rules.masks.length === 0 ? NO_MASK : obligation(rules.masks, subject);

  const denied = firstNotFalse(rules.deny, subject);
  if (denied !== null) {
    const reason = denied.holds === null ? 'policy-error' : 'policy-denied';
    return { effect: 'deny', reason, ...named(denied.rule), mask };
  }
  const held = firstNotFalse(rules.approve, subject);
  if (held !== null) {
    const reason = held.holds === null ? 'policy-error' : 'approval-required';
    return { effect: 'hold', reason, ...named(held.rule), mask, approve: held.rule.approve };
  }
  return subject.facts.management
    ? allowed(rules.allowManagement, subject, mask, UNSPOKEN)
    : allowed(rules.allow, subject, mask, '');
};

const named = ({ name, message }: Rule): { rule: string; message: string } => ({ rule: name, message });

const UNSPOKEN = 'Only a rule that reads call.operation or call.management can allow this operation.';

/** What a rule on answers says against one. */
export interface AnswerDenied {
  readonly reason: 'policy-denied' | 'policy-error';
  readonly rule: string;
  readonly message: string;
}

/** Returns what denies an answer as far as it is known, null when nothing does. Pure, as decide is. */
export const decideAnswer = (rules: AnswerRules, subject: Subject): AnswerDenied | null => {
  const denied = firstNotFalse(rules.deny, subject);
  if (denied === null) return null;
  return { reason: denied.holds === null ? 'policy-error' : 'policy-denied', ...named(denied.rule) };
};

/** Returns the first rule whose condition holds, or cannot be evaluated. */
const firstNotFalse = <R extends Rule>(
  rules: readonly R[],
  subject: Subject,
): { readonly rule: R; readonly holds: true | null } | null => {
  for (const rule of rules) {
    const holds = rule.when(subject);
    if (holds !== false) return { rule, holds };
  }
  return null;
};

/** `otherwise` is what a caller is told whom no rule allows it. */
const allowed = (rules: readonly Rule[], subject: Subject, mask: MaskObligation, otherwise: string): Verdict => {
  let failed: Rule | null = null;
  for (const rule of rules) {
    const holds = rule.when(subject);
    if (holds === true) return { effect: 'allow', reason: 'completed', ...named(rule), mask };
    if (holds === null) failed ??= rule;
  }
  if (failed !== null) return { effect: 'deny', reason: 'policy-error', ...named(failed), mask };
  return { effect: 'deny', reason: 'no-rule', rule: '', message: otherwise, mask };
};

const limiting = (rules: readonly LimitRule[], subject: Subject): readonly LimitObligation[] => {
  const limits: LimitObligation[] = [];
  for (const { name, when, keys } of rules) {
    if (when(subject) !== false) limits.push({ rule: name, keys: keys(subject) });
  }
  return limits;
};

const obligation = (masks: readonly MaskRule[], subject: Subject): MaskObligation => {
  const request: string[] = [];
  const answer: string[] = [];
  for (const { name, direction, when } of masks) {
    if (when(subject) === false) continue;
    if (direction !== 'response') request.push(name);
    if (direction !== 'request') answer.push(name);
  }
  return { request, answer };
};
