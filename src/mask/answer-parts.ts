/**
 * Masks an answer that comes in parts of an AWS event stream, cut anywhere (SageMaker's response streams): what the parts
 * hold together is masked as the answer that it is, and leaves in parts again. A part that stays as it is leaves as it came.
 */

import type { Usage } from '../protocol/codec.ts';
import type { Splitter } from '../protocol/framing/framing.ts';
import { eventstream, type Part, payloadPart, readPart } from '../protocol/framing/eventstream.ts';
import { THE_END } from '../protocol/framing/stream-shape.ts';
import { Failure } from '../reasons.ts';
import { atOnce, type Steps } from '../turns.ts';
import { type AnswerMask, type AnswerMaskOptions, stepsOf } from './answer-mask.ts';
import { maskEvents } from './answer-events.ts';

const PART = 'PayloadPart';

class PartsMask implements AnswerMask {
  readonly kind = 'stream';
  private readonly inner: AnswerMask;
  private readonly splitter: Splitter;
  /** Masks what is no part: exceptions, behind which nothing follows. */
  private readonly others: AnswerMask;
  private ended = false;
  /** Bytes of a message that has not come whole. */
  private waiting = 0;

  constructor(options: AnswerMaskOptions, inner: AnswerMask) {
    this.inner = inner;
    this.splitter = eventstream.splitter(options.limit);
    this.others = maskEvents({ ...options, contentType: '' }, eventstream, {
      read: () => THE_END,
      delta: () => ({ event: '', value: {} }),
    });
  }

  get usage(): Usage | null {
    return this.inner.usage;
  }

  get events(): number {
    return this.inner.events;
  }

  get written(): number | undefined {
    return this.inner.written;
  }

  get held(): number {
    return this.waiting + (this.inner.held ?? 0);
  }

  push(chunk: Buffer): readonly Buffer[] {
    return atOnce(this.steps(chunk));
  }

  end(): readonly Buffer[] {
    return atOnce(this.steps(null));
  }

  *steps(chunk: Buffer | null): Steps<readonly Buffer[]> {
    if (chunk === null) return yield* this.ending();
    this.waiting += chunk.length;
    const out: Buffer[] = [];
    for (const message of this.splitter.push(chunk)) {
      this.waiting -= message.length;
      const part = readPart(message);
      out.push(...(yield* part.event === PART ? this.part(message, part) : this.other(message)));
    }
    return out;
  }

  private *ending(): Steps<readonly Buffer[]> {
    if (this.splitter.end().length > 0)
      throw new Failure('answer-unreadable', 'expected a whole message at the end of an event stream');
    return yield* this.rest();
  }

  private *part(message: Buffer, { payload, withPayload }: Part): Steps<readonly Buffer[]> {
    if (this.ended) throw new Failure('answer-unreadable', 'expected nothing behind the end of a stream, found a part');
    const masked = Buffer.concat(yield* stepsOf(this.inner, payload));
    if (masked.equals(payload)) return [message];
    return masked.length === 0 ? [] : [withPayload(masked)];
  }

  private *other(message: Buffer): Steps<readonly Buffer[]> {
    const rest = yield* this.rest();
    return [...rest, ...(yield* stepsOf(this.others, message))];
  }

  /** What was held back leaves in a part of its own. */
  private *rest(): Steps<readonly Buffer[]> {
    if (this.ended) return [];
    this.ended = true;
    const rest = Buffer.concat(yield* stepsOf(this.inner, null));
    return rest.length === 0 ? [] : [payloadPart(rest)];
  }
}

/** Returns the mask for an answer in parts; `inner` masks what they hold. */
export const maskParts = (options: AnswerMaskOptions, inner: AnswerMask): AnswerMask => new PartsMask(options, inner);
