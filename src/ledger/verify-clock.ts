/** Whether the times of leaves can be true: they go on, and lie between what witnesses saw before and after them. */

import type { LeafCommon } from './leaf.ts';
import type { Found } from './report.ts';

/** How far clocks may be apart, in ms. */
const APART = 5 * 60_000;

/** How far the clock checks have come: what another run goes on from. */
export interface ClockState {
  readonly latest: number;
  readonly latestLeaf: number;
  readonly seenAt: number;
  readonly seenBy: string;
  readonly isBack: boolean;
}

/** Where they begin. */
const NO_TIME: ClockState = { latest: 0, latestLeaf: -1, seenAt: 0, seenBy: '', isBack: false };

/** Compares the times of leaves with one another and with those of witnesses. Takes leaves in order. */
export class ClockChecks {
  readonly #found: Found;
  /** The latest time so far, and the leaf that has it. */
  #latest: number;
  #latestLeaf: number;
  /** When a witness saw all leaves before `#seenLeaves`. */
  #seenAt: number;
  #seenBy: string;
  #isBack: boolean;

  constructor(found: Found, from: ClockState = NO_TIME) {
    this.#found = found;
    this.#latest = from.latest;
    this.#latestLeaf = from.latestLeaf;
    this.#seenAt = from.seenAt;
    this.#seenBy = from.seenBy;
    this.#isBack = from.isBack;
  }

  /** Returns how far it has come. */
  get state(): ClockState {
    const [latest, latestLeaf, seenAt] = [this.#latest, this.#latestLeaf, this.#seenAt];
    return { latest, latestLeaf, seenAt, seenBy: this.#seenBy, isBack: this.#isBack };
  }

  /** Takes the leaf with this number. */
  leaf(index: number, { ts }: LeafCommon): void {
    if (ts > this.#latest) [this.#latest, this.#latestLeaf] = [ts, index];
    this.#checkBack(index, ts);
    if (ts < this.#seenAt - APART) {
      const seen = new Date(this.#seenAt).toISOString();
      this.#problem(index, ts, `though ${this.#seenBy} had seen the leaves before it at ${seen}`);
    }
  }

  /** Takes what a witness saw: a checkpoint over all leaves so far, at `at` (ms since the epoch). */
  seen(by: string, at: number): void {
    if (this.#latest > at + APART) {
      this.#problem(this.#latestLeaf, this.#latest, `though ${by} saw it at ${new Date(at).toISOString()}`);
    }
    [this.#seenAt, this.#seenBy] = [at, by];
  }

  /** The latest time of a leaf so far. */
  get latest(): number {
    return this.#latest;
  }

  /**
   * Takes what an authority said of the first `size` leaves, the latest of which is dated `latest`: they were there at
   * `at`, and what comes from here on was written after that.
   */
  stamped(by: string, at: number, latest: number, size: number): void {
    if (latest > at + APART)
      this.#problem(size - 1, latest, `though ${by} stamped it at ${new Date(at).toISOString()}`);
    if (at > this.#seenAt) [this.#seenAt, this.#seenBy] = [at, by];
  }

  #checkBack(index: number, ts: number): void {
    const isBack = ts < this.#latest - APART;
    // told once for each time that it happens
    if (isBack && !this.#isBack) {
      const by = Math.round((this.#latest - ts) / 1000);
      this.#found.finding(
        'clock',
        `leaf ${index}`,
        `is dated ${by} seconds before leaf ${this.#latestLeaf}: the clock was set back`,
      );
    }
    this.#isBack = isBack;
  }

  #problem(index: number, ts: number, why: string): void {
    this.#found.problem('clock', `leaf ${index}`, `is dated ${dateOf(ts)}, ${why}`);
  }
}

/** A leaf may say any number. */
const dateOf = (ts: number): string => (ts <= 8.64e15 ? new Date(ts).toISOString() : String(ts));
