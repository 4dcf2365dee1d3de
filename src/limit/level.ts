/** How close the fullest count of a rule has come to its limit: one number a rule, whoever the callers are. */

/** A level is told for one to two of these. Milliseconds. */
const PERIOD = 60_000;

/** The level of one rule as one thread has seen it. */
export class Level {
  #since = 0;
  #now = 0;
  #before = 0;

  /** Notes that a count is full to this share, 0 to 1. */
  note(share: number, now: number): void {
    this.#turn(now);
    if (share > this.#now) this.#now = share;
  }

  /** Returns the highest share of the last one to two minutes; 1 is the limit. */
  read(now: number): number {
    this.#turn(now);
    return Math.max(this.#now, this.#before);
  }

  #turn(now: number): void {
    const past = now - this.#since;
    if (past < PERIOD) return;
    this.#before = past < 2 * PERIOD ? this.#now : 0;
    this.#now = 0;
    this.#since = now;
  }
}
