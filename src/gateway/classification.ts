/** What outside classifiers are asked about one call, and what they have said of it so far. */

import type { Classified, Finding } from '../call.ts';
import type { Classifier } from '../classify/classifier.ts';
import { type Disguise, disguise } from '../classify/disguise.ts';
import { mergeFindings, type Part } from '../classify/question.ts';
import { afterFailure, afterSaid, NOT_ASKED } from '../classify/tally.ts';
import { Failure } from '../reasons.ts';
import type { CallState } from './underway.ts';

/** A text that is shown. */
export interface Shown {
  readonly role: string;
  readonly text: string;
  /** What detectors found in it, in order. */
  readonly findings: readonly Finding[];
  /** What stands before it was shown before. */
  readonly from: number;
}

type Phase = 'request' | 'answer';
type ByName = Record<string, Classified>;

/** How much of what the caller asked is shown beside an answer. */
const MOST_ASKED = 4_096;
const NOTHING: readonly Finding[] = [];

/** The classifiers of one call. */
export class Classification {
  readonly #call: CallState;
  readonly #said: Readonly<Record<Phase, ByName>> = { request: {}, answer: {} };
  /** Of the message that is being decided on; null where the request is no stream of them. */
  #message: ByName | null = null;
  /** Of the messages that came behind the opening of the record. */
  readonly #later: ByName = {};
  #isLater = false;
  readonly #shown: Readonly<Record<Phase, Map<string, number>>> = { request: new Map(), answer: new Map() };
  readonly #left = new AbortController();
  /** What they found in texts of the request. */
  readonly #found = new Map<string, readonly Finding[]>();
  /** The texts of the request, for who judges an answer by them. */
  #asked: readonly Shown[] = [];

  constructor(call: CallState) {
    this.#call = call;
    call.whenLeft(() => this.stop());
  }

  /** Stops asking: nobody waits for what is said. */
  stop(): void {
    this.#left.abort();
  }

