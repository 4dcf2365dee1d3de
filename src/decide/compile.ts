/** Compiles policies at load: everything that can be wrong with them is wrong now, not when a call comes. */

import type { ApprovalTerms, Verdict } from '../call.ts';
import type { DetectorConfig, MaskingConfig, PolicyConfig } from '../config.ts';
import { type Compiled, compile, type Watch } from './cel/compile.ts';
import { BOOL } from './cel/type.ts';
import { canonicalText, sha256 } from './canonical.ts';
import { ClassifiersRead } from './classifiers-read.ts';
import { answerEnvironmentFor, environmentFor, type Named, type Subject } from './environment.ts';
import { type KeysOfCounts, keysOfCounts } from './limit-keys.ts';
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

/** A rule that limits, ready to run. */
export interface LimitRule extends Rule {
  readonly keys: KeysOfCounts;
}

/** What one kind of thing is decided by: rules by effect, each list in config order. */
export interface Rules {
  readonly deny: readonly Rule[];
  readonly approve: readonly ApproveRule[];
  readonly allow: readonly Rule[];
  /** Those of `allow` that can allow an operation on the server itself. */
  readonly allowManagement: readonly Rule[];
  readonly masks: readonly MaskRule[];
  readonly limits: readonly LimitRule[];
}

/** Rules on answers; all of them deny. */
export interface AnswerRules {
  readonly deny: readonly Rule[];
  /** One of them reads what was found: answers must be read for everything that can be found, masked or not. */
  readonly readsFindings: boolean;
  /** One of them reads which tools are called: an answer must be read for that, and a call leaves only when it is complete. */
  readonly readsToolCalls: boolean;
  /** One of them reads dangerous commands, which stand in what tools are given, too. */
  readonly readsCommands: boolean;
  readonly readsInjection: boolean;
}

/** Which classifiers rules read, by name: those have to be asked before the rules are. */
export interface ReadClassifiers {
  /** Of requests and messages. */
  readonly request: ReadonlySet<string>;
  /** Of answers. */
  readonly answer: ReadonlySet<string>;
}

/** Compiled policies. The rules that stand here themselves are those on requests. */
export interface Policy extends Rules {
  /** Rules on the messages of a stream after its request: each message needs its own allow. */
  readonly messages: Rules;
  readonly answers: AnswerRules;
  /** What some rule reads that costs a look of its own: it is made while a payload is inspected. */
  readonly looks: { readonly commands: boolean; readonly injection: boolean };
  readonly classifiers: ReadClassifiers;
  /**
   * The rules on requests, and those on messages, as far as they can be asked before classifiers are: what these deny is
   * denied whatever classifiers would say. Rules that read one count as matched if they allow or hold, else as not matched.
   */
  readonly beforeClassifying: { readonly request: Rules; readonly message: Rules };
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
  /** The operator's own detectors; missing for none. */
  readonly detectors?: readonly DetectorConfig[];
  readonly classifiers?: readonly NamedClassifier[];
}

/** As much of a classifier as rules are compiled with, and as is foreseen with (foresee.ts). */
interface NamedClassifier {
  readonly name: string;
  /** Missing, or empty, for all. */
  readonly services?: readonly string[];
  readonly on_error?: 'deny' | 'allow';
}

/** Returns what conditions can name of a config. */
export const namedIn = ({ services, detectors = [], classifiers = [] }: PolicySource): Named => ({
  services: services.map(({ name }) => name),
  classifiers: classifiers.map(({ name }) => name),
  own: detectors.map(({ name }) => name),
});

