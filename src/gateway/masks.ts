/** mask: which masks a call's verdict asks for, on the body and on the answer. */

import type { Verdict } from '../call.ts';
import type { Inspected } from '../inspect/inspect.ts';
import type { AnswerMask } from '../mask/answer-mask.ts';
import { createAnswerMask, createMessageMask } from '../mask/answer.ts';
import { maskLines, maskPhrase } from '../mask/answer-lines.ts';
import { observeAnswer, observeMessages } from '../mask/observe.ts';
import { NO_MASKER, type OutsideFindings } from '../mask/outside.ts';
import { maskingContent } from '../mask/request.ts';
import { restoring } from '../mask/restore.ts';
import { checkSigned } from '../mask/signed.ts';
import type { Scanned, TextMasker } from '../mask/text-masker.ts';
import type { Codec } from '../protocol/codec.ts';
import type { Rendering } from '../protocol/content.ts';
import { Failure } from '../reasons.ts';
import { atOnce, inspectionLimit, inTurns } from '../turns.ts';
import { type AnswerHolds, holdsOf } from './answer-holds.ts';
import { isCoded } from './http/fields.ts';
import { LONG } from './in-order.ts';
import { sealerOf } from './sealed.ts';
import type { CallState, Underway } from './underway.ts';

/**
 * Resolves to the masked rendering of the body, null when nothing in it is masked; a long one is masked in turns with other
 * calls. Rejects with Failure `mask-blocked`, `inspection-limit`, and `body-unreadable` for a sealed original that cannot be
 * opened: nobody is asked to approve what cannot be forwarded.
 */
export async function maskBody(
  call: Underway,
  { content, scanned }: Inspected,
  verdict: Verdict,
): Promise<Rendering | null> {
  // an opaque body that policy lets pass has no texts to mask: the record says opaque
  if (content === null) return null;
  const masker = requestMasker(call, verdict.mask.request, content.bytes, scanned);
  const { codec } = call.accepted.served;
  if (masker !== null) {
    const work = maskingContent(content, codec, masker, () => {}, sealerOf(call));
    if (content.bytes.length <= LONG) return atOnce(work);
    return inTurns(work, inspectionLimit(call.epoch.config.limits.inspection), () => call.res.destroyed);
  }
  checkSigned(content, codec, sealerOf(call));
  return null;
}

/** Returns what masks a request, or one message of it; null where no rule applies. */
export function requestMasker(
  call: CallState,
  rules: readonly string[],
  bytes: Buffer,
  scanned?: Scanned,
): TextMasker | null {
  const { tokens, epoch } = call;
  const use = { tokens, keeps: true, ...(scanned === undefined ? {} : { scanned }) };
  const masker = epoch.maskerFor(rules, false, use);
  if (masker !== null && epoch.restores) tokens.passOver(bytes);
  return outsideIn(call, rules, masker);
}

/**
 * Returns what masks answers, null where no rule applies; it also puts back what the caller said where tokens went to the
 * model. `mayFollow`: the caller may say more while the answer flows.
 */
function editingMasker(call: CallState, rules: readonly string[], mayFollow: boolean): TextMasker | null {
  const { tokens, epoch } = call;
  const masker = epoch.maskerFor(rules, epoch.policy.answers.readsFindings, { tokens, keeps: false, digests: true });
  const restores = mayFollow ? epoch.restores : tokens.holdsValues;
  return restores ? restoring(masker ?? NO_MASKER, tokens) : masker;
}

/** Returns the masker that also looks at what trips the wires, where a rule reads that. */
const watched = ({ trips }: CallState, masker: TextMasker | null): TextMasker | null =>
  trips === null ? masker : trips.watching(masker ?? NO_MASKER);

/**
 * Returns what masks answers and looks at them, null where neither is asked for. `mayFollow` as above; `found` is what
 * classifiers find, null where none looks.
 */
export const answerMasker = (
  call: CallState,
  rules: readonly string[],
  mayFollow: boolean,
  found: OutsideFindings | null,
): TextMasker | null => outsideOut(call, rules, watched(call, editingMasker(call, rules, mayFollow)), found);

/** Returns the masker that also masks what classifiers found in the texts of a request. */
function outsideIn(call: CallState, rules: readonly string[], masker: TextMasker | null): TextMasker | null {
  const { classification, tokens, epoch } = call;
  if (classification === null || masker === null) return masker;
  // a request comes whole: it has no growing text
  const found: OutsideFindings = { whole: classification.foundIn, begins: () => () => [] };
  return epoch.alsoOutside(rules, masker, found, { tokens, keeps: true });
}

/** Returns the masker of an answer that also masks what classifiers found in it, ahead of the others: as the model wrote it. */
const outsideOut = (
  { epoch, tokens }: CallState,
  rules: readonly string[],
  masker: TextMasker | null,
  found: OutsideFindings | null,
): TextMasker | null =>
  found === null || masker === null ? masker : epoch.alsoOutside(rules, masker, found, { tokens, keeps: false });

