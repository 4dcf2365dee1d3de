/**
 * Foresees what becomes of a call that is written down: what rules say of it, and what guards and classifiers do. What
 * nobody has said is not taken for granted: the verdict is then one of several.
 */

import type { Classified, ClassifierOutcome, Verdict } from '../call.ts';
import { classifierOf } from '../config/classifiers.ts';
import type { Policy, PolicySource } from './compile.ts';
import { decide } from './decide.ts';
import type { Subject } from './environment.ts';

/** What a guard of the service says of a call. */
export interface GuardForeseen {
  /** As the record names it when it refuses: `SERVICE.tools`. */
  readonly name: string;
  readonly outcome: 'passes' | 'refuses' | 'not known';
  /** Why it refuses, or what is missing to know; empty when it passes. */
  readonly why: string;
}

/** What a classifier has to do with a call. */
export interface ClassifierForeseen {
  readonly name: string;
  readonly asked: 'by rules' | 'by masks' | 'not asked';
  /** Why it is not asked; empty when it is. */
  readonly why: string;
  /** What it is given to have said; null when that is not given. */
  readonly said: ClassifierOutcome | null;
}

/** A verdict that a call would have. */
export interface Alternative {
  /** What classifiers would have said for it, those that nobody has given. */
  readonly said: Readonly<Record<string, ClassifierOutcome>>;
  readonly verdict: Verdict;
}

/** What is foreseen of a call. */
export interface Foreseen {
  /** By what is given. It is one of several where `missing` names something. */
  readonly verdict: Verdict;
  readonly guards: readonly GuardForeseen[];
  readonly classifiers: readonly ClassifierForeseen[];
  /** What is not given and could change the verdict: names of guards and classifiers. */
  readonly missing: readonly string[];
  /** Where classifiers are missing: what becomes of the call for what they may say. */
  readonly alternatives: readonly Alternative[];
}

type ByName = Readonly<Record<string, Classified>>;

const NOBODY: ByName = {};
/** What a classifier that is asked may say. */
const OUTCOMES: readonly ClassifierOutcome[] = ['passed', 'flagged', 'failed'];
/** With more that are missing, there are too many ways to tell them all. */
const MOST_MISSING = 3;

/** Returns what is foreseen of a call. `guards` are those of its service, in the order in which they look. */
export function foresee(
  policy: Policy,
  source: PolicySource,
  subject: Subject,
  guards: readonly GuardForeseen[] = [],
): Foreseen {
  const given = subject.facts.classified ?? NOBODY;
  const way = new Way(policy, source, subject, guards);
  const verdict = way.verdict(given);
  const classifiers = (source.classifiers ?? []).map(({ name }) => way.classifier(name, given));
  const unsaid = classifiers
    .filter(({ asked, said }) => asked !== 'not asked' && said === null)
    .map(({ name }) => name);
  const alternatives = unsaid.length > MOST_MISSING ? [] : ways(unsaid).map((said) => way.alternative(given, said));
  const isOpen = unsaid.length > MOST_MISSING || alternatives.some((other) => !isSame(other.verdict, verdict));
  const unknown = guards.filter(({ outcome }) => outcome === 'not known').map(({ name }) => name);
  const missing = [...(verdict.effect === 'deny' ? [] : unknown), ...(isOpen ? unsaid : [])];
  return { verdict, guards, classifiers, missing, alternatives: isOpen ? alternatives : [] };
}

const isSame = (one: Verdict, other: Verdict): boolean =>
  JSON.stringify([one.effect, one.reason, one.rule, one.mask, one.limits]) ===
  JSON.stringify([other.effect, other.reason, other.rule, other.mask, other.limits]);

/** Returns everything that classifiers of these names may say together. */
const ways = (names: readonly string[]): readonly Readonly<Record<string, ClassifierOutcome>>[] =>
  names.reduce<readonly Readonly<Record<string, ClassifierOutcome>>[]>(
    (all, name) => all.flatMap((said) => OUTCOMES.map((outcome) => ({ ...said, [name]: outcome }))),
    names.length === 0 ? [] : [{}],
  );

