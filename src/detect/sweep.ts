/**
 * The combined scan: one pass over a text that names the few positions where some detector may match, and which.
 *
 * Each detector has a bit, in priority order. Two tables over pairs of units hold the detectors that a pair allows: as
 * the two units to the left of a match, and as its first two. A position where the two have a common bit is looked at
 * more closely, unit by unit, and what is left goes to the detectors' own expressions. All tables are derived from the
 * syntax trees and err on the side of looking (see unit-set.ts), so the sweep passes over nothing that matches.
 */

import type { Compiled } from './compiled.ts';
import { leftPairs } from './left.ts';
import { leadingPairs, type Pair, unitsByOffset } from './shape.ts';
import { OTHER, symbolOf, symbolsIn, type UnitSet } from './unit-set.ts';

/** How many units of a candidate are looked at before an expression is tried. */
const DEPTH = 16;
const BITS = 32;
const PAIRS = 1 << 14;
/** The offset that tells the most at the least cost: most patterns have left their letters by then. */
const PEEK = 3;

/** What the sweep knows of a set of detectors. */
export interface Tables {
  /** Detectors by bit; those that share a bit are neighbours in priority. */
  readonly buckets: readonly (readonly Compiled[])[];
  /** By (farther << 7 | nearer): who may match to the right of this pair. */
  readonly left: Int32Array;
  /** By (first << 7 | second): whose match may begin with this pair. */
  readonly lead: Int32Array;
  /** By (offset << 7 | unit): whose match may have this unit at this offset. */
  readonly deep: Int32Array;
  /** Bits of the detectors without a needle. */
  readonly free: number;
  readonly needles: readonly NeedleBit[];
}

/** A needle, and whose it is. */
interface NeedleBit {
  readonly bit: number;
  readonly character: string;
  readonly gap: Uint8Array;
  readonly max: number;
}

const fillPairs = (table: Int32Array, pairs: readonly Pair[], bit: number): void => {
  for (const [first, second] of pairs) {
    const seconds = symbolsIn(second);
    for (const one of symbolsIn(first)) {
      for (const two of seconds) table[(one << 7) | two] = (table[(one << 7) | two] ?? 0) | bit;
    }
  }
};

const fillSet = (table: Int32Array | Uint8Array, set: UnitSet, offset: number, bit: number): void => {
  for (const symbol of symbolsIn(set)) table[offset + symbol] = (table[offset + symbol] ?? 0) | bit;
};

/** The last bit stands for all that have no bit of their own. */
const intoBuckets = (compiled: readonly Compiled[]): readonly (readonly Compiled[])[] => {
  const alone = compiled.slice(0, compiled.length > BITS ? BITS - 1 : BITS);
  const rest = compiled.slice(alone.length);
  return [...alone.map((one) => [one]), ...(rest.length > 0 ? [rest] : [])];
};

/** Returns the tables for detectors in priority order. */
export const buildTables = (compiled: readonly Compiled[]): Tables => {
  const buckets = intoBuckets(compiled);
  const left = new Int32Array(PAIRS);
  const lead = new Int32Array(PAIRS);
  const deep = new Int32Array(DEPTH << 7);
  const needles: NeedleBit[] = [];
  let free = 0;
  buckets.forEach((bucket, at) => {
    const bit = 1 << at;
    for (const { tree, needle } of bucket) {
      fillPairs(left, leftPairs(tree), bit);
      fillPairs(lead, leadingPairs(tree), bit);
      unitsByOffset(tree, DEPTH).forEach((set, offset) => fillSet(deep, set, offset << 7, bit));
      if (needle === null || bucket.length > 1) {
        free |= bit;
      } else {
        const gap = new Uint8Array(128);
        fillSet(gap, needle.gap, 0, 1);
        needles.push({ bit, character: needle.character, gap, max: needle.max });
      }
    }
  });
  return { buckets, left, lead, deep, free, needles };
};

/** The stretch ahead of the next needle, in which its detector is worth trying. */
class Window {
  readonly needle: NeedleBit;
  start = 0;
  end = 0;

  constructor(needle: NeedleBit) {
    this.needle = needle;
  }

  /** Moves to the first needle behind `at`; at the end of a text that may go on, more text may begin with one. */
  move(text: string, at: number, final: boolean): void {
    const { character, gap, max } = this.needle;
    const found = text.indexOf(character, at + 1);
    this.end = found >= 0 ? found : text.length;
    this.start = this.end;
    if (found < 0 && final) return;
    const least = Math.max(at, this.end - max);
    while (this.start > least && gap[symbolOf(text.charCodeAt(this.start - 1))] === 1) this.start -= 1;
  }
}

