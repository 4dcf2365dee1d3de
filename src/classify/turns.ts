/** Bounds how many questions are under way at once, and how many wait for their turn. */

/** Ends a turn, once. */
export type EndTurn = () => void;

/** Hands out turns, first come, first served. */
export class Turns {
  readonly #most: number;
  readonly #mostWaiting: number;
  readonly #waiting = new Set<() => void>();
  #taken = 0;

  constructor(most: number, mostWaiting: number) {
    this.#most = most;
    this.#mostWaiting = mostWaiting;
  }

  /** Resolves to what ends the turn; to null when too many wait, or `signal` is aborted before it comes. */
  take(signal: AbortSignal): Promise<EndTurn | null> | EndTurn | null {
    if (signal.aborted) return null;
    if (this.#taken < this.#most) return this.#begin();
    if (this.#waiting.size >= this.#mostWaiting) return null;
    return new Promise((resolve) => {
      const leave = (): void => {
        this.#waiting.delete(come);
        resolve(null);
      };
      const come = (): void => {
        signal.removeEventListener('abort', leave);
        resolve(this.#begin());
      };
      this.#waiting.add(come);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #begin(): EndTurn {
    this.#taken++;
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.#taken--;
      const [next] = this.#waiting;
      if (next === undefined) return;
      this.#waiting.delete(next);
      next();
    };
  }
}
