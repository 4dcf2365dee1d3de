/**
 * The decision of the scan: what stands at the leftmost position where a detector matches, or may yet match.
 *
 * Masking of a whole text is defined as a scan from left to right: at each position the detectors are tried in priority
 * order (a match of the pattern that begins there, then `accept`); at a finding the scan goes on at its end, else one
 * unit further. This file does that for the positions the sweep names, and for a text that may go on it also says when
 * the answer is still open. docs/adr/0006-masking-engine.md has the argument why the two agree.
 */

import { type Compiled, compileDetector } from './compiled.ts';
import type { Detector } from './detector.ts';
import { buildTables, Sweep, type Tables } from './sweep.ts';

/** Detectors in priority order, ready to search for. */
export interface Program {
  readonly detectors: readonly Compiled[];
  readonly tables: Tables;
}

/** Returns a program for detectors in priority order. Throws an Error naming a detector that cannot be derived. */
export const compileProgram = (detectors: readonly Detector[]): Program => {
  const compiled = detectors.map(compileDetector);
  return { detectors: compiled, tables: buildTables(compiled) };
};

/** What a search finds first. Positions are UTF-16 units of the text. */
export type Step =
  /** Nothing, to the end of the text. */
  | { readonly kind: 'nothing' }
  /** Nothing before `at`; what stands at `at` depends on text to come. */
  | { readonly kind: 'open'; readonly at: number }
  /** An entity, without what its swallow adds. */
  | { readonly kind: 'entity'; readonly compiled: Compiled; readonly start: number; readonly end: number };

const NOTHING: Step = { kind: 'nothing' };

/** One search through one text, left to right. */
export class Search {
  readonly #tables: Tables;
  readonly #text: string;
  readonly #final: boolean;
  readonly #sweep: Sweep;

  /** `final`: nothing follows `text`. */
  constructor(program: Program, text: string, final: boolean) {
    this.#tables = program.tables;
    this.#text = text;
    this.#final = final;
    this.#sweep = new Sweep(program.tables, text, final);
  }

  /** Returns what comes first from `from` on; `from` never decreases. */
  next(from: number): Step {
    for (let at = this.#sweep.next(from); at >= 0; at = this.#sweep.next(at + 1)) {
      const step = this.#decide(at, this.#sweep.candidates);
      if (step !== null) return step;
    }
    return NOTHING;
  }

  #decide(at: number, candidates: number): Step | null {
    for (let left = candidates; left !== 0; left &= left - 1) {
      // The lowest bit is the highest priority.
      for (const compiled of this.#tables.buckets[31 - Math.clz32(left & -left)] ?? []) {
        if (this.#isOpen(compiled, at)) return { kind: 'open', at };
        const length = compiled.length(this.#text, at);
        if (length > 0) return { kind: 'entity', compiled, start: at, end: at + length };
      }
    }
    return null;
  }

  #isOpen(compiled: Compiled, at: number): boolean {
    return !this.#final && this.#text.length - at <= compiled.reach && compiled.viable(this.#text, at);
  }
}
