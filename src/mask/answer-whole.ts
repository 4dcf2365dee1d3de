/** Masks an answer that is one JSON document: held until it is whole. */

import type { Usage } from '../protocol/codec.ts';
import { Gather } from '../protocol/framing/gather.ts';
import { readJson } from '../protocol/json/json.ts';
import { Failure } from '../reasons.ts';
import type { AnswerMask, AnswerMaskOptions } from './answer-mask.ts';
import { atOnce, type Steps } from '../turns.ts';
import { maskingDocument } from './document.ts';

class WholeMask implements AnswerMask {
  readonly kind = 'whole';
  readonly events = 0;
  usage: Usage | null = null;
  private readonly options: AnswerMaskOptions;
  private readonly body = new Gather();

  constructor(options: AnswerMaskOptions) {
    this.options = options;
  }

  push(chunk: Buffer): readonly Buffer[] {
    if (this.body.length + chunk.length > this.options.limit)
      throw new Failure('answer-unreadable', `expected an answer of at most ${this.options.limit} bytes`);
    this.body.add(chunk);
    return [];
  }

  get held(): number {
    return this.body.length;
  }

  end(): readonly Buffer[] {
    return atOnce(this.steps(null));
  }

  *steps(chunk: Buffer | null): Steps<readonly Buffer[]> {
    if (chunk !== null) return this.push(chunk);
    const bytes = this.body.take();
    if (bytes.length === 0) return [];
    const { codec, operation } = this.options;
    const { text, value } = readJson(bytes, 'answer-unreadable', {
      loneSurrogates: 'keep',
      nonFinite: codec.nonFinite,
    });
    this.usage = codec.usage(operation, value);
    this.options.toolCalls?.document(value);
    const masked = yield* maskingDocument(this.options, text, value, 'answer-unreadable', (path) =>
      codec.leaks(operation, path),
    );
    return [masked === text ? bytes : Buffer.from(masked)];
  }
}

/** Returns the mask for a JSON answer. */
export const maskWhole = (options: AnswerMaskOptions): AnswerMask => new WholeMask(options);
