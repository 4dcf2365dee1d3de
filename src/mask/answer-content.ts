/** Masks a whole answer that is more than one JSON document: held until it is whole, and its head corrected. */

import type { Content } from '../protocol/content.ts';
import { Gather } from '../protocol/framing/gather.ts';
import { Failure } from '../reasons.ts';
import type { AnswerMask, AnswerMaskOptions } from './answer-mask.ts';
import { atOnce, type Steps } from '../turns.ts';
import { maskingPieces } from './content.ts';

class ContentAnswerMask implements AnswerMask {
  readonly kind = 'whole';
  readonly events = 0;
  readonly usage = null;
  fields: readonly string[] = [];
  private readonly options: AnswerMaskOptions;
  private readonly read: (bytes: Buffer) => Content;
  private readonly body = new Gather();

  constructor(options: AnswerMaskOptions, read: (bytes: Buffer) => Content) {
    this.options = options;
    this.read = read;
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
    const { codec, masker, found } = this.options;
    const content = this.read(this.body.take());
    const rendering = yield* maskingPieces(content, {
      codec,
      masker,
      found,
      collision: 'answer-unreadable',
      withheld: (operation, path) => codec.leaks(operation, path),
    });
    if (rendering === null) return [content.bytes];
    this.fields = rendering.fields;
    return [rendering.bytes];
  }
}

/** Returns the mask for an answer that `read` reads. */
export const maskAnswerContent = (options: AnswerMaskOptions, read: (bytes: Buffer) => Content): AnswerMask =>
  new ContentAnswerMask(options, read);