const CHUNK = 4096;
/** Below this many units a loop beats the call into the runtime. */
const SHORT = 192;
const bytes = Buffer.alloc(CHUNK * 2);
/**
 * The units under the sweep, copied out of the string: reading a typed array is twice as fast as `charCodeAt`
 * (`npm run bench -- masking`). Shared by all sweeps of a thread: `owner` is the number of the one whose text it holds.
 */
const units = new Uint16Array(bytes.buffer, bytes.byteOffset, CHUNK);
let owner = 0;
let sweeps = 0;

// `write` puts the low byte first; a machine that reads the high byte first must not use it.
const lowByteFirst = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

const copyUnits = (text: string, from: number, to: number): void => {
  if (lowByteFirst && to - from > SHORT) {
    bytes.write(text.slice(from, to), 'utf16le');
    return;
  }
  for (let at = from; at < to; at++) units[at - from] = text.charCodeAt(at);
};

/** One pass over one text, left to right. */
export class Sweep {
  /** Who may match at the position that `next` returned last: bits of `Tables.buckets`. */
  candidates = 0;
  readonly #id = ++sweeps;
  readonly #tables: Tables;
  readonly #text: string;
  readonly #final: boolean;
  readonly #windows: readonly Window[];
  /** `units` holds the text from `#base` to before `#limit`. */
  #base = 0;
  #limit = 0;

  /** `final`: nothing follows `text`. */
  constructor(tables: Tables, text: string, final: boolean) {
    this.#tables = tables;
    this.#text = text;
    this.#final = final;
    this.#windows = tables.needles.map((needle) => new Window(needle));
  }

  /** Returns the first position from `from` on where a detector may match, or -1. `from` never decreases. */
  next(from: number): number {
    if (owner !== this.#id) this.#limit = 0;
    owner = this.#id;
    for (let at = from; at < this.#text.length; ) {
      let active = this.#tables.free;
      let stop = this.#text.length;
      for (const window of this.#windows) {
        if (at >= window.end) window.move(this.#text, at, this.#final);
        if (at >= window.start) active |= window.needle.bit;
        stop = Math.min(stop, at >= window.start ? window.end : window.start);
      }
      at = this.#run(at, stop, active);
      if (this.candidates !== 0) return at;
    }
    return -1;
  }

  /** Returns the first candidate in [at, stop), or `stop`. */
  #run(at: number, stop: number, active: number): number {
    const { left, lead, deep } = this.#tables;
    this.candidates = 0;
    while (at < stop) {
      if (at < this.#base || at + PEEK >= this.#limit) this.#load(at);
      const base = this.#base;
      const end = Math.min(stop, this.#limit - PEEK) - base;
      let before = this.#pairBefore(at);
      let next = symbolOf(units[at - base] ?? 0);
      for (let i = at - base; i < end; i++) {
        const symbol = next;
        next = symbolOf(units[i + 1] ?? 0);
        const mask = (left[before] ?? 0) & (lead[(symbol << 7) | next] ?? 0) & active;
        if (mask !== 0 && (mask & (deep[(PEEK << 7) | symbolOf(units[i + PEEK] ?? 0)] ?? 0)) !== 0) {
          if (this.#look(base + i, mask)) return base + i;
        }
        before = ((before << 7) | symbol) & (PAIRS - 1);
      }
      at = Math.max(at, base + end);
      // The last units of the text have too little behind them for the loop.
      for (; at < stop && at + PEEK >= this.#text.length; at++) {
        if (this.#look(at, (left[this.#pairBefore(at)] ?? 0) & active)) return at;
      }
    }
    return stop;
  }

  #load(at: number): void {
    this.#base = at;
    this.#limit = Math.min(at + CHUNK, this.#text.length);
    copyUnits(this.#text, at, this.#limit);
  }

  #pairBefore(at: number): number {
    return (this.#symbolAt(at - 2) << 7) | this.#symbolAt(at - 1);
  }

  #symbolAt(at: number): number {
    return at < 0 || at >= this.#text.length ? OTHER : symbolOf(this.#text.charCodeAt(at));
  }

  /** Leaves in `candidates` those of `mask` that the next units allow; beyond an open end they allow all. */
  #look(at: number, mask: number): boolean {
    const { deep } = this.#tables;
    const known = this.#final ? DEPTH : Math.min(DEPTH, this.#text.length - at);
    let left = mask;
    for (let offset = 0; offset < known && left !== 0; offset++) {
      left &= deep[(offset << 7) | this.#symbolAt(at + offset)] ?? 0;
    }
    this.candidates = left;
    return left !== 0;
  }
}
