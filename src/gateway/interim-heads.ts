/** Bounds the heads ahead of an answer: what an upstream may have us write and record. */

import { Failure } from '../reasons.ts';

/** The most heads, and characters in all of their lines. */
const MOST = 100;
const SIZE = 64 * 1024;

/** Counts the interim heads of one answer. */
export class InterimHeads {
  #heads = 0;
  #size = 0;

  /** Counts one more. Throws Failure `upstream-failed` when there are more than one answer may have. */
  count(rawHeaders: readonly string[]): void {
    this.#heads++;
    this.#size += rawHeaders.reduce((sum, { length }) => sum + length, 0);
    if (this.#heads > MOST || this.#size > SIZE)
      throw new Failure('upstream-failed', 'the upstream sent more interim heads than one answer may have');
  }
}
