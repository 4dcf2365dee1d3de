/** Compiles policies at load: everything that can be wrong with them is wrong now, not when a call comes. */

import type { ApprovalTerms, Verdict } from '../call.ts';
import type { MaskingConfig, PolicyConfig } from '../config.ts';
import { type Compiled, compile, type Watch } from './cel/compile.ts';
import type { Expr } from './cel/part.ts';
import { BOOL } from './cel/type.ts';
import { environmentFor, type Subject } from './environment.ts';
import { hashRules } from './hash.ts';
import { asProblem, PolicyError, type PolicyProblem } from './policy-error.ts';

/** Returns whether a condition holds for a call; null when it cannot be evaluated. */
export type Condition = (subject: Subject) => boolean | null;

/** A rule, ready to run. */
export interface Rule {
  readonly name: string;
  /** What the caller is told; empty for nothing. */
  readonly message: string;
  readonly when: Condition;
  /** The condition reads which operation it is: only such a rule can allow an operation on the server itself. */
  readonly readsOperation: boolean;
}

/** A rule that asks for an approval. */
export interface ApproveRule extends Rule {
  readonly approve: ApprovalTerms;
}

/** A masking rule, ready to run. */
export interface MaskRule extends Rule {
  readonly direction: MaskingConfig['direction'];
}

/** Compiled policies: rules by effect, each list in config order. */
export interface Policy {
  /** SHA-256 of the rules, hex: what records cite. */
  readonly hash: string;
  readonly deny: readonly Rule[];
  readonly approve: readonly ApproveRule[];
  readonly allow: readonly Rule[];
  /** Those of `allow` that can allow an operation on the server itself. */
  readonly allowManagement: readonly Rule[];
  readonly masks: readonly MaskRule[];
  /**
   * Returns the SHA-256, hex, of what a verdict rests on: its rule and its masking rules. It stays the same over reloads
   * that change other rules, so that approvals survive them.
   */
  basis(verdict: Verdict): string;
}

/** What policies are compiled from. */
export interface PolicySource {
  readonly policies: readonly PolicyConfig[];
  readonly masking: readonly MaskingConfig[];
  readonly services: readonly { readonly name: string }[];
}

/** Returns the policies, ready to run. Throws PolicyError with everything that is wrong. */
export const compilePolicies = ({ policies, masking, services }: PolicySource): Policy => {
  const problems: PolicyProblem[] = [];
  const environment = environmentFor(services.map(({ name }) => name));

  const condition = (section: string, at: number, { name, when }: { readonly name: string; readonly when: string }) => {
    try {
      let readsOperation = false;
      const watch: Watch = (part, expr) => {
        if (isOperation(expr)) readsOperation = true;
        return part;
      };
      const run = asCondition(compile(when, { environment, expected: BOOL, watch }));
      return { when: run, readsOperation };
    } catch (error) {
      problems.push(asProblem(error, { source: when, path: [section, at, 'when'], rule: name }));
      return { when: never, readsOperation: false };
    }
  };

  const rules = policies.map((config, at) => ({ ...ruleOf(config, condition('policies', at, config)), config }));
  const masks = masking.map((config, at) => ({
    ...ruleOf(config, condition('masking', at, config)),
    direction: config.direction,
  }));
  if (problems.length > 0) throw new PolicyError(problems);

  return {
    hash: hashRules(policies, masking),
    deny: rules.filter(({ config }) => config.then === 'deny'),
    allow: rules.filter(({ config }) => config.then === 'allow'),
    allowManagement: rules.filter(({ config, readsOperation }) => config.then === 'allow' && readsOperation),
    approve: rules.flatMap((rule) => (typeof rule.config.then === 'string' ? [] : [approving(rule, rule.config.then)])),
    masks,
    basis: basisOf(policies, masking),
  };
};

const never: Condition = () => null;

const asCondition =
  ({ evaluate }: Compiled): Condition =>
  (subject) => {
    try {
      return evaluate(subject) === true;
    } catch {
      // a Fault, or a defect of ours: neither may let a call pass
      return null;
    }
  };

const ruleOf = (
  { name, message }: { readonly name: string; readonly message?: string | undefined },
  { when, readsOperation }: Pick<Rule, 'when' | 'readsOperation'>,
): Rule => ({
  name,
  message: message ?? '',
  when,
  readsOperation,
});

/** `call.operation` and `call.management`. */
const isOperation = ({ exprKind }: Expr): boolean => {
  if (exprKind.case !== 'selectExpr') return false;
  const { field, operand } = exprKind.value;
  return (
    (field === 'operation' || field === 'management') &&
    operand?.exprKind.case === 'identExpr' &&
    operand.exprKind.value.name === 'call'
  );
};

const approving = (rule: Rule, { approve }: Exclude<PolicyConfig['then'], string>): ApproveRule => ({
  ...rule,
  approve: { by: approve.by, quorum: approve.quorum, within: approve.within, useWithin: approve.use_within },
});

const basisOf = (policies: readonly PolicyConfig[], masking: readonly MaskingConfig[]): Policy['basis'] => {
  const known = new Map<string, string>();
  return ({ rule, mask }) => {
    const masks = new Set([...mask.request, ...mask.answer]);
    const key = [rule, ...masks].join(' ');
    const hash =
      known.get(key) ??
      hashRules(
        policies.filter(({ name }) => name === rule),
        masking.filter(({ name }) => masks.has(name)),
      );
    known.set(key, hash);
    return hash;
  };
};
