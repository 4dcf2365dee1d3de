/**
 * The combined scan: one pass over a text that names the few positions where some detector may match, and which: those
 * that are marked (marks.ts) and those ahead of a needle (needle.ts), as far as the tables (tables.ts) leave a pattern. What
 * is left goes to the detectors' own expressions.
 */

import type { Compiled } from './compiled.ts';
import { FAR } from './left.ts';
import { MARGIN, Marks, PAD } from './marks.ts';
import { Window } from './needle.ts';
import { DEPTH, LEFT_DEPTH } from './outline.ts';
import { Runs } from './run-length.ts';
import { type Ranked, type Tables } from './tables.ts';
import { OTHER, symbolOf } from './unit-set.ts';

const CHUNK = 4096;
const ZERO = 0x30;
const NINE = 0x39;
/** How many units behind a position the loop reads. */
const PEEK = 3;
/** Below this many units a loop beats the call into the runtime. */
const SHORT = 96;
/** So few places are looked at sooner than marked. */
const FEW_PLACES = 32;
/**
 * What stands for each unit under the sweep, with PAD more ahead of them and behind: reading a typed array is twice as
 * fast as `charCodeAt` (`npm run bench -- masking`). Shared by all sweeps of a thread: `owner` is the number of the one
 * whose text it holds.
 */
const symbols = Buffer.alloc(CHUNK + 2 * PAD, OTHER);
const bytes = Buffer.alloc(CHUNK * 2);
const units = new Uint16Array(bytes.buffer, bytes.byteOffset, CHUNK);
const marks = new Marks(CHUNK);
/** The candidates at the position that the owner found last: a list that grows anew for each text was a fifth of a stream's garbage. */
const candidates: Ranked[] = [];
let owner = 0;
let sweeps = 0;

// `write` puts the low byte first; a machine that reads the high byte first must not use it.
const lowByteFirst = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

const copySymbols = (text: string, from: number, to: number): void => {
  const count = to - from;
  symbols.fill(OTHER, PAD + count, 2 * PAD + count);
  if (count > SHORT && lowByteFirst) {
    const piece = text.slice(from, to);
    // In UTF-8, ASCII is its own symbols, and everything else takes more bytes than it has units.
    if (symbols.write(piece, PAD, 'utf8') === count) return;
    bytes.write(piece, 'utf16le');
    for (let at = 0; at < count; at++) symbols[PAD + at] = symbolOf(units[at] ?? 0);
    symbols.fill(OTHER, PAD + count, 2 * PAD + count);
    return;
  }
  for (let at = 0; at < count; at++) symbols[PAD + at] = symbolOf(text.charCodeAt(from + at));
};

/** One pass over one text, left to right. */
export class Sweep {
  /** How many detectors may match at the position that `next` returned last. */
  count = 0;
  readonly #id = ++sweeps;
  readonly #tables: Tables;
  readonly #text: string;
  readonly #final: boolean;
  readonly #windows: readonly Window[];
  readonly #runs: Runs;
  readonly #digits: Runs;
  /** Where `units` begin in the text. */
  #base = 0;
  /** The places of which the marks are known: from `#known` to before `#knownTo`. */
  #known = 0;
  #knownTo = 0;

  /** `final`: nothing follows `text`. */
  constructor(tables: Tables, text: string, final: boolean) {
    this.#tables = tables;
    this.#text = text;
    this.#final = final;
    this.#runs = Runs.ofTokens(text);
    this.#digits = Runs.ofDigits(text);
    this.#windows = tables.needles.map((needle) => new Window(needle));
  }

  /** Returns the candidate of this rank, less than `count`: the lower, the higher its priority. Asked before another sweep goes on. */
  candidate(rank: number): Compiled {
    const ranked = owner === this.#id && rank < this.count ? candidates[rank] : undefined;
    if (ranked === undefined) throw new RangeError(`there are ${this.count} candidates, and none is ${rank}`);
    return ranked.compiled;
  }

