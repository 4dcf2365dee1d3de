/** mask.answer: transforms an answer as it flows. What cannot be read as the protocol says does not pass. */

import type { StreamReader, Usage } from '../protocol/codec.ts';
import { framingOf } from '../protocol/framing/framing.ts';
import { bodyForm } from '../protocol/media-type.ts';
import { messages } from '../protocol/framing/message-framing.ts';
import { Failure } from '../reasons.ts';
import { maskAnswerContent } from './answer-content.ts';
import { maskEvents } from './answer-events.ts';
import { type AnswerMask, type AnswerMaskOptions, stepsOf } from './answer-mask.ts';
import { maskParts } from './answer-parts.ts';
import { maskPlain } from './answer-plain.ts';
import { maskWhole } from './answer-whole.ts';
import type { Steps } from '../turns.ts';

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