/** How the answer of a call is to be masked. */
export interface AnswerMasks {
  /** True when the answer may be edited. */
  readonly reads: boolean;
  /** True when the answer is looked into, so that it must come uncoded, and whole. */
  readonly identity: boolean;
  /** Returns the field lines of a head or of trailers as the caller may see them. Throws Failure `answer-blocked`. */
  lines(raw: readonly string[]): readonly string[];
  /** Returns the words of the status line as the caller may see them. Throws Failure `answer-blocked`. */
  phrase(words: string): string;
  /** Returns the mask for an answer with this head, null for none. `coding` is '' for none. Throws Failure `answer-unreadable`. */
  for(contentType: string, coding: string, rawHeaders: readonly string[]): AnswerMask | null;
  /** What holds the answer until classifiers have looked at it; null where none does. */
  readonly holds: AnswerHolds | null;
}

/** The most of a whole answer that is held to be masked. */
const WHOLE_ANSWER_LIMIT = 64 * 1024 ** 2;
/** The most of a whole answer that is kept to learn its usage. */
const OBSERVED_LIMIT = 256 * 1024;

/** Returns the masks of a call's answer. */
export function maskAnswerOf(call: Underway, verdict: Verdict): AnswerMasks {
  const holds = holdsOf(call, verdict);
  const editing = editingMasker(call, verdict.mask.answer, false);
  const isMasked = editing !== null;
  const masker = outsideOut(call, verdict.mask.answer, watched(call, editing), holds?.found ?? null);
  const { toolCalls } = call;
  if (masker === null && toolCalls === null) return observing(call, holds);
  const { operation, served } = call.accepted;
  const opaque = served.config.opaque === 'allow';
  return {
    reads: isMasked,
    identity: true,
    holds,
    lines: (raw) => (editing === null ? raw : maskLines(raw, editing, call.found)),
    phrase: (words) => (editing === null ? words : maskPhrase(words, editing, call.found)),
    for(contentType, coding, rawHeaders) {
      const coded = isCoded(coding);
      if (operation === null || coded)
        return unread(call, opaque, coded ? 'is compressed' : 'is of an unknown operation');
      try {
        return createAnswerMask({
          codec: isMasked ? served.codec : unwithheld(served.codec),
          operation,
          contentType,
          rawHeaders,
          masker: masker ?? NO_MASKER,
          ...(toolCalls === null ? {} : { toolCalls }),
          found: call.found,
          sealer: sealerOf(call),
          limit: WHOLE_ANSWER_LIMIT,
        });
      } catch (failure) {
        if (opaque && failure instanceof Failure && failure.reason === 'answer-unreadable')
          return unread(call, opaque, 'has no text');
        throw failure;
      }
    },
  };
}

/**
 * Returns the mask of the messages that a model server sends over a WebSocket; one that only reads along where nothing is
 * masked. `outside` is what classifiers find, null where none looks.
 */
export function maskMessagesOf(call: Underway, rules: readonly string[], outside: OutsideFindings | null): AnswerMask {
  const { accepted, found, allowance, toolCalls } = call;
  const { operation, served } = accepted;
  const reader = operation === null ? null : served.codec.stream(operation);
  if (operation === null || reader === null) throw new Failure('internal', 'expected an operation with messages');
  const { codec } = served;
  const editing = editingMasker(call, rules, true);
  const masker = outsideOut(call, rules, watched(call, editing), outside);
  if (masker === null && toolCalls === null)
    return observeMessages({ codec, operation, limit: OBSERVED_LIMIT, measures: allowance?.measures === true });
  return createMessageMask(
    {
      codec: editing === null ? unwithheld(codec) : codec,
      operation,
      masker: masker ?? NO_MASKER,
      ...(toolCalls === null ? {} : { toolCalls }),
      found,
      limit: WHOLE_ANSWER_LIMIT,
    },
    reader,
  );
}

/** Returns the codec for an answer that is read and not masked: nothing is withheld from it. */
const unwithheld = (codec: Codec): Codec => ({ ...codec, leaks: () => false });

/**
 * Nothing is masked: the answer passes as it comes, and what it says of tokens used is read along. An upstream that is
 * shown a credential must not send it back out of sight (secret-guard.ts): its answers come uncoded too, and so do those
 * whose tokens a limit counts.
 */
function observing(call: Underway, holds: AnswerHolds | null): AnswerMasks {
  const { operation, served } = call.accepted;
  const guarded = served.upstream.secret !== '';
  const measures = call.allowance?.measures === true;
  const read = guarded || measures || holds !== null;
  return {
    reads: false,
    identity: read,
    holds,
    lines: (raw) => raw,
    phrase: (words) => words,
    for(contentType, coding) {
      const coded = isCoded(coding);
      if (coded && read) return unread(call, served.config.opaque === 'allow', 'is compressed');
      if (operation === null || coded) return null;
      return observeAnswer({ codec: served.codec, operation, contentType, limit: OBSERVED_LIMIT, measures });
    },
  };
}

function unread(call: Underway, opaque: boolean, why: string): null {
  if (!opaque) throw new Failure('answer-unreadable', `an answer that has to be looked into ${why}`);
  call.session?.mark(`answer passed unread: it ${why}`);
  return null;
}
