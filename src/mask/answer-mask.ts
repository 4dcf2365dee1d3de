/** What masks an answer: the one shape of all of them, whatever the answer is made of. */

import type { Finding } from '../call.ts';
import type { Codec, Operation, Usage } from '../protocol/codec.ts';
import type { CallGatherer } from '../protocol/tool-calls.ts';
import type { Steps } from '../turns.ts';
import type { Sealer } from './signed.ts';
import type { TextMasker } from './text-masker.ts';

/** Masks one answer. After any call has thrown, every further call throws, and what was held never leaves. */
export interface AnswerMask {
  /** `whole`: nothing comes out before `end`, so that its length is known then. */
  readonly kind: 'whole' | 'stream';
  /** Returns the bytes that may leave now. Throws Failure `answer-unreadable` or `answer-blocked`. */
  push(chunk: Buffer): readonly Buffer[];
  /** Returns the rest: the upstream ended well. Throws as push does. */
  end(): readonly Buffer[];
  /** Returns what `push` returns, for null what `end` does, in steps. Missing where a piece takes no time worth a step. */
  steps?(chunk: Buffer | null): Steps<readonly Buffer[]>;
  /** How many bytes have come and wait to be masked with what comes next. Missing for none. */
  readonly held?: number;
  /** Tokens used, as far as the answer has said. */
  readonly usage: Usage | null;
  /** Events of the stream so far. */
  readonly events: number;
  /** Of a whole answer, at its end: field lines that must say something else for its bytes. Missing for none. */
  readonly fields?: readonly string[];
  /** UTF-8 bytes of the texts that the model has written so far; missing where text is not told apart from the rest. */
  readonly written?: number | undefined;
}

/** Returns the steps of a mask, one for one that has none. */
export function* stepsOf(mask: AnswerMask, chunk: Buffer | null): Steps<readonly Buffer[]> {
  if (mask.steps !== undefined) return yield* mask.steps(chunk);
  return chunk === null ? mask.end() : mask.push(chunk);
}

/** What an answer is masked with. */
export interface AnswerMaskOptions {
  readonly codec: Codec;
  readonly operation: Operation;
  /** The answer's content type; empty when it has none. */
  readonly contentType: string;
  /** The field lines of the answer: name, value, name, value. Missing for none. */
  readonly rawHeaders?: readonly string[];
  readonly masker: TextMasker;
  readonly found: (finding: Finding) => void;
  /** Keeps the originals of signed texts; without it their signatures are dropped when they are masked. */
  readonly sealer?: Sealer;
  /** Follows the tool calls of the answer; missing where nobody asks. */
  readonly toolCalls?: CallGatherer;
  /** The most that is held: bytes of a whole answer, or of one event. */
  readonly limit: number;
}
