/** Leaves a classifier that fails alone for a while. */

/** What a circuit is made with. */
export interface CircuitOptions {
  /** So many failures in a row open it. */
  readonly failures: number;
  /** How long it stays open, in ms. */
  readonly pause: number;
}

/** Lets questions through while answers come; after a pause, one tries first. */
export class Circuit {
  readonly #options: CircuitOptions;
  readonly #now: () => number;
  #failures = 0;
  /** When a question may try, in ms; null while it is closed. */
  #triesAt: number | null = null;

  /** `now` is a monotonic clock in ms. */
  constructor(options: CircuitOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
  }

  /** Returns whether a question may be asked now; one that may has to say how it ended. */
  enter(): boolean {
    if (this.#triesAt === null) return true;
    if (this.#now() < this.#triesAt) return false;
    // those behind this one wait for what becomes of it
    this.#triesAt = this.#now() + this.#options.pause;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#triesAt = null;
  }

  failed(): void {
    this.#failures++;
    if (this.#failures >= this.#options.failures) this.#triesAt = this.#now() + this.#options.pause;
  }
}
