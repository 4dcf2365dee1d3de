/** Explains a verdict: which rules matched, which did not, and the values that made it so. */

import { unparse } from '@bufbuild/cel';
import { compile, type Watch } from './cel/compile.ts';
import { Fault } from './cel/fault.ts';
import type { Expr, Part } from './cel/part.ts';
import { BOOL } from './cel/type.ts';
import { showValue } from './cel/show.ts';
import { compilePolicies, type PolicySource, namedIn } from './compile.ts';
import { foresee, type Foreseen, type GuardForeseen } from './foresee.ts';
import { limitText } from '../config/limit-text.ts';
import { environmentFor, type Named, type Subject } from './environment.ts';

/** A part of a condition and what it was, in the order of evaluation. */
export interface PartValue {
  readonly text: string;
  readonly value: string;
}

/** What came of one rule. */
export interface RuleExplained {
  readonly name: string;
  readonly kind: 'deny' | 'approve' | 'allow' | 'limit' | 'mask';
  /** `not asked`: it looks at something else than requests, or may not allow operations on the server itself. */
  readonly outcome: 'matched' | 'not matched' | 'error' | 'not asked';
  /** True for the rule that decided, for limits and for masking rules that apply. */
  readonly counts: boolean;
  /** The limit that applies, in words; empty where none does. */
  readonly limit: string;
  /** Why the condition has no value; empty when it has one. */
  readonly fault: string;
  readonly parts: readonly PartValue[];
}

/** A verdict and what led to it: all rules, in the order of the config, not only those up to the deciding one. */
export interface Explanation extends Foreseen {
  readonly rules: readonly RuleExplained[];
}

/** Returns the verdict on a call and how it came about; `guards` are what those of its service say. Throws PolicyError. */
export const explain = (source: PolicySource, subject: Subject, guards: readonly GuardForeseen[] = []): Explanation => {
  const policy = compilePolicies(source);
  const foreseen = foresee(policy, source, subject, guards);
  const { verdict } = foreseen;
  const named = namedIn(source);
  const masks = new Set([...verdict.mask.request, ...verdict.mask.answer]);
  const { deny, approve, allow, allowManagement } = policy;
  const allowing = subject.facts.management ? allowManagement : allow;
  const asked = new Set([...deny, ...approve, ...allowing, ...policy.limits].map(({ name }) => name));
  const limits = new Set(verdict.limits?.map(({ rule }) => rule));
  const rules = source.policies.map(({ name, when, then, limit: bounds }): RuleExplained => {
    const kind = typeof then === 'object' ? 'approve' : (then ?? 'limit');
    if (!asked.has(name)) return { name, kind, outcome: 'not asked', counts: false, limit: '', fault: '', parts: [] };
    const limit = bounds !== undefined && limits.has(name) ? limitText(bounds) : '';
    const counts = name === verdict.rule || limit !== '';
    return { name, kind, counts, limit, ...evaluate(when, named, subject) };
  });
  const masking = source.masking.map(
    ({ name, when }): RuleExplained => ({
      name,
      kind: 'mask',
      counts: masks.has(name),
      limit: '',
      ...evaluate(when, named, subject),
    }),
  );
  return { ...foreseen, rules: [...rules, ...masking] };
};

type Evaluated = Pick<RuleExplained, 'outcome' | 'fault' | 'parts'>;

const evaluate = (when: string, named: Named, subject: Subject): Evaluated => {
  const parts = new Map<string, string>();
  const environment = environmentFor(named);
  const condition = compile(when, { environment, expected: BOOL, watch: noting(parts) });
  const shown = (): readonly PartValue[] => [...parts].map(([text, value]) => ({ text, value }));
  try {
    const matched = condition.evaluate(subject) === true;
    return { outcome: matched ? 'matched' : 'not matched', fault: '', parts: shown() };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { outcome: 'error', fault: error.message, parts: shown() };
  }
};

/** Notes the values of facts and of what functions make of them. Parts inside a loop have many values and none is told. */
const noting =
  (parts: Map<string, string>): Watch =>
  (part, expr, scope) => {
    if (scope !== null || !isTelling(part, expr)) return part;
    const text = unparse(expr);
    return {
      ...part,
      run(frame) {
        try {
          const value = part.run(frame);
          parts.set(text, showValue(value, part.type));
          return value;
        } catch (error) {
          parts.set(text, error instanceof Fault ? `error: ${error.message}` : 'error');
          throw error;
        }
      },
    };
  };

const isTelling = ({ literal, type }: Part, { exprKind }: Expr): boolean => {
  if (literal !== undefined || type.kind === 'struct') return false;
  if (exprKind.case === 'selectExpr') return true;
  return exprKind.case === 'callExpr' && /^\w+$/.test(exprKind.value.function);
};
