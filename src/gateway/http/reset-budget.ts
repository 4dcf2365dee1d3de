/**
 * What one HTTP/2 connection may throw away: streams that its peer resets before anything of an answer has left. Work for
 * them is done and nobody gets it (rapid reset, CVE-2023-44487). A stream that was answered is an ordinary call, however
 * it ends, and pays for one that was not: who cancels as many calls as it lets come to an answer may do so at any rate.
 */
export class ResetBudget {
  readonly #perSecond: number;
  readonly #most: number;
  #left: number;
  #at = -Infinity;

  /** Twice as many as `perSecond` may come at once. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#most = 2 * perSecond;
    this.#left = this.#most;
  }

  answered(): void {
    this.#left = Math.min(this.#most, this.#left + 1);
  }

  /** Returns false when this one is too many. `now` in milliseconds, of a clock that does not go back. */
  reset(now: number): boolean {
    if (now > this.#at) {
      const gained = this.#at === -Infinity ? 0 : ((now - this.#at) * this.#perSecond) / 1000;
      this.#left = Math.min(this.#most, this.#left + gained);
      this.#at = now;
    }
    this.#left--;
    return this.#left >= 0;
  }
}
