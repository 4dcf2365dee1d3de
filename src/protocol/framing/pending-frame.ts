/** A frame whose bytes arrive in pieces, and how large it may grow: what splitters that look for an end have in common. */

import { Failure } from '../../reasons.ts';
import { Gather } from './gather.ts';

/** The frame that is not complete yet. */
export class PendingFrame {
  private readonly limit: number;
  private readonly what: string;
  private readonly pending = new Gather();

  /** `limit`: bytes of one frame; `what`: what frames are, in the plural. */
  constructor(limit: number, what: string) {
    this.limit = limit;
    this.what = what;
  }

  /** Returns the frame that ends with these bytes; without a copy where they are all of it. Throws Failure `answer-unreadable`. */
  complete(last: Buffer): Buffer {
    if (this.pending.length === 0) {
      this.bound(last.length);
      return last;
    }
    this.keep(last);
    return this.pending.take();
  }

  /** Adds bytes that end nothing. Throws Failure `answer-unreadable`. */
  keep(part: Buffer): void {
    if (part.length === 0) return;
    this.bound(this.pending.length + part.length);
    this.pending.add(part);
  }

  /** Returns what is no whole frame. */
  take(): Buffer {
    return this.pending.take();
  }

  private bound(length: number): void {
    if (length > this.limit)
      throw new Failure(
        'answer-unreadable',
        `expected ${this.what} of at most ${this.limit} bytes, found a larger one`,
      );
  }
}
