/** How an answer is held for the outside classifiers that rules or masks need. */

import type { Verdict } from '../call.ts';
import type { Classifier } from '../classify/classifier.ts';
import { createAnswerMask } from '../mask/answer.ts';
import type { OutsideFindings } from '../mask/outside.ts';
import { readingMasker } from '../mask/reading-masker.ts';
import type { Codec } from '../protocol/codec.ts';
import { framingOf } from '../protocol/framing/framing.ts';
import { Failure } from '../reasons.ts';
import { AnswerHold, type HoldSink } from './answer-hold.ts';
import { AnswerTexts } from './answer-texts.ts';
import { classifiersFor } from './classify.ts';
import { isCoded } from './http/fields.ts';
import type { CallState, Underway } from './underway.ts';

/** Holds for one call's answer. */
export interface AnswerHolds {
  /** What classifiers have found in the texts of the answer. */
  readonly found: OutsideFindings;
  /**
   * Returns the hold for an answer with this head; null where nobody can read it and it may pass all the same. Throws
   * Failure `answer-unreadable`, and `classifier-unavailable`.
   */
  for(contentType: string, coding: string, rawHeaders: readonly string[], sink: HoldSink): AnswerHold | null;
}

/** The most of a whole answer, or of one event, that is held to be read. */
export const LONGEST = 64 * 1024 ** 2;

/** Returns what holds the answer of a call, null where no classifier is to look at it. */
export function holdsOf(call: Underway, verdict: Verdict): AnswerHolds | null {
  const { epoch, accepted } = call;
  if (epoch.classifiers.length === 0) return null;
  const classifiers = classifiersOfAnswer(call, verdict.mask.answer);
  if (classifiers.length === 0) return null;
  const classification = call.classify();
  classification.expect('answer', classifiers);
  const { texts, patience } = readingFor(call, classifiers, verdict.mask.answer);
  const { operation, served } = accepted;
  return {
    found: texts.known,
    for(contentType, coding, rawHeaders, sink) {
      if (operation === null || isCoded(coding)) {
        const why = operation === null ? 'an answer of an unknown operation' : 'a compressed answer';
        classification.cannot('answer', classifiers, why);
        return null;
      }
      try {
        const masker = readingMasker(texts);
        const codec = withoutWords(served.codec);
        const options = { codec, operation, contentType, rawHeaders, masker, found: () => {}, limit: LONGEST };
        const reader = createAnswerMask(options);
        // what is no document and no plain text is cut into its events
        const framing = reader.kind === 'whole' ? null : framingOf(codec, operation, contentType);
        const splitter = framing?.splitter(LONGEST) ?? null;
        const parts = { classification, classifiers, messages: false, reader, splitter, texts, patience };
        return new AnswerHold(parts, sink);
      } catch (failure) {
        const unread = failure instanceof Failure && failure.reason === 'answer-unreadable';
        if (!unread || served.config.opaque !== 'allow') throw failure;
        classification.cannot('answer', classifiers, 'an answer without text');
        return null;
      }
    },
  };
}

/** Returns the classifiers that are to look at an answer which these masking rules apply to. */
export const classifiersOfAnswer = (call: CallState, rules: readonly string[]): readonly Classifier[] => {
  const { epoch } = call;
  return classifiersFor(call, new Set([...epoch.policy.classifiers.answer, ...epoch.outsideOf(rules).classifiers]));
};

/** Returns what the texts of an answer are kept in for these classifiers, and how long text waits for its sentence, in ms. `rules`: the masking rules that may apply, all of them when missing. */
export function readingFor(
  { epoch }: CallState,
  classifiers: readonly Classifier[],
  rules: readonly string[] = epoch.config.masking.map(({ name }) => name),
): { readonly texts: AnswerTexts; readonly patience: number } {
  const masked = epoch.outsideOf(rules).classifiers;
  const windows = classifiers.map(({ config }) => config.window);
  const size = {
    characters: Math.min(...windows.map(({ characters }) => characters)),
    context: Math.max(...windows.map(({ context }) => context)),
    overlap: overlapOf(classifiers, masked),
  };
  const texts = new AnswerTexts({ size, scanner: epoch.scanner, dropper: epoch.dropper });
  return { texts, patience: Math.min(...windows.map(({ time }) => time)) };
}

/** What is only judged leaves as it is or not at all: only what is masked waits for all of it to be seen. */
const overlapOf = (classifiers: readonly Classifier[], masked: ReadonlySet<string>): number =>
  Math.max(
    0,
    ...classifiers
      .filter(({ name }) => masked.has(name))
      .map(({ config: { window } }) => Math.min(window.overlap, window.context)),
  );

/** Members that hold a word of the protocol. */
const WORDS = new Set([
  'object',
  'type',
  'role',
  'status',
  'finish_reason',
  'finishReason',
  'stop_reason',
  'done_reason',
  'service_tier',
  'created_at',
]);
const WORD = /^[A-Za-z0-9][A-Za-z0-9_.:+-]{0,39}$/;

/** The codec, to which such words are no texts: a classifier has nothing to say of `chat.completion`. */
export const withoutWords = (codec: Codec): Codec => ({
  ...codec,
  kind(operation, path, text, document) {
    const name = path.at(-1);
    if (typeof name === 'string' && WORDS.has(name) && WORD.test(text)) return 'data';
    return codec.kind(operation, path, text, document);
  },
});
