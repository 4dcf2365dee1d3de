/** Compiles policies at load: everything that can be wrong with them is wrong now, not when a call comes. */

import type { ApprovalTerms, Verdict } from '../call.ts';
import type { MaskingConfig, PolicyConfig } from '../config.ts';
import { type Compiled, compile } from './cel/compile.ts';
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
      return asCondition(compile(when, { environment, expected: BOOL }));
    } catch (error) {
      problems.push(asProblem(error, { source: when, path: [section, at, 'when'], rule: name }));
      return never;
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
  when: Condition,
): Rule => ({
  name,
  message: message ?? '',
  when,
});

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
