/** What one answer holds to be masked, counted with the bodies of requests: all of them together have a bound. */

import type { AnswerMask } from '../mask/answer-mask.ts';
import { Failure } from '../reasons.ts';
import type { BodyBudget } from './http/body.ts';
import { LONG } from './in-order.ts';

/** The memory of one answer. */
export class HeldMemory {
  readonly #budget: BodyBudget;
  #bytes = 0;

  constructor(budget: BodyBudget) {
    this.#budget = budget;
  }

  /** Counts what the mask holds now. Throws Failure `overloaded` when all of it together is over the bound. */
  count(mask: AnswerMask): void {
    const held = mask.held ?? 0;
    // a whole answer takes memory until it has left; a little of an event is not worth counting
    if (mask.kind === 'whole') this.#set(Math.max(held, this.#bytes));
    else this.#set(held > LONG ? held : 0);
  }

  /** Gives everything back. */
  release(): void {
    this.#set(0);
  }

  #set(bytes: number): void {
    const more = bytes - this.#bytes;
    if (more < 0) this.#budget.give(-more);
    else if (more > 0 && !this.#budget.take(more))
      throw new Failure('overloaded', 'bodies and answers fill their memory budget');
    this.#bytes = bytes;
  }
}
