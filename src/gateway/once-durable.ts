/** Holds what is to leave until the opening record of its call is on the disk (promise 3: no evidence, no answer). */

import type { Session } from '../record/recorder.ts';

/** How an answer waits. */
interface Waiter {
  /** Runs a step that has waited. */
  readonly run: (step: () => void) => void;
  /** The record is on the disk, and all that waited was run. */
  readonly durable: () => void;
  /** It never will be; nothing that waits is run. */
  readonly failed: () => void;
}

/** The steps of one answer. */
export class OnceDurable {
  readonly #session: Pick<Session, 'durable'>;
  readonly #waiter: Waiter;
  /** Null once the record is durable. */
  #waiting: (() => void)[] | null = [];
  #isAsked = false;

  constructor(session: Pick<Session, 'durable'>, waiter: Waiter) {
    this.#session = session;
    this.#waiter = waiter;
  }

  /** Whether steps may leave. */
  get isDurable(): boolean {
    return this.#waiting === null;
  }

  /** Begins to wait for the disk: what is to leave is on its way. Only the first call counts. */
  ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#session.durable((ok) => this.#settle(ok));
  }

  /** Runs the step, at once or when the record is durable; returns whether it has run. */
  pass(step: () => void): boolean {
    if (this.#waiting === null) {
      step();
      return true;
    }
    this.#waiting.push(step);
    return false;
  }

  #settle(ok: boolean): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    if (!ok) return this.#waiter.failed();
    for (const step of waiting) this.#waiter.run(step);
    this.#waiter.durable();
  }
}
