/** How far the clock of a store is ahead of this machine's, from asking it: off by at most half of how long an answer took. */

/** Bounds of the difference, of which every answer says some. */
export class StoreClock {
  #ahead = 0;
  #asked = false;

  /** Milliseconds. */
  get ahead(): number {
    return this.#ahead;
  }

  /**
   * Notes an answer: the store said `told` between `began` and `ended` of this machine. The difference moves no further
   * than what was heard compels it to, so one slow answer moves it hardly, and a clock that was set, at once.
   */
  note(began: number, told: number, ended: number): void {
    const least = told - ended;
    const most = told - began;
    // a clock that was set in between says nothing
    if (!(least <= most)) return;
    this.#ahead = this.#asked
      ? Math.round(Math.min(most, Math.max(least, this.#ahead)))
      : Math.round((least + most) / 2);
    this.#asked = true;
  }
}
