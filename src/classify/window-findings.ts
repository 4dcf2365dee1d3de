/**
 * What was found in the windows of one growing text. A window may end within what the next one shows whole: the last
 * characters of a window wait until the next was looked at, so that what is no longer than them is known before any of it
 * leaves.
 */

import type { Finding } from '../call.ts';
import type { Window } from './growing-text.ts';
import { mergeFindings } from './question.ts';

interface Underway {
  readonly window: Pick<Window, 'from' | 'start' | 'end'>;
  /** Counted from the start of the window's text; null while nobody has said. */
  found: readonly Finding[] | null;
}

/** The findings of one growing text. Indexes are UTF-16 units from its start. */
export class WindowFindings {
  /** In order; none overlaps another, and none changes once something behind its start is settled. */
  readonly found: Finding[] = [];
  /** Up to where it is known what is found: it may leave. */
  settled = 0;
  readonly #carry: number;
  /** In the order of the text. */
  readonly #underway: Underway[] = [];
  /** Up to where all windows were looked at. */
  #said = 0;
  /** What may still grow. */
  #pending: readonly Finding[] = [];
  /** How long the text is; null while it goes on. */
  #length: number | null = null;

  /** `carry`: how many units of a window wait for the next one. */
  constructor(carry: number) {
    this.#carry = carry;
  }

  /** Takes note of the next window; returns what takes what was found in its text. Windows may be answered in any order. */
  begin(window: Underway['window']): (found: readonly Finding[]) => void {
    const underway: Underway = { window, found: null };
    this.#underway.push(underway);
    return (found) => {
      underway.found = found;
      this.#settle();
    };
  }

  /** Says that the text goes on for no longer than this. */
  over(length: number): void {
    this.#length = length;
    this.#release();
  }

  #settle(): void {
    for (let [first] = this.#underway; first !== undefined && first.found !== null; [first] = this.#underway) {
      this.#underway.shift();
      this.#said = first.window.end;
      this.#pending = mergeFindings([...this.#pending, ...this.#fresh(first.window, first.found)]);
      this.#release();
    }
  }

  /** What has left, or begins to, has left: the rest is what is new. */
  #fresh({ from, end }: Underway['window'], found: readonly Finding[]): readonly Finding[] {
    const least = Math.max(this.settled, this.found.at(-1)?.end ?? 0);
    return found.flatMap((each) => {
      const first = Math.max(each.start + from, least);
      const last = Math.min(each.end + from, end);
      return first < last ? [{ ...each, start: first, end: last }] : [];
    });
  }

  #release(): void {
    const to = this.#said === this.#length ? this.#said : this.#said - this.#carry;
    if (to <= this.settled) return;
    this.settled = to;
    const later = this.#pending.findIndex(({ start }) => start >= to);
    const count = later === -1 ? this.#pending.length : later;
    this.found.push(...this.#pending.slice(0, count));
    this.#pending = this.#pending.slice(count);
  }
}
