/** Masks the texts of one protobuf message; lengths are recomputed, everything else stays byte for byte. */

import type { Finding, JsonStep } from '../call.ts';
import type { MessageCodec } from '../protocol/grpc/codec.ts';
import { WireError } from '../protocol/grpc/protobuf.ts';
import { Failure, type Reason } from '../reasons.ts';
import { messagePlace } from './place.ts';
import type { TextMasker } from './text-masker.ts';

/** Why a message cannot pass. */
interface MaskReasons {
  /** Its bytes are no such message, or a finding stands where nothing can be replaced. */
  readonly unreadable: Reason;
  /** A rule blocks what was found. */
  readonly blocked: Reason;
}

export const OF_REQUEST: MaskReasons = { unreadable: 'mask-blocked', blocked: 'mask-blocked' };
export const OF_ANSWER: MaskReasons = { unreadable: 'answer-unreadable', blocked: 'answer-blocked' };

/** Runs a step of masking; what a message is found to be becomes the reason why it cannot pass. */
export function guardMask<T>(reasons: MaskReasons, step: () => T): T {
  try {
    return step();
  } catch (cause) {
    if (cause instanceof WireError) throw new Failure(reasons.unreadable, cause.message, { cause });
    if (cause instanceof Failure && cause.reason === 'mask-blocked')
      throw new Failure(reasons.blocked, 'a message holds what a rule blocks', { cause });
    throw cause;
  }
}

/** Returns the masked message; the very same buffer when nothing was masked. Throws Failure. */
export const maskMessage = (
  message: Buffer,
  codec: MessageCodec,
  masker: TextMasker,
  found: (finding: Finding) => void,
  reasons: MaskReasons,
): Buffer =>
  guardMask(reasons, () =>
    codec.edit(message, (text, path, tensor) =>
      maskerIn(masker, path, tensor, reasons === OF_ANSWER).whole(text, found),
    ),
  );

/** Returns the masker for texts at a place of a message. */
export const maskerIn = (
  masker: TextMasker,
  path: readonly JsonStep[],
  tensor: string | undefined,
  isAnswer: boolean,
): TextMasker => masker.at?.(messagePlace(path, tensor, isAnswer)) ?? masker;
