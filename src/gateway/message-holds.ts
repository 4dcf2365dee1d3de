/**
 * Holds the messages of an answer until outside classifiers have looked at them: those of a WebSocket, and those of gRPC.
 * Which classifiers look may change while it flows: a message of the caller may bring masking rules.
 */

import type { AnswerMask } from '../mask/answer-mask.ts';
import type { OutsideFindings } from '../mask/outside.ts';
import { readingMasker } from '../mask/reading-masker.ts';
import type { TextMasker } from '../mask/text-masker.ts';
import type { Splitter } from '../protocol/framing/framing.ts';
import { Failure } from '../reasons.ts';
import { AnswerHold, type HoldSink } from './answer-hold.ts';
import { classifiersOfAnswer, readingFor } from './answer-holds.ts';
import type { AnswerTexts } from './answer-texts.ts';
import type { CallState } from './underway.ts';

/** How the messages of an answer are read. */
export interface MessageReading {
  /** Returns what reads messages as their mask does, and tells this masker of their texts; what it returns is of no use. */
  readonly reader: (masker: TextMasker) => AnswerMask;
  /** Returns what cuts what is pushed into messages; nothing but whole ones is pushed. */
  readonly splitter: () => Splitter;
}

/** Holds for one call's messages. */
export class MessageHolds {
  readonly #call: CallState;
  readonly #reading: MessageReading;
  readonly #texts: AnswerTexts;
  readonly #patience: number;
  readonly #masker: TextMasker;
  #sink: HoldSink | null = null;
  #hold: AnswerHold | null = null;

  constructor(call: CallState, reading: MessageReading, { texts, patience }: ReturnType<typeof readingFor>) {
    this.#call = call;
    this.#reading = reading;
    this.#texts = texts;
    this.#patience = patience;
    this.#masker = readingMasker(texts);
  }

  /** What classifiers have found in the texts of the answer. */
  get found(): OutsideFindings {
    return this.#texts.known;
  }

  /** What holds the messages; null while no classifier is to look at them. */
  get hold(): AnswerHold | null {
    return this.#hold;
  }

  /** Says who gives messages to be held, and which masking rules apply to them from the first on. */
  begin(sink: HoldSink, rules: readonly string[]): void {
    this.#sink = sink;
    this.#begin(rules);
  }

  /**
   * Other masking rules apply to what comes from here on: \`step\` puts their mask in place, when all that came before has
   * passed the one before. Throws Failure \`answer-unreadable\`.
   */
  turn(rules: readonly string[], step: () => void): void {
    if (this.#hold === null) {
      this.#begin(rules);
      return this.#sink?.behind(step);
    }
    const classifiers = classifiersOfAnswer(this.#call, rules);
    this.#call.classify().expect('answer', classifiers);
    this.#hold.turn(this.#reading.reader(this.#masker), classifiers, step);
  }

  /** Tells a text that stands in no message: it is looked at with what comes next. */
  tell(text: string): void {
    if (this.#hold !== null) this.#masker.whole(text, () => {});
  }

  #begin(rules: readonly string[]): void {
    const classifiers = classifiersOfAnswer(this.#call, rules);
    if (classifiers.length === 0) return;
    if (this.#sink === null) throw new Failure('internal', 'expected to know who gives messages to be held');
    const classification = this.#call.classify();
    classification.expect('answer', classifiers);
    this.#hold = new AnswerHold(
      {
        classification,
        classifiers,
        messages: true,
        reader: this.#reading.reader(this.#masker),
        splitter: this.#reading.splitter(),
        texts: this.#texts,
        patience: this.#patience,
      },
      this.#sink,
    );
  }
}

/**
 * Returns what holds the messages of a call's answer, null where no classifier may have to look at them. \`mayFollow\`: a
 * message of the caller may bring any masking rule.
 */
export function messageHoldsOf(
  call: CallState,
  rules: readonly string[],
  mayFollow: boolean,
  reading: MessageReading,
): MessageHolds | null {
  const { epoch } = call;
  if (epoch.classifiers.length === 0) return null;
  const possible = mayFollow ? epoch.config.masking.map(({ name }) => name) : rules;
  const classifiers = classifiersOfAnswer(call, possible);
  if (classifiers.length === 0) return null;
  return new MessageHolds(call, reading, readingFor(call, classifiers));
}
