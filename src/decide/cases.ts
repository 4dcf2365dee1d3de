/** Policy cases as data: calls, and what the policies must say of them. */

import { z } from 'zod';
import type { Facts, Verdict } from '../call.ts';
import { configSchema } from '../config.ts';
import { isReason } from '../reasons.ts';
import { subjectOf, type WrittenCall, writtenCallSchema } from './case.ts';
import { compilePolicies, type PolicySource } from './compile.ts';
import { foresee, type GuardForeseen } from './foresee.ts';

const expectSchema = z.strictObject({
  effect: z.enum(['allow', 'deny', 'hold']),
  rule: z.string().optional().describe('The deciding rule; empty where no rule matches.'),
  reason: z.string().refine(isReason, 'expected one of the reasons').optional(),
  message: z.string().optional(),
  mask: z
    .strictObject({ request: z.array(z.string()).default([]), answer: z.array(z.string()).default([]) })
    .optional()
    .describe('The masking rules that apply, in their order.'),
  limits: z.array(z.string()).optional().describe('The rules whose limits apply, in their order.'),
});

/** What a case expects; only what is written is compared. */
export type Expected = z.output<typeof expectSchema>;

/** The schema of a file of cases. Policies written in it take the place of those of the config. */
export const casesSchema = z.strictObject({
  services: z.array(z.string()).min(1).optional(),
  policies: configSchema.shape.policies.unwrap().optional(),
  masking: configSchema.shape.masking.unwrap().optional(),
  cases: z.array(writtenCallSchema.extend({ name: z.string().min(1), expect: expectSchema })).min(1),
});

/** A file of cases. */
export type Cases = z.output<typeof casesSchema>;

/** One point in which a verdict is not what a case expects. */
export interface Difference {
  readonly what: string;
  readonly expected: string;
  readonly found: string;
}

/** What came of one case. */
export interface CaseResult {
  readonly name: string;
  readonly verdict: Verdict;
  /** Empty when the case passes. */
  readonly differences: readonly Difference[];
}

/** Returns the policies that a file of cases is about: its own, else those of `config`. Null when there are none. */
export const policiesOf = (cases: Cases, config: PolicySource | null): PolicySource | null => {
  if (cases.policies === undefined && cases.masking === undefined) return config;
  const names = cases.services ?? [...new Set(cases.cases.map(({ call }) => call.service))];
  return {
    policies: cases.policies ?? [],
    masking: cases.masking ?? [],
    services: names.map((name) => ({ name })),
    classifiers: [...new Set(cases.cases.flatMap(({ call }) => Object.keys(call.classified)))].map((name) => ({
      name,
    })),
  };
};

/** Returns what the guards of a service say of a written call, in the order in which they look. */
export type GuardsOf = (written: WrittenCall, facts: Facts) => readonly GuardForeseen[];

/** Returns what comes of each case, at `now` (ms since the epoch) unless it says when. Throws PolicyError. */
export const runCases = (
  cases: Cases,
  source: PolicySource,
  now: number,
  guardsOf: GuardsOf = () => [],
): readonly CaseResult[] => {
  const policy = compilePolicies(source);
  return cases.cases.map((each) => {
    const subject = subjectOf(each, now);
    const { verdict, missing } = foresee(policy, source, subject, guardsOf(each, subject.facts));
    const unsaid = missing.map((name) => ({ what: name, expected: 'what it says, given', found: 'not given' }));
    return { name: each.name, verdict, differences: [...differencesOf(each.expect, verdict), ...unsaid] };
  });
};

const differencesOf = (expected: Expected, verdict: Verdict): readonly Difference[] =>
  (['effect', 'rule', 'reason', 'message', 'mask', 'limits'] as const).flatMap((what) => {
    if (expected[what] === undefined) return [];
    const is = what === 'limits' ? (verdict.limits ?? []).map(({ rule }) => rule) : verdict[what];
    const [wanted, found] = [JSON.stringify(expected[what]), JSON.stringify(is)];
    return wanted === found ? [] : [{ what, expected: wanted, found }];
  });
