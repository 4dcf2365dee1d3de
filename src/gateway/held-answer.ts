/** Parts of an answer that may not leave yet, and must not grow without end. */

import { Failure } from '../reasons.ts';

/** The longest tool call has a megabyte of arguments; fragments of them come in events many times as long. */
const MOST_HELD = 16 * 1024 ** 2;

/** What is held of one answer. What is never released never leaves. */
export class HeldAnswer {
  #held: Buffer[] = [];
  #bytes = 0;

  /** Returns what may leave: everything that was held and these pieces, nothing while `holds`. Throws Failure `answer-unreadable`. */
  pass(pieces: readonly Buffer[], holds: boolean): readonly Buffer[] {
    if (!holds && this.#held.length === 0) return pieces;
    for (const piece of pieces) {
      this.#held.push(piece);
      this.#bytes += piece.length;
    }
    if (this.#bytes > MOST_HELD)
      throw new Failure('answer-unreadable', `expected a tool call of at most ${MOST_HELD} bytes`);
    if (holds) return [];
    const held = this.#held;
    this.#held = [];
    this.#bytes = 0;
    return held;
  }
}
