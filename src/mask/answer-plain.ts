/** Masks an answer that is one plain text. */

import { SLICE } from '../detect/scanner.ts';
import { Failure } from '../reasons.ts';
import type { Steps } from '../turns.ts';
import type { AnswerMask, AnswerMaskOptions } from './answer-mask.ts';
import { maskerAt } from './document.ts';
import type { TextStream } from './text-masker.ts';

class PlainMask implements AnswerMask {
  readonly kind = 'stream';
  readonly usage = null;
  readonly events = 0;
  // A byte order mark is a character of the text like any other: it leaves as it came.
  private readonly decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  private readonly stream: TextStream;

  constructor({ masker, found }: AnswerMaskOptions) {
    this.stream = maskerAt({ masker }, [], null).stream(found);
  }

  push(chunk: Buffer): readonly Buffer[] {
    return encoded(this.stream.push(this.decode(chunk)));
  }

  *steps(chunk: Buffer | null): Steps<readonly Buffer[]> {
    if (chunk === null) return this.end();
    const out: Buffer[] = [];
    for (let at = 0; at < chunk.length; at += SLICE) {
      out.push(...this.push(chunk.subarray(at, at + SLICE)));
      yield;
    }
    return out;
  }

  end(): readonly Buffer[] {
    const last = this.stream.push(this.decode(null));
    return encoded(last + this.stream.end());
  }

  private decode(chunk: Buffer | null): string {
    try {
      return chunk === null ? this.decoder.decode() : this.decoder.decode(chunk, { stream: true });
    } catch {
      throw new Failure('answer-unreadable', 'expected a plain text in UTF-8');
    }
  }
}

const encoded = (text: string): readonly Buffer[] => (text === '' ? [] : [Buffer.from(text)]);

/** Returns the mask for a plain text. */
export const maskPlain = (options: AnswerMaskOptions): AnswerMask => new PlainMask(options);