  /** Returns the first position from `from` to before `until` where a detector may match, or -1. `from` never decreases. */
  next(from: number, until = this.#text.length): number {
    if (owner !== this.#id) this.#knownTo = 0;
    owner = this.#id;
    for (let at = from; at < until; ) {
      let active = this.#tables.free;
      let stop = until;
      for (const window of this.#windows) {
        if (at >= window.end) window.move(this.#text, at, this.#final);
        if (at >= window.start) active |= window.needle.bit;
        stop = Math.min(stop, at >= window.start ? window.end : window.start);
      }
      at = this.#run(at, stop, active);
      if (at < stop) return at;
    }
    return -1;
  }

  /** Returns the first candidate in [at, stop), or `stop`. */
  #run(at: number, stop: number, active: number): number {
    const { free } = this.#tables;
    const allowed = this.#tables.patternsOf(active);
    while (at < stop) {
      if (at < this.#known || at >= this.#knownTo) this.#load(at);
      const end = Math.min(stop, this.#knownTo);
      // Ahead of a needle every place counts: what its detectors match has no other mark.
      if (active === free) at = marks.next(at - this.#base, end - this.#base) + this.#base;
      if (at >= end) continue;
      if (this.#isCandidate(at, active, allowed)) return at;
      at += 1;
    }
    return stop;
  }

  #isCandidate(at: number, active: number, allowed: Int32Array): boolean {
    const { left, lead, byLead, parts, bySide, deep, width } = this.#tables;
    const i = at - this.#base + PAD;
    const before = ((symbols[i - 2] ?? 0) << 7) | (symbols[i - 1] ?? 0);
    let mask = (left[before] ?? 0) & active;
    if (mask === 0) return false;
    // The last units of the text have too little behind them.
    if (at + PEEK >= this.#text.length) {
      // What follows the last unit of a text that may go on is unknown.
      const known = this.#final || at + 1 < this.#text.length;
      const first = known ? (((symbols[i] ?? 0) << 7) | (symbols[i + 1] ?? 0)) * width : -1;
      return this.#look(-1, first, before, mask, at, allowed);
    }
    const pair = ((symbols[i] ?? 0) << 7) | (symbols[i + 1] ?? 0);
    mask &= lead[pair] ?? 0;
    if (mask === 0) return false;
    const side = this.#sideOf(before, i, mask) * width;
    const two = ((2 << 7) | (symbols[i + 2] ?? 0)) * width;
    const three = ((3 << 7) | (symbols[i + 3] ?? 0)) * width;
    for (let rest = parts[pair] ?? 0; rest !== 0; rest &= rest - 1) {
      const part = 31 - Math.clz32(rest & -rest);
      const some = (bySide[side + part] ?? 0) & (allowed[part] ?? 0) & (byLead[pair * width + part] ?? 0);
      if ((some & (deep[two + part] ?? 0) & (deep[three + part] ?? 0)) !== 0)
        return this.#look(rest, pair * width, before, mask, at, allowed);
    }
    return false;
  }

  /** Returns the number of the left side of a place whose pair allows the classes in `mask`. */
  #sideOf(before: number, i: number, mask: number): number {
    const { sure, third, sides, sureSides } = this.#tables;
    const unsure = mask & ~(sure[before] ?? 0);
    const needed = unsure === 0 ? 0 : unsure & (third[symbols[i - 3] ?? 0] ?? 0);
    return (needed !== 0 ? sides[before] : sureSides[before]) ?? 0;
  }

  /** As `#sideOf`, looking as far as it takes. */
  #exactSideOf(before: number, i: number, mask: number): number {
    const { sure, third } = this.#tables;
    const needed = mask & ~(sure[before] ?? 0) & (third[symbols[i - 3] ?? 0] ?? 0);
    const behind = needed === 0 || this.#isBehind(needed, i);
    return behind ? this.#sideOf(before, i, mask) : (this.#tables.sureSides[before] ?? 0);
  }

  /** Returns whether a place stands behind what one of these classes asks for. */
  #isBehind(classes: number, i: number): boolean {
    const { byOffset, classes: byWord, untold } = this.#tables.words;
    if ((classes & untold) !== 0) return true;
    let words = -1;
    for (let offset = 0; offset < FAR && words !== 0; offset++)
      words &= byOffset[(offset << 7) | (symbols[i - 1 - offset] ?? 0)] ?? 0;
    for (; words !== 0; words &= words - 1)
      if (((byWord[31 - Math.clz32(words & -words)] ?? 0) & classes) !== 0) return true;
    return false;
  }

  /** Makes the units from `at` on and their marks known. */
  #load(at: number): void {
    const { length } = this.#text;
    this.#base = Math.max(0, at - MARGIN);
    const limit = Math.min(this.#base + CHUNK, length);
    this.#known = at;
    this.#knownTo = limit === length ? length : limit - MARGIN;
    copySymbols(this.#text, this.#base, limit);
    const count = limit - this.#base;
    if (length - at < FEW_PLACES) return marks.markAll(at - this.#base, count);
    const behind = limit < length ? 'more' : this.#final ? 'nothing' : 'unknown';
    marks.fill(this.#tables.triggers, symbols, count, { begins: this.#base === 0, behind });
  }

  /**
   * Leaves in `#candidates` the patterns of these parts, a first pair (-1: unknown) and the pair to the left that the units
   * around allow; beyond an open end they allow all.
   */
  #look(parts: number, first: number, before: number, mask: number, at: number, allowed: Int32Array): boolean {
    const { byLead, bySide, byDigits, byRun, byOpenRun, width, patterns } = this.#tables;
    const known = this.#final ? DEPTH : Math.min(DEPTH, this.#text.length - at);
    const i = at - this.#base + PAD;
    const digits = this.#digitsAt(at, i);
    const likely = this.#sideOf(before, i, mask) * width;
    /** These are known once they are asked for: they take the longest to tell. */
    let side = -1;
    let run = -1;
    this.count = 0;
    for (let part = 0; part < width; part++) {
      if (((parts >> part) & 1) === 0) continue;
      let left = (bySide[likely + part] ?? 0) & (allowed[part] ?? 0) & (first < 0 ? -1 : (byLead[first + part] ?? 0));
      if (digits >= 0) left &= byDigits[digits * width + part] ?? 0;
      if (left === 0) continue;
      if (side < 0) side = this.#exactSideOf(before, i, mask) * width;
      left &= bySide[side + part] ?? 0;
      if (left !== 0) left = this.#allowed(left, part, i, known);
      if (left === 0) continue;
      if (run < 0) run = this.#runs.at(at);
      left &= (this.#isOpen(at + run) ? byOpenRun : byRun)[run * width + part] ?? 0;
      for (; left !== 0; left &= left - 1) {
        const pattern = patterns[(part << 5) | (31 - Math.clz32(left & -left))];
        if (pattern === undefined || pattern.excludes?.(this.#text, at) === true) continue;
        for (const member of pattern.members) this.#insert(member);
      }
    }
    return this.count > 0;
  }

  /** Returns whether what goes on to `end` may go on with text to come. */
  #isOpen(end: number): boolean {
    return !this.#final && end === this.#text.length;
  }

  /** Returns the place in `byDigits` of what begins at `at`; -1 for what begins with no digit, or may go on with some. */
  #digitsAt(at: number, i: number): number {
    const symbol = symbols[i] ?? 0;
    if (symbol < ZERO || symbol > NINE) return -1;
    const count = this.#digits.at(at);
    const end = at + count;
    if (this.#isOpen(end)) return -1;
    return (count << 7) | (end < this.#text.length ? symbolOf(this.#text.charCodeAt(end)) : OTHER);
  }

  /** Returns those of the bits `left` that the units from a place on and the units before it allow. */
  #allowed(left: number, part: number, i: number, known: number): number {
    const { deep, before, width } = this.#tables;
    let some = left;
    for (let offset = 0, row = 0; offset < known && some !== 0; offset++, row += 1 << 7)
      some &= deep[(row | (symbols[i + offset] ?? 0)) * width + part] ?? 0;
    // The nearest to the left are in the side already.
    for (let offset = 2, row = 2 << 7; offset < LEFT_DEPTH && some !== 0; offset++, row += 1 << 7)
      some &= before[(row | (symbols[i - 1 - offset] ?? 0)) * width + part] ?? 0;
    return some;
  }

  /** Keeps the candidates in order: they nearly are. */
  #insert(member: Ranked): void {
    let place = this.count++;
    for (; place > 0; place--) {
      const above = candidates[place - 1];
      if (above === undefined || above.rank < member.rank) break;
      candidates[place] = above;
    }
    candidates[place] = member;
  }
}
