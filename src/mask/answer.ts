/** mask.answer: transforms an answer as it flows. What cannot be read as the protocol says does not pass. */

import type { Finding } from '../call.ts';
import type { Codec, Operation, StreamReader, Usage } from '../protocol/codec.ts';
import { framingOf } from '../protocol/framing/framing.ts';
import { bodyForm } from '../protocol/media-type.ts';
import { messages } from '../protocol/framing/message-framing.ts';
import type { CallGatherer } from '../protocol/tool-calls.ts';
import { Failure } from '../reasons.ts';
import { maskAnswerContent } from './answer-content.ts';
import { maskEvents } from './answer-events.ts';
import { maskParts } from './answer-parts.ts';
import { maskPlain } from './answer-plain.ts';
import { maskWhole } from './answer-whole.ts';
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

const unreadable = (found: string): Failure =>
  new Failure('answer-unreadable', `expected an answer that can be masked, found ${found}`);

/** An answer without a type may have no content either. */
const NOTHING: AnswerMask = {
  kind: 'stream',
  push(chunk) {
    if (chunk.length > 0) throw unreadable('content without a type');
    return [];
  },
  end: () => [],
  usage: null,
  events: 0,
};

const MEDIA = /^(?:audio|image|video)\//i;

/** Sound and pictures hold no text that could be masked. */
const passing = (): AnswerMask => ({ kind: 'stream', push: (chunk) => [chunk], end: () => [], usage: null, events: 0 });

const maskFor = (options: AnswerMaskOptions): AnswerMask => {
  const { codec, operation, contentType, rawHeaders } = options;
  const within = codec.parts?.(operation, contentType, rawHeaders ?? []) ?? null;
  if (within !== null) return maskParts(options, maskWithin(options, within));
  const read = codec.answerContent?.(operation, rawHeaders ?? []) ?? null;
  if (read !== null) return maskAnswerContent(options, read);
  const framing = framingOf(codec, operation, contentType);
  const reader = framing === null ? null : codec.stream(operation);
  if (framing !== null && reader !== null) return maskEvents(options, framing, reader);
  const form = bodyForm(contentType);
  if (form === 'json') return maskWhole(options);
  if (form === 'text') return maskPlain(options);
  if (form === 'none') return NOTHING;
  if (form === 'other' && MEDIA.test(contentType) && codec.media?.(operation) === true) return passing();
  if (form === 'other') throw unreadable('another content type than JSON, a stream of events or plain text');
  throw unreadable(`a stream of events (${form}), which ${operation.name} does not have`);
};

/** What comes in parts may go on from one to the next in any way that its type does not say. */
const maskWithin = (options: AnswerMaskOptions, contentType: string): AnswerMask => {
  if (['none', 'other'].includes(bodyForm(contentType))) throw unreadable('parts of bytes that no type tells apart');
  return maskFor({ ...options, contentType, rawHeaders: ['Content-Type', contentType] });
};

/** Nothing leaves after a failure, and a blocked text is a blocked answer. */
class Guarded implements AnswerMask {
  private readonly mask: AnswerMask;
  private failure: Failure | null = null;

  constructor(mask: AnswerMask) {
    this.mask = mask;
  }

  get kind(): 'whole' | 'stream' {
    return this.mask.kind;
  }

  get usage(): Usage | null {
    return this.mask.usage;
  }

  get events(): number {
    return this.mask.events;
  }

  get held(): number {
    return this.mask.held ?? 0;
  }

  get fields(): readonly string[] {
    return this.mask.fields ?? [];
  }

  get written(): number | undefined {
    return this.mask.written;
  }

  push(chunk: Buffer): readonly Buffer[] {
    return this.guard(() => this.mask.push(chunk));
  }

  end(): readonly Buffer[] {
    return this.guard(() => this.mask.end());
  }

  *steps(chunk: Buffer | null): Steps<readonly Buffer[]> {
    if (this.failure !== null) throw this.failure;
    try {
      return yield* stepsOf(this.mask, chunk);
    } catch (cause) {
      this.failure = failureOf(cause);
      throw this.failure;
    }
  }

  private guard(step: () => readonly Buffer[]): readonly Buffer[] {
    if (this.failure !== null) throw this.failure;
    try {
      return step();
    } catch (cause) {
      this.failure = failureOf(cause);
      throw this.failure;
    }
  }
}

/** Returns the failure that ends an answer for what its mask threw. */
export const failureOf = (cause: unknown): Failure => {
  if (!(cause instanceof Failure)) return new Failure('internal', 'an answer could not be masked', { cause });
  if (cause.reason !== 'mask-blocked') return cause;
  return new Failure('answer-blocked', 'the answer holds what a rule blocks', { cause });
};

/** Returns the mask for the messages of one WebSocket: what is pushed and what comes out are whole messages. */
export const createMessageMask = (options: Omit<AnswerMaskOptions, 'contentType'>, reader: StreamReader): AnswerMask =>
  new Guarded(maskEvents({ ...options, contentType: '' }, messages, reader));

/** Returns the mask for one answer. Throws Failure `answer-unreadable` when no answer of this content type can be masked. */
export const createAnswerMask = (options: AnswerMaskOptions): AnswerMask => new Guarded(maskFor(options));
