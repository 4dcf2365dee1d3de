/**
 * The decision of the scan: what stands at the leftmost position where a detector matches, or may yet match.
 *
 * Masking of a whole text is defined as a scan from left to right: at each position the detectors are tried in priority
 * order (a match of the pattern that begins there, then `accept`); at a finding the scan goes on at its end, else one
 * unit further. This file does that for the positions the sweep names, and for a text that may go on it also says when
 * the answer is still open. docs/adr/0006-masking-engine.md has the argument why the two agree.
 */

import { type Compiled, compileDetector } from './compiled.ts';
import { type ContextIndex, indexContexts, isMet, Said } from './context.ts';
import { type Context, type Detector, scoreOf } from './detector.ts';
import { Sweep } from './sweep.ts';
import { buildTables, type Tables } from './tables.ts';

/**
 * Short texts in which a program found nothing: kinds, roles and reasons that stand in every answer. What a program finds in a
 * text depends on nothing else. Nothing that was found is kept here, and whoever fills it makes only itself slower.
 */
export class CleanWords {
  readonly #known = new Set<string>();

  has(text: string): boolean {
    return text.length <= LONGEST_WORD && this.#known.has(text);
  }

  add(text: string): void {
    if (text.length > LONGEST_WORD) return;
    if (this.#known.size >= MOST_WORDS) this.#known.clear();
    this.#known.add(text);
  }
}

const LONGEST_WORD = 24;
const MOST_WORDS = 512;

/** Detectors in priority order, ready to search for. */
export interface Program {
  readonly detectors: readonly Compiled[];
  readonly tables: Tables;
  readonly contexts: ContextIndex;
  readonly clean: CleanWords;
}

/** Returns a program for compiled detectors in priority order. Throws an Error when a context is empty. */
export const programOf = (detectors: readonly Compiled[]): Program => ({
  detectors,
  tables: buildTables(detectors),
  contexts: indexContexts(detectors.flatMap(({ detector }) => detector.context ?? [])),
  clean: new CleanWords(),
});

/** Programs of this thread that were asked for last: a config has few sets of rules, and the next one has most of them. */
const programs = new Map<string, Program>();
const MOST_PROGRAMS = 32;

const numbers = new WeakMap<Detector, number>();
let numbered = 0;
const numberOf = (detector: Detector): number => {
  const number = numbers.get(detector) ?? numbered++;
  numbers.set(detector, number);
  return number;
};

/**
 * Returns a program for detectors in priority order, the very same for the same detectors while it is remembered. Throws an
 * Error naming a detector that cannot be derived.
 */
export const compileProgram = (detectors: readonly Detector[]): Program => {
  const id = detectors.map(numberOf).join();
  const program = programs.get(id) ?? programOf(detectors.map(compileDetector));
  programs.delete(id);
  programs.set(id, program);
  const [oldest] = programs.keys();
  if (programs.size > MOST_PROGRAMS && oldest !== undefined) programs.delete(oldest);
  return program;
};

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

const NOTHING_SAID: ReadonlySet<Context> = new Set();

/** One search through one text, left to right. */
export class Search {
  readonly #text: string;
  readonly #final: boolean;
  readonly #sweep: Sweep;
  readonly #contexts: ContextIndex;
  #words: Said | null = null;
  /** What is said ahead of `#saidAt`. */
  #said: ReadonlySet<Context> = NOTHING_SAID;
  #saidAt = -1;

  /** `text`: folded (fold.ts). `final`: nothing follows it. */
  constructor(program: Program, text: string, final: boolean) {
    this.#text = text;
    this.#final = final;
    this.#contexts = program.contexts;
    this.#sweep = new Sweep(program.tables, text, final);
  }

  /** Returns what comes first of all that begins from `from` to before `until`; `from` never decreases. */
  next(from: number, until = this.#text.length): Step {
    const sweep = this.#sweep;
    for (let at = sweep.next(from, until); at >= 0; at = sweep.next(at + 1, until)) {
      for (let rank = 0; rank < sweep.count; rank++) {
        const compiled = sweep.candidate(rank);
        const step = this.#decide(compiled, at);
        if (step !== null) return step;
      }
    }
    return NOTHING;
  }

  #decide(compiled: Compiled, at: number): Step | null {
    const { context } = compiled.detector;
    const asks = context?.required === true ? context : null;
    // The words ahead are read once for all detectors of a place. Where they were read a moment ago, as in a text full of
    // numbers, they tell sooner than the pattern; elsewhere they are read for what a pattern matches only.
    if (asks !== null && this.#words?.isNear(at) === true && !this.#isSaid(asks, at)) return null;
    if (this.#isOpen(compiled, at)) return asks === null || this.#isSaid(asks, at) ? { kind: 'open', at } : null;
    const end = compiled.matchEnd(this.#text, at);
    if (end < 0 || (asks !== null && !this.#isSaid(asks, at))) return null;
    const length = compiled.length(this.#text, at, end);
    return length === 0 ? null : this.#entity(compiled, at, at + length);
  }

  /** Returns whether more text may change what `compiled` says. What stands to the left is all there. */
  #isOpen(compiled: Compiled, at: number): boolean {
    return !this.#final && this.#text.length - at <= compiled.reach && compiled.viable(this.#text, at);
  }

  #entity(compiled: Compiled, start: number, end: number): Step {
    const { detector } = compiled;
    const said = detector.context !== undefined && this.#isSaid(detector.context, start);
    return { kind: 'entity', compiled, start, end, score: scoreOf(detector, this.#text.slice(start, end), said) };
  }

  #isSaid(context: Context, at: number): boolean {
    this.#words ??= new Said(this.#contexts, this.#text);
    if (this.#saidAt !== at) this.#said = this.#words.before(at);
    this.#saidAt = at;
    return isMet(context, this.#said);
  }
}