/** Returns the policies, ready to run. Throws PolicyError with everything that is wrong. */
export const compilePolicies = (source: PolicySource): Policy => {
  const { policies, masking, detectors = [] } = source;
  const problems: PolicyProblem[] = [];
  const named = namedIn(source);
  const environments = { calls: environmentFor(named), answers: answerEnvironmentFor(named) };

  const looks = { commands: false, injection: false };

  const condition = (section: string, at: number, { name, when, on }: Conditioned): Looked => {
    const read = new ClassifiersRead(named.classifiers ?? []);
    const reads = new Set<string>();
    const environment = on === 'answer' ? environments.answers : environments.calls;
    try {
      const note = noting(reads);
      const watch: Watch = (part, expr, scope) => {
        read.see(expr);
        return note(part, expr, scope);
      };
      const compiled = compile(when, { environment, expected: BOOL, watch });
      looks.commands ||= reads.has('call.commands') || reads.has('call.*');
      looks.injection ||= reads.has('call.injection') || reads.has('call.*');
      return { when: asCondition(compiled), reads, read };
    } catch (error) {
      problems.push(asProblem(error, { source: when, path: [section, at, 'when'], rule: name }));
      return { when: never, reads, read };
    }
  };

  const rules = policies.map((config, at) => {
    const looked = condition('policies', at, config);
    const readsAnswer = (field: string): boolean => looked.reads.has(`answer.${field}`) || looked.reads.has('answer.*');
    return {
      ...ruleOf(config, looked),
      config,
      readsFindings: readsAnswer('findings'),
      readsToolCalls: readsAnswer('tool_calls') || readsAnswer('commands'),
      readsCommands: readsAnswer('commands'),
      readsInjection: readsAnswer('injection'),
      read: looked.read,
    };
  });
  const masked = masking.map((config, at) => {
    const looked = condition('masking', at, config);
    return { ...ruleOf(config, looked), direction: config.direction, read: looked.read };
  });
  const masks: readonly MaskRule[] = masked;
  if (problems.length > 0) throw new PolicyError(problems);

  const rulesOn = (what: 'request' | 'message'): Rules => {
    const these = rules.filter(({ config: { on } }) => on === undefined || on === what);
    return {
      deny: these.filter(({ config }) => config.then === 'deny'),
      allow: these.filter(({ config }) => config.then === 'allow'),
      allowManagement: these.filter(({ config, readsOperation }) => config.then === 'allow' && readsOperation),
      approve: these.flatMap((rule) =>
        typeof rule.config.then === 'object' ? [approving(rule, rule.config.then)] : [],
      ),
      masks,
      limits: these.flatMap((rule) =>
        rule.config.limit === undefined ? [] : [{ ...rule, keys: keysOfCounts(rule.config.limit.per) }],
      ),
    };
  };
  const onAnswers = rules.filter(({ config }) => config.on === 'answer');
  const everyRead = [...rules, ...masked].map(({ read }) => read);
  const onRequests = rulesOn('request');
  const onMessages = rulesOn('message');
  const waits = new Set([...rules, ...masked].filter(({ read }) => read.on('call').length > 0).map(({ name }) => name));
  return {
    ...onRequests,
    classifiers: {
      request: new Set(everyRead.flatMap((read) => read.on('call'))),
      answer: new Set(everyRead.flatMap((read) => read.on('answer'))),
    },
    beforeClassifying: { request: optimistic(onRequests, waits), message: optimistic(onMessages, waits) },
    messages: onMessages,
    answers: {
      deny: onAnswers,
      readsFindings: onAnswers.some(({ readsFindings }) => readsFindings),
      readsToolCalls: onAnswers.some(({ readsToolCalls }) => readsToolCalls),
      readsCommands: onAnswers.some(({ readsCommands }) => readsCommands),
      readsInjection: onAnswers.some(({ readsInjection }) => readsInjection),
    },
    looks,
    basis: basisOf({ policies, masking, detectors }),
  };
};

interface Conditioned {
  readonly name: string;
  readonly when: string;
  readonly on?: PolicyConfig['on'];
}

/** A condition, and the facts that it looks at, such as `call.operation`. */
interface Looked {
  readonly when: Condition;
  readonly reads: ReadonlySet<string>;
  readonly read: ClassifiersRead;
}

/**
 * Notes the fields of the root's structs that a condition reads, such as `call.operation`; `answer.*` where it takes the
 * struct itself, whose fields it may read under another name.
 */
const noting = (reads: Set<string>): Watch => {
  const bare = new Map<string, number>();
  const count = (name: string, by: number): void => {
    bare.set(name, (bare.get(name) ?? 0) + by);
    if (bare.get(name) === 0) reads.delete(`${name}.*`);
    else reads.add(`${name}.*`);
  };
  return (part, { exprKind }) => {
    // operands come before what they are operands of
    if (exprKind.case === 'identExpr' && part.type.kind === 'struct') count(nameOf(exprKind.value), 1);
    if (exprKind.case !== 'selectExpr') return part;
    const { operand, field } = exprKind.value;
    if (operand?.exprKind.case !== 'identExpr') return part;
    const name = nameOf(operand.exprKind.value);
    reads.add(`${name}.${field}`);
    if (bare.has(name)) count(name, -1);
    return part;
  };
};

/** `.call` is `call`. */
const nameOf = ({ name }: { readonly name: string }): string => name.replace(/^\./, '');

/**
 * The rules with nothing in them that waits: a rule of these names that denies or limits is left out, one that allows or
 * holds is taken to match. What they deny, all of the rules deny.
 */
const optimistic = (rules: Rules, waits: ReadonlySet<string>): Rules => {
  if (waits.size === 0) return rules;
  const without = <R extends Rule>(list: readonly R[]): readonly R[] => list.filter(({ name }) => !waits.has(name));
  const matched = <R extends Rule>(list: readonly R[]): readonly R[] =>
    list.map((rule) => (waits.has(rule.name) ? { ...rule, when: always } : rule));
  return {
    deny: without(rules.deny),
    approve: matched(rules.approve),
    allow: matched(rules.allow),
    allowManagement: matched(rules.allowManagement),
    masks: [],
    limits: [],
  };
};

const always: Condition = () => true;
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
  { when, reads }: Looked,
): Rule => ({
  name,
  message: message ?? '',
  when,
  readsOperation: reads.has('call.operation') || reads.has('call.management'),
});

const approving = (rule: Rule, { approve }: Exclude<PolicyConfig['then'], string | undefined>): ApproveRule => ({
  ...rule,
  approve: { by: approve.by, quorum: approve.quorum, within: approve.within, useWithin: approve.use_within },
});

type Bases = Required<Pick<PolicySource, 'policies' | 'masking' | 'detectors'>>;

const basisOf = ({ policies, masking, detectors }: Bases): Policy['basis'] => {
  const known = new Map<string, string>();
  return ({ rule, mask }) => {
    const masks = new Set([...mask.request, ...mask.answer]);
    const key = [rule, ...masks].join(' ');
    const hash =
      known.get(key) ??
      sha256(
        canonicalText({
          policies: policies.filter(({ name }) => name === rule),
          masking: masking.filter(({ name }) => masks.has(name)),
          detectors,
        }),
      );
    known.set(key, hash);
    return hash;
  };
};
