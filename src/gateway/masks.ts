/** mask: which masks a call's verdict asks for, on the body and on the answer. */

import type { Verdict } from '../call.ts';
import { createAnswerMask, type AnswerMask } from '../mask/answer.ts';
import { observeAnswer } from '../mask/observe.ts';
import { maskContent } from '../mask/request.ts';
import type { Content, Rendering } from '../protocol/content.ts';
import { Failure } from '../reasons.ts';
import type { Underway } from './underway.ts';

/** Returns the masked rendering of the body, null when nothing in it is masked. Throws Failure `mask-blocked`. */
export function maskBody(call: Underway, content: Content | null, verdict: Verdict): Rendering | null {
  const masker = call.epoch.maskerFor(verdict.mask.request, false);
  // an opaque body that policy lets pass has no texts to mask: the record says opaque
  if (masker === null || content === null) return null;
  return maskContent(content, call.accepted.served.codec, masker, () => {});
}

/** How the answer of a call is to be masked. */
export interface AnswerMasks {
  /** True when the answer may be edited, so that it must come uncoded. */
  readonly reads: boolean;
  /** Returns the mask for an answer with this head, null for none. Throws Failure `answer-unreadable`. */
  for(contentType: string, contentEncoding: string): AnswerMask | null;
}

/** The most of a whole answer that is held to be masked. */
const WHOLE_ANSWER_LIMIT = 64 * 1024 ** 2;
/** The most of a whole answer that is kept to learn its usage. */
const OBSERVED_LIMIT = 256 * 1024;

/** Returns the masks of a call's answer. */
export function maskAnswerOf(call: Underway, verdict: Verdict): AnswerMasks {
  const masker = call.epoch.maskerFor(verdict.mask.answer, call.epoch.policy.answers.readsFindings);
  if (masker === null) return observing(call);
  const { operation, served } = call.accepted;
  const opaque = served.config.opaque === 'allow';
  return {
    reads: true,
    for(contentType, contentEncoding) {
      const coded = isCoded(contentEncoding);
      if (operation === null || coded)
        return unread(call, opaque, coded ? 'is compressed' : 'is of an unknown operation');
      try {
        return createAnswerMask({
          codec: served.codec,
          operation,
          contentType,
          masker,
          found: call.found,
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

const isCoded = (contentEncoding: string): boolean =>
  contentEncoding !== '' && contentEncoding.toLowerCase() !== 'identity';

/** Nothing is masked: the answer passes as it comes, and what it says of tokens used is read along. */
function observing({ accepted: { operation, served } }: Underway): AnswerMasks {
  return {
    reads: false,
    for: (contentType, contentEncoding) =>
      operation === null || isCoded(contentEncoding)
        ? null
        : observeAnswer({ codec: served.codec, operation, contentType, limit: OBSERVED_LIMIT }),
  };
}

function unread(call: Underway, opaque: boolean, why: string): null {
  if (!opaque) throw new Failure('answer-unreadable', `an answer that policy masks ${why}`);
  call.session?.mark(`answer passed unread: it ${why}`);
  return null;
}
