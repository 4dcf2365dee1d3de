/** One text that grows, cut into windows: sentence by sentence where it can, never through what a detector found. */

import type { Finding } from '../call.ts';
import { forcedCut, lastSentenceEnd, wholeBefore } from './sentences.ts';

/** A stretch of a growing text that is ready to be shown. Indexes are UTF-16 units from the start of the text. */
export interface Window {
  /** Where the context ahead of it begins. */
  readonly from: number;
  /** Where what was not shown before begins. */
  readonly start: number;
  readonly end: number;
  /** From `from` to `end`. */
  readonly text: string;
  /** In `text`, in order, counted from its start. */
  readonly findings: readonly Finding[];
}

/** How a growing text is cut. */
export interface WindowSize {
  /** The longest window, without its context. */
  readonly characters: number;
  readonly context: number;
  /** How much of each window waits for what is found in the next one; at most `context`. */
  readonly overlap: number;
}

/** How willing one is to cut: only behind sentences or where a window is full, or wherever the text has come to. */
export type Cut = 'sentence' | 'anywhere';

/** More than detectors ever hold back undecided: beyond it, what is open is a finding that goes on. */
const MOST_UNDECIDED = 1_024;

/** A growing text. */
export class GrowingText {
  readonly #size: WindowSize;
  /** The text from `#base` on. */
  #text = '';
  #base = 0;
  #start = 0;
  /** Findings that end behind `#base`, counted from the start of the whole text. */
  #findings: Finding[] = [];
  /** Up to where it is known what is found; what is behind waits. */
  #decided = 0;

  constructor(size: WindowSize) {
    this.#size = size;
  }

  /** How long the text is so far. */
  get length(): number {
    return this.#base + this.#text.length;
  }

  /** Where the next window begins: all before it was taken. */
  get taken(): number {
    return this.#start;
  }

  /** Whether something could be taken. */
  get waits(): boolean {
    return this.#decided > this.#start;
  }

  grow(text: string): void {
    this.#text += text;
  }

  /** Says what was found, and up to where that is all. Findings come in order; what was decided on stays so. */
  decide(decided: number, findings: readonly Finding[]): void {
    for (const finding of findings) this.#find(finding);
    this.#decided = Math.max(this.#decided, decided);
    if (this.length - this.#decided <= MOST_UNDECIDED) return;
    // a finding without a bound (a key in PEM): it is one as far as it has come
    const end = this.#base + wholeBefore(this.#text, this.#text.length);
    this.#find({ kind: 'secret', start: this.#decided, end, score: 1 });
    this.#decided = end;
  }

  #find({ kind, start, end, score }: Finding): void {
    const from = Math.max(start, this.#decided, this.#findings.at(-1)?.end ?? 0);
    if (from < end) this.#findings.push({ kind, start: from, end, score });
  }

  /** Returns the next window; null where there is none yet. */
  take(cut: Cut): Window | null {
    const { characters } = this.#size;
    const start = this.#start - this.#base;
    const decided = this.#decided - this.#base;
    if (decided <= start) return null;
    const full = decided - start > characters;
    const reach = full ? start + characters : decided;
    const end = this.#endOf(start, reach, full ? 'anywhere' : cut, full);
    return end === null ? null : this.#window(end + this.#base);
  }

  /** Returns where a window from `start` ends, at most at `reach` if no finding stands there; null where it does not. */
  #endOf(start: number, reach: number, cut: Cut, full: boolean): number | null {
    const sentence = lastSentenceEnd(this.#text, start, reach);
    if (sentence > start) return this.#outside(sentence, start);
    if (cut === 'sentence') return null;
    return this.#outside(full ? forcedCut(this.#text, start, reach) : reach, start);
  }

  /** Returns a cut that goes through no finding: ahead of the one at `at`, or behind it when the window would be empty. */
  #outside(at: number, start: number): number {
    const cut = this.#findings.find((each) => each.start < at + this.#base && each.end > at + this.#base);
    if (cut === undefined) return at;
    return cut.start - this.#base > start ? cut.start - this.#base : Math.min(cut.end, this.#decided) - this.#base;
  }

  #window(end: number): Window {
    const start = this.#start;
    const from = this.#contextOf(start);
    const findings = this.#findings
      .filter((each) => each.end > from && each.start < end)
      .map((each) => ({ ...each, start: Math.max(each.start, from) - from, end: Math.min(each.end, end) - from }));
    const text = this.#text.slice(from - this.#base, end - this.#base);
    this.#start = end;
    this.#forget();
    return { from, start, end, text, findings };
  }

  /** Returns where the context of a window begins: not within a character, nor within what was found. */
  #contextOf(start: number): number {
    const wanted = Math.max(this.#base, start - this.#size.context);
    const from = this.#base + wholeBefore(this.#text, wanted - this.#base);
    const cut = this.#findings.find((each) => each.start < from && each.end > from);
    return cut === undefined ? from : Math.min(cut.end, start);
  }

  /** Keeps of what was taken only the context of the next window. */
  #forget(): void {
    // a finding that reaches into the context stays whole
    const base = this.#base + wholeBefore(this.#text, Math.max(0, this.#start - this.#size.context - this.#base));
    if (base <= this.#base) return;
    this.#text = this.#text.slice(base - this.#base);
    this.#base = base;
    this.#findings = this.#findings.filter(({ end }) => end > base);
  }
}