/** The way of one call, as handle.ts goes it. */
class Way {
  readonly #policy: Policy;
  readonly #source: PolicySource;
  readonly #subject: Subject;
  readonly #guards: readonly GuardForeseen[];
  readonly #deniedUnseen: boolean;

  constructor(policy: Policy, source: PolicySource, subject: Subject, guards: readonly GuardForeseen[]) {
    this.#policy = policy;
    this.#source = source;
    this.#subject = subject;
    this.#guards = guards;
    const { caller, request, facts, now } = subject;
    this.#deniedUnseen = decide(policy.beforeClassifying.request, caller, request, facts, now).effect === 'deny';
  }

  verdict(said: ByName): Verdict {
    const verdict = this.#beforeMasks(said);
    if (verdict.effect === 'deny') return verdict;
    return this.#byMasks(verdict).some((name) => this.#mustNotFail(name, said)) ? UNAVAILABLE : verdict;
  }

  /** Returns the verdict before classifiers are asked for what they find, which masks need. */
  #beforeMasks(said: ByName): Verdict {
    const { caller, request, facts, now } = this.#subject;
    const rules = [...this.#policy.classifiers.request];
    if (!this.#deniedUnseen && rules.some((name) => this.#mustNotFail(name, said))) return UNAVAILABLE;
    const decided = decide(this.#policy, caller, request, { ...facts, classified: said }, now);
    return this.#guarded(decided);
  }

  alternative(given: ByName, said: Readonly<Record<string, ClassifierOutcome>>): Alternative {
    const all = { ...given };
    for (const [name, outcome] of Object.entries(said))
      all[name] = { outcome, labels: [], score: outcome === 'flagged' ? 1 : 0, asked: 1, micros: 0 };
    return { said, verdict: this.verdict(all) };
  }

  classifier(name: string, given: ByName): ClassifierForeseen {
    const said = given[name]?.outcome ?? null;
    const not = (why: string): ClassifierForeseen => ({ name, asked: 'not asked', why, said });
    if (!this.#looksAt(name)) return not('it does not look at this service');
    if (this.#policy.classifiers.request.has(name))
      return this.#deniedUnseen
        ? not('rules deny the call whatever it says')
        : { name, asked: 'by rules', why: '', said };
    const verdict = this.#beforeMasks(given);
    if (!this.#byMasks(verdict).includes(name)) return not('no rule and no mask of this request needs it');
    return verdict.effect === 'deny' ? not('the call is denied before') : { name, asked: 'by masks', why: '', said };
  }

  #looksAt(name: string): boolean {
    const { services = [] } = this.#source.classifiers?.find((each) => each.name === name) ?? {};
    return services.length === 0 || services.includes(this.#subject.request.service);
  }

  #mustNotFail(name: string, said: ByName): boolean {
    const { on_error: onError } = this.#source.classifiers?.find((each) => each.name === name) ?? {};
    return onError === 'deny' && said[name]?.outcome === 'failed' && this.#looksAt(name);
  }

  #guarded(verdict: Verdict): Verdict {
    const refusing = this.#guards.find(({ outcome }) => outcome === 'refuses');
    if (verdict.effect === 'deny' || refusing === undefined) return verdict;
    const { limits: _, ...rest } = verdict;
    return { ...rest, effect: 'deny', reason: 'policy-denied', rule: refusing.name, message: refusing.why };
  }

  /** Names of the classifiers whose findings are masked in the request. */
  #byMasks({ mask }: Verdict): readonly string[] {
    const rules = this.#source.masking.filter(({ name }) => mask.request.includes(name));
    return [...new Set(rules.flatMap(({ entities }) => entities.map(classifierOf)))];
  }
}

const UNAVAILABLE: Verdict = {
  effect: 'deny',
  reason: 'classifier-unavailable',
  rule: '',
  message: '',
  mask: { request: [], answer: [] },
};
