/**
 * The decision of the scan: what stands at the leftmost position where a detector matches, or may yet match.
 *
 * Masking of a whole text is defined as a scan from left to right: at each position the detectors are tried in priority
 * order (a match of the pattern that begins there, then `accept`); at a finding the scan goes on at its end, else one
 * unit further. This file does that for the positions the sweep names, and for a text that may go on it also says when
 * the answer is still open. docs/adr/0006-masking-engine.md has the argument why the two agree.
 */

import { type Compiled, compileDetector, type IsSaid } from './compiled.ts';
import { type ContextIndex, contextsAt, indexContexts } from './context.ts';
import { type Context, type Detector, scoreOf } from './detector.ts';
import { buildTables, Sweep, type Tables } from './sweep.ts';

/** Detectors in priority order, ready to search for. */
export interface Program {
  readonly detectors: readonly Compiled[];
  readonly tables: Tables;
  readonly contexts: ContextIndex;
}

/** Returns a program for compiled detectors in priority order. Throws an Error when a context is empty. */
export const programOf = (detectors: readonly Compiled[]): Program => ({
  detectors,
  tables: buildTables(detectors),
  contexts: indexContexts([...new Set(detectors.flatMap(({ detector }) => detector.context ?? []))]),
});

/** Returns a program for detectors in priority order. Throws an Error naming a detector that cannot be derived. */
export const compileProgram = (detectors: readonly Detector[]): Program => programOf(detectors.map(compileDetector));

/** What a search finds first. Positions are UTF-16 units of the text. */
export type Step =
  /** Nothing, to the end of the text. */
  | { readonly kind: 'nothing' }
  /** Nothing before `at`; what stands at `at` depends on text to come. */
  | { readonly kind: 'open'; readonly at: number }
  /** An entity, without what its swallow adds, and how sure it is. */
  | {
      readonly kind: 'entity';
      readonly compiled: Compiled;
      readonly start: number;
      readonly end: number;
      readonly score: number;
    };

const NOTHING: Step = { kind: 'nothing' };

/** One search through one text, left to right. */
export class Search {
  readonly #contexts: ContextIndex;
  readonly #text: string;
  readonly #final: boolean;
  readonly #sweep: Sweep;
  /** What is said ahead of `#saidAt`. */
  #said: readonly Context[] = [];
  #saidAt = -1;

  /** `text`: folded (fold.ts). `final`: nothing follows it. */
  constructor(program: Program, text: string, final: boolean) {
    this.#contexts = program.contexts;
    this.#text = text;
    this.#final = final;
    this.#sweep = new Sweep(program.tables, text, final);
  }

  /** Returns what comes first from `from` on; `from` never decreases. */
  next(from: number): Step {
    for (let at = this.#sweep.next(from); at >= 0; at = this.#sweep.next(at + 1)) {
      for (const compiled of this.#sweep.candidates) {
        const step = this.#decide(compiled, at);
        if (step !== null) return step;
      }
    }
    return NOTHING;
  }

  #decide(compiled: Compiled, at: number): Step | null {
    if (this.#isOpen(compiled, at)) return { kind: 'open', at };
    const length = compiled.length(this.#text, at, this.#isSaid);
    if (length === 0) return null;
    const { detector } = compiled;
    const end = at + length;
    const said = detector.context !== undefined && this.#isSaid(detector.context, at);
    return { kind: 'entity', compiled, start: at, end, score: scoreOf(detector, this.#text.slice(at, end), said) };
  }

  #isOpen(compiled: Compiled, at: number): boolean {
    if (this.#final || this.#text.length - at > compiled.reach || !compiled.viable(this.#text, at)) return false;
    // What stands to the left is all there: a detector that misses its word waits for nothing.
    const { context } = compiled.detector;
    return context === undefined || !context.required || this.#isSaid(context, at);
  }

  readonly #isSaid: IsSaid = (context, at) => {
    if (this.#saidAt !== at) this.#said = contextsAt(this.#contexts, this.#text, at);
    this.#saidAt = at;
    return this.#said.includes(context);
  };
}