  /** What each has said of the request, by name; undefined when none was to look. */
  get request(): Readonly<ByName> | undefined {
    return someOf(this.#said.request);
  }

  /** What each has said of what is being decided on: the request, or the message of it that was begun last. */
  get decidedOn(): Readonly<ByName> | undefined {
    return someOf(this.#message ?? this.#said.request);
  }

  /** As `request`, of the messages whose outcomes the opening of the record does not tell. */
  get later(): Readonly<ByName> | undefined {
    return someOf(this.#later);
  }

  /**
   * A message of the caller begins: what is asked from here on is about it, and what is answered from here on answers it.
   * `isLater`: the record has been opened.
   */
  beginMessage(isLater: boolean): void {
    this.#message = {};
    this.#isLater = isLater;
    this.#found.clear();
    this.#shown.request.clear();
    this.#shown.answer.clear();
  }

  /** As `request`, of the answer so far. */
  get answer(): Readonly<ByName> | undefined {
    return someOf(this.#said.answer);
  }

  /** Returns what was found in a text of the request. */
  readonly foundIn = (text: string): readonly Finding[] => this.#found.get(text) ?? NOTHING;

  /** Says that these are to look: until one is asked, it was skipped. */
  expect(phase: Phase, classifiers: readonly Classifier[]): void {
    for (const { name } of classifiers) this.#note(phase, name, (before) => before);
  }

  /** Says that these were to look and could not. Throws Failure `classifier-unavailable` when one of them must. */
  cannot(phase: Phase, classifiers: readonly Classifier[], why: string): void {
    for (const classifier of classifiers) this.#failed(phase, classifier, { why, micros: 0, asked: 0 });
  }

  /** Resolves when all of them have looked at the texts of the request. Rejects with Failure. */
  async askRequest(classifiers: readonly Classifier[], texts: readonly Shown[]): Promise<void> {
    // a message without a text asks by what was said before it
    if (texts.length > 0) this.#asked = texts;
    await Promise.all(
      classifiers.map(async (classifier) => {
        const { roles } = classifier.config;
        const own = roles.length === 0 ? texts : texts.filter(({ role }) => roles.includes(role));
        if (own.length === 0) return;
        const found = await this.ask(classifier, 'request', own);
        own.forEach(({ text }, at) =>
          this.#found.set(text, mergeFindings([...this.foundIn(text), ...(found[at] ?? [])])),
        );
      }),
    );
  }

  /**
   * Resolves to what a classifier found in these texts, for each in order; to nothing where it failed and may. Rejects with
   * Failure `classifier-unavailable` where it must not, and `caller-left`.
   */
  async ask(classifier: Classifier, phase: Phase, texts: readonly Shown[]): Promise<readonly (readonly Finding[])[]> {
    const { clock } = this.#call.gate;
    const { name, config } = classifier;
    if (!this.#mayShow(classifier, phase, texts)) {
      this.#failed(phase, classifier, { why: 'more text than it is shown', micros: 0, asked: 0 });
      return [];
    }
    const masked = config.send === 'masked';
    const disguises = texts.map(({ text, findings }) => disguise(text, findings, masked));
    const began = clock.mono();
    try {
      const said = await classifier.ask(
        {
          phase,
          service: this.#call.accepted.request.service,
          model: this.#call.facts.model,
          masked,
          parts: texts.map((text, at) => partOf(text, disguises[at])),
          asked: phase === 'answer' ? this.#askedAs(masked) : '',
        },
        this.#left.signal,
      );
      const micros = clock.mono() - began;
      this.#note(phase, name, (before) => afterSaid(before, said, micros));
      return texts.map((_, at) =>
        said.spans
          .filter(({ part, score }) => part === at && score >= config.threshold)
          .map(({ start, end, kind, score }) => ({
            kind: `${name}.${kind}`,
            ...(disguises[at]?.original(start, end) ?? { start, end }),
            score,
          })),
      );
    } catch (cause) {
      if (!(cause instanceof Failure) || cause.reason !== 'classifier-unavailable') throw cause;
      this.#failed(phase, classifier, { why: cause.message, micros: clock.mono() - began, asked: 1 });
      return [];
    }
  }

  #mayShow({ name, config }: Classifier, phase: Phase, texts: readonly Shown[]): boolean {
    const shown = texts.reduce((sum, { text, from }) => sum + text.length - from, this.#shown[phase].get(name) ?? 0);
    this.#shown[phase].set(name, shown);
    return shown <= config.max_characters;
  }

  #note(phase: Phase, name: string, next: (before: Classified) => Classified): void {
    const tallies = [this.#said[phase]];
    if (phase === 'request' && this.#message !== null) tallies.push(this.#message);
    if (phase === 'request' && this.#isLater) tallies.push(this.#later);
    for (const tally of tallies) tally[name] = next(tally[name] ?? NOT_ASKED);
  }

  #failed(phase: Phase, { name, config }: Classifier, failure: Failed): void {
    const { why, micros, asked } = failure;
    this.#note(phase, name, (before) => afterFailure(before, why, micros, asked));
    this.#call.gate.log.warn({ classifier: name, phase, why, on_error: config.on_error }, 'a classifier failed');
    if (config.on_error === 'deny') throw new Failure('classifier-unavailable', `the classifier ${name}: ${why}`);
  }

  /** The end of what the caller asked, as it is shown. */
  #askedAs(masked: boolean): string {
    const users = this.#asked.filter(({ role }) => role === 'user' || role === '');
    const all = users.map(({ text, findings }) => disguise(text, findings, masked).text).join('\n\n');
    return all.slice(-MOST_ASKED).toWellFormed();
  }
}

interface Failed {
  readonly why: string;
  readonly micros: number;
  readonly asked: 0 | 1;
}

const someOf = (said: Readonly<ByName>): Readonly<ByName> | undefined => {
  for (const _ in said) return { ...said };
  return undefined;
};

const partOf = ({ role, text, from }: Shown, shown: Disguise | undefined): Part => ({
  role,
  text: shown?.text ?? text,
  from: shown?.shown(from) ?? from,
});
