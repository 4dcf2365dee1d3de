/**
 * The combined scan: one pass over a text that names the few positions where some detector may match, and which.
 *
 * Detectors with one pattern go together. Those with the same left side (and needle) make up a class; each class has a bit. Two tables over pairs of units
 * hold the classes that a pair allows: as the two units to the left of a match, and as its first two. Where the two have
 * a common bit, the patterns are looked at, one bit each: which may begin with this pair, stand behind this left side, and
 * have the units that follow where they stand. What is left goes to the detectors' own expressions. All tables are derived from the syntax trees and err on the side of looking (see unit-set.ts), so the sweep
 * passes over nothing that matches.
 */

import type { Compiled } from './compiled.ts';
import { type Left, leftsOf, leftUnits } from './left.ts';
import { compileTriggers, MARGIN, Marks, PAD, type Triggers } from './marks.ts';
import { leadingPairs, type Pair, unitsByOffset } from './shape.ts';
import { type Trigger, triggersOf } from './trigger.ts';
import { ALL, OTHER, symbolOf, symbolsIn, type UnitSet } from './unit-set.ts';

/** How many units of a candidate are looked at before an expression is tried. */
const DEPTH = 20;
/** More ways to stand to the left than this are not gone through. */
const FEW = 16;
/** And how many to its left. */
const LEFT_DEPTH = 12;
const BITS = 32;
const PAIRS = 1 << 14;
const UNITS = 128;

/** A detector and its place in the order of priority. */
interface Ranked {
  readonly rank: number;
  readonly compiled: Compiled;
}

/** What the sweep knows of a pattern. */
interface Known {
  readonly index: number;
  /** The detectors that have it. */
  readonly members: readonly Ranked[];
  readonly bit: number;
  readonly left: readonly Left[];
  readonly lead: readonly Pair[];
  readonly byOffset: readonly UnitSet[];
  readonly byLeft: readonly UnitSet[];
  readonly triggers: readonly Trigger[];
}

/** What the sweep knows of a set of detectors. Patterns are bits of `width` numbers of 32 bits each. */
export interface Tables {
  readonly patterns: readonly Known[];
  readonly width: number;
  /** By (farther << 7 | nearer): the classes that may match to the right of this pair. */
  readonly left: Int32Array;
  /** By the same pair: those of them that may whatever stands ahead of the pair. */
  readonly sure: Int32Array;
  /** By a unit: the classes of which one needs it, or another of its kind, ahead of the pair. */
  readonly third: Int32Array;
  /** By the place of a class's bit: what may stand to the left where the pair alone does not say, the nearest first. */
  readonly words: readonly (readonly (readonly Uint8Array[])[] | undefined)[];
  /** By the same pair: the numbers of the sets in `left` and in `sure`. */
  readonly sides: Uint16Array;
  readonly sureSides: Uint16Array;
  /** By the number of such a set: the patterns of its classes. */
  readonly bySide: Int32Array;
  /** By (first << 7 | second): the classes of which a match may begin with this pair. */
  readonly lead: Int32Array;
  /** By the same pair: the patterns of which one may, and which of their `width` numbers are not 0. */
  readonly byLead: Int32Array;
  readonly parts: Int32Array;
  /** What marks the places worth a look, but those ahead of a needle. */
  readonly triggers: Triggers;
  /** By (offset << 7 | unit): the patterns that may have this unit at this offset. */
  readonly deep: Int32Array;
  /** The same for the units to the left, the nearest at offset 0. */
  readonly before: Int32Array;
  /** Bits of the classes without a needle. */
  readonly free: number;
  /** By the bits of some classes: their patterns. Few combinations ever come up. */
  readonly patternsOf: (classes: number) => Int32Array;
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

/** Fills a table of `width` numbers for each place with the bits of patterns. */
const fillBits = (table: Int32Array, width: number, index: number, places: Iterable<number>): void => {
  const word = index >> 5;
  const bit = 1 << (index & 31);
  for (const place of places) table[place * width + word] = (table[place * width + word] ?? 0) | bit;
};

function* placesOf(sets: readonly UnitSet[]): Generator<number> {
  for (const [offset, set] of sets.entries()) for (const symbol of symbolsIn(set)) yield (offset << 7) | symbol;
}

function* placesOfPairs(pairs: readonly Pair[]): Generator<number> {
  for (const [first, second] of pairs) {
    const seconds = symbolsIn(second);
    for (const one of symbolsIn(first)) for (const two of seconds) yield (one << 7) | two;
  }
}

/** Returns a bit for each class. The last one stands for all classes that have none of their own. */
const classBits = (classes: readonly string[]): ReadonlyMap<string, number> =>
  new Map([...new Set(classes)].map((id, at) => [id, 1 << Math.min(at, BITS - 1)]));

const learn = (compiled: readonly Compiled[]): readonly Known[] => {
  const ranked = compiled.map((one, rank): Ranked => ({ rank, compiled: one }));
  const groups = Map.groupBy(
    ranked,
    ({ compiled: { detector, needle } }) => `${detector.pattern} ${needle?.character}`,
  );
  const classed = [...groups.values()].flatMap((members) => {
    const [first] = members;
    if (first === undefined) return [];
    const { tree, needle } = first.compiled;
    const left = leftsOf(tree);
    return [{ members, tree, left, id: `${left.join(';')} ${needle?.character ?? ''}` }];
  });
  const bits = classBits(classed.map(({ id }) => id));
  const known = classed.map(({ members, tree, left, id }) => {
    const byOffset = unitsByOffset(tree, DEPTH);
    const first = symbolsIn(byOffset[0] ?? ALL);
    const bit = bits.get(id) ?? 0;
    return {
      first,
      members,
      bit,
      left,
      lead: leadingPairs(tree),
      byOffset,
      byLeft: leftUnits(tree, LEFT_DEPTH),
      triggers: triggersOf(tree, byOffset[0] ?? ALL),
    };
  });
  // Patterns that begin alike stand together, so that a pair has few numbers that are not 0.
  return known
    .toSorted((a, b) => b.first.length - a.first.length || (a.first[0] ?? 0) - (b.first[0] ?? 0))
    .map((one, index) => ({ ...one, index }));
};

const needleBits = (known: readonly Known[]): readonly NeedleBit[] =>
  [...Map.groupBy(known, ({ bit }) => bit)].flatMap(([bit, members]) => {
    const detectors = members.flatMap((known) => known.members);
    const needles = detectors.flatMap(({ compiled }) => compiled.needle ?? []);
    const [first] = needles;
    // Only a class whose members all have the needle can be passed over without one.
    if (first === undefined || needles.length < detectors.length) return [];
    if (needles.some(({ character }) => character !== first.character)) return [];
    const gap = new Uint8Array(UNITS);
    for (const needle of needles) fillSet(gap, needle.gap, 0, 1);
    return [{ bit, character: first.character, gap, max: Math.max(...needles.map(({ max }) => max)) }];
  });

const membersOf = (set: UnitSet): Uint8Array => {
  const members = new Uint8Array(UNITS);
  fillSet(members, set, 0, 1);
  return members;
};

const unique = <T>(all: readonly T[], idOf: (one: T) => string): readonly T[] => [
  ...new Map(all.map((one) => [idOf(one), one])).values(),
];

const patternsByClasses = (known: readonly Known[], width: number): ((classes: number) => Int32Array) => {
  const made = new Map<number, Int32Array>();
  return (classes) => {
    const found = made.get(classes);
    if (found !== undefined) return found;
    const bits = new Int32Array(width);
    for (const { index, bit } of known) if ((bit & classes) !== 0) fillBits(bits, width, index, [0]);
    made.set(classes, bits);
    return bits;
  };
};

/** Returns the tables for detectors in priority order. */
export const buildTables = (compiled: readonly Compiled[]): Tables => {
  const known = learn(compiled);
  const lefts = new Int32Array(PAIRS);
  const lead = new Int32Array(PAIRS);
  const sure = new Int32Array(PAIRS);
  const third = new Int32Array(UNITS);
  const words: Uint8Array[][][] = [];
  for (const { bit, left: all } of unique(known, ({ bit, left: all }) => `${bit} ${all.join(';')}`)) {
    for (const left of all) {
      const [near = ALL, far = ALL, farthest = ALL] = left;
      fillPairs(lefts, [[far, near]], bit);
      if (farthest === ALL) fillPairs(sure, [[far, near]], bit);
      else {
        fillSet(third, farthest, 0, bit);
        const place = 31 - Math.clz32(bit);
        (words[place] ??= []).push(left.map(membersOf));
      }
    }
  }
  for (const { bit, lead: pairs } of unique(known, ({ bit, lead: pairs }) => `${bit} ${pairs.join(';')}`)) {
    fillPairs(lead, pairs, bit);
  }
  const classSets = [...new Set([...lefts, ...sure])];
  const numbers = new Map(classSets.map((bits, number) => [bits, number]));
  const numbered = (bits: number): number => numbers.get(bits) ?? 0;
  const width = Math.ceil(known.length / BITS);
  const bySide = new Int32Array(classSets.length * width);
  const byLead = new Int32Array(PAIRS * width);
  const deep = new Int32Array(DEPTH * UNITS * width);
  const before = new Int32Array(LEFT_DEPTH * UNITS * width);
  for (const { index, bit, lead: pairs, byOffset, byLeft } of known) {
    const sides = classSets.flatMap((bits, number) => ((bits & bit) === 0 ? [] : [number]));
    fillBits(bySide, width, index, sides);
    fillBits(byLead, width, index, placesOfPairs(pairs));
    fillBits(deep, width, index, placesOf(byOffset));
    fillBits(before, width, index, placesOf(byLeft));
  }
  const needles = needleBits(known);
  const all = known.reduce((bits, { bit }) => bits | bit, 0);
  const free = needles.reduce((bits, { bit }) => bits & ~bit, all);
  return {
    patterns: known,
    width,
    left: lefts,
    sure,
    third,
    words,
    sides: Uint16Array.from(lefts, numbered),
    sureSides: Uint16Array.from(sure, numbered),
    bySide,
    lead,
    byLead,
    parts: Int32Array.from(lead, (_, pair) => {
      let parts = 0;
      for (let part = 0; part < width; part++) if (byLead[pair * width + part] !== 0) parts |= 1 << part;
      return parts;
    }),
    deep,
    before,
    patternsOf: patternsByClasses(known, width),
    triggers: compileTriggers(known.flatMap((one) => ((one.bit & free) === 0 ? [] : one.triggers))),
    free,
    needles,
  };
};

/** The stretch ahead of the next needle, in which its detectors are worth trying. */
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
/** How many units behind a position the loop reads. */
const PEEK = 3;
/** Below this many units a loop beats the call into the runtime. */
const SHORT = 192;
const bytes = Buffer.alloc(CHUNK * 2);
/**
 * The units under the sweep, copied out of the string: reading a typed array is twice as fast as `charCodeAt`
 * (`npm run bench -- masking`). Shared by all sweeps of a thread: `owner` is the number of the one whose text it holds.
 */
const units = new Uint16Array(bytes.buffer, bytes.byteOffset, CHUNK);
const marks = new Marks(CHUNK);
let owner = 0;
let sweeps = 0;
/** What stands for each of `units`, with PAD more ahead of them and behind. */
const symbols = new Uint8Array(CHUNK + 2 * PAD).fill(OTHER);

// `write` puts the low byte first; a machine that reads the high byte first must not use it.
const lowByteFirst = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

const copyUnits = (text: string, from: number, to: number): void => {
  if (lowByteFirst && to - from > SHORT) bytes.write(text.slice(from, to), 'utf16le');
  else for (let at = from; at < to; at++) units[at - from] = text.charCodeAt(at);
  const count = to - from;
  for (let at = 0; at < count; at++) symbols[PAD + at] = symbolOf(units[at] ?? 0);
  symbols.fill(OTHER, PAD + count, 2 * PAD + count);
};

/** One pass over one text, left to right. */
export class Sweep {
  /** How many detectors may match at the position that `next` returned last. */
  count = 0;
  readonly #candidates: Ranked[] = [];
  readonly #id = ++sweeps;
  readonly #tables: Tables;
  readonly #text: string;
  readonly #final: boolean;
  readonly #windows: readonly Window[];
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
    this.#windows = tables.needles.map((needle) => new Window(needle));
  }

  /** Returns the candidate of this rank, less than `count`: the lower, the higher its priority. */
  candidate(rank: number): Compiled {
    const ranked = this.#candidates[rank];
    if (ranked === undefined) throw new RangeError(`there are ${this.count} candidates, and none is ${rank}`);
    return ranked.compiled;
  }

  /** Returns the first position from `from` on where a detector may match, or -1. `from` never decreases. */
  next(from: number): number {
    if (owner !== this.#id) this.#knownTo = 0;
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
    const before = this.#pairBefore(at);
    let mask = (left[before] ?? 0) & active;
    if (mask === 0) return false;
    // The last units of the text have too little behind them.
    if (at + PEEK >= this.#text.length) {
      // What follows the last unit of a text that may go on is unknown.
      const known = this.#final || at + 1 < this.#text.length;
      const first = known ? ((this.#symbolAt(at) << 7) | this.#symbolAt(at + 1)) * width : -1;
      return this.#look(-1, first, before, mask, at, allowed);
    }
    const i = at - this.#base + PAD;
    const pair = ((symbols[i] ?? 0) << 7) | (symbols[i + 1] ?? 0);
    mask &= lead[pair] ?? 0;
    if (mask === 0) return false;
    const side = this.#sideOf(before, at, mask) * width;
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

  /** Returns the number of the left side of a position whose pair allows the classes in `mask`. */
  #sideOf(before: number, at: number, mask: number): number {
    const { sure, third, sides, sureSides } = this.#tables;
    const unsure = mask & ~(sure[before] ?? 0);
    const needed = unsure === 0 ? 0 : unsure & (third[this.#symbolAt(at - 3)] ?? 0);
    return (needed !== 0 ? sides[before] : sureSides[before]) ?? 0;
  }

  /** As `#sideOf`, looking as far as it takes. Apart, because the loop takes in only what is small. */
  #exactSideOf(before: number, at: number, mask: number): number {
    const { sure, third } = this.#tables;
    const needed = mask & ~(sure[before] ?? 0) & (third[this.#symbolAt(at - 3)] ?? 0);
    const behind = needed === 0 || this.#isBehind(needed, at);
    return behind ? this.#sideOf(before, at, mask) : (this.#tables.sureSides[before] ?? 0);
  }

  /** Returns whether `at` stands behind what one of these classes asks for. */
  #isBehind(classes: number, at: number): boolean {
    for (let left = classes; left !== 0; left &= left - 1) {
      const words = this.#tables.words[31 - Math.clz32(left & -left)] ?? [];
      // So many words ahead are the expression's to tell apart.
      if (words.length > FEW) return true;
      for (const word of words) {
        let offset = 0;
        while (offset < word.length && word[offset]?.[this.#symbolAt(at - 1 - offset)] === 1) offset++;
        if (offset === word.length) return true;
      }
    }
    return false;
  }

  /** Makes the units from `at` on and their marks known. */
  #load(at: number): void {
    const { length } = this.#text;
    this.#base = Math.max(0, at - MARGIN);
    const limit = Math.min(this.#base + CHUNK, length);
    this.#known = at;
    this.#knownTo = limit === length ? length : limit - MARGIN;
    copyUnits(this.#text, this.#base, limit);
    const behind = limit < length ? 'more' : this.#final ? 'nothing' : 'unknown';
    marks.fill(this.#tables.triggers, symbols, limit - this.#base, { begins: this.#base === 0, behind });
  }

  #pairBefore(at: number): number {
    return (this.#symbolAt(at - 2) << 7) | this.#symbolAt(at - 1);
  }

  #symbolAt(at: number): number {
    return symbols[at - this.#base + PAD] ?? 0;
  }

  /**
   * Leaves in `#candidates` the patterns of these parts, a first pair (-1: unknown) and the pair to the left that the units
   * around allow; beyond an open end they allow all.
   */
  #look(parts: number, first: number, pair: number, mask: number, at: number, allowed: Int32Array): boolean {
    const { byLead, bySide, width, patterns } = this.#tables;
    const known = this.#final ? DEPTH : Math.min(DEPTH, this.#text.length - at);
    const side = this.#exactSideOf(pair, at, mask) * width;
    this.count = 0;
    for (let part = 0; part < width; part++) {
      if (((parts >> part) & 1) === 0) continue;
      let left = (bySide[side + part] ?? 0) & (allowed[part] ?? 0) & (first < 0 ? -1 : (byLead[first + part] ?? 0));
      if (left !== 0) left = this.#allowed(left, part, at, known);
      for (; left !== 0; left &= left - 1) {
        const pattern = patterns[(part << 5) | (31 - Math.clz32(left & -left))];
        if (pattern !== undefined) for (const member of pattern.members) this.#insert(member);
      }
    }
    return this.count > 0;
  }

  /** Returns those of the bits `left` that the units from `at` on and the units before it allow. */
  #allowed(left: number, part: number, at: number, known: number): number {
    const { deep, before, width } = this.#tables;
    for (let offset = 0; offset < known && left !== 0; offset++) {
      left &= deep[((offset << 7) | this.#symbolAt(at + offset)) * width + part] ?? 0;
    }
    // The nearest are in the side already.
    for (let offset = 2; offset < LEFT_DEPTH && left !== 0; offset++) {
      left &= before[((offset << 7) | this.#symbolAt(at - 1 - offset)) * width + part] ?? 0;
    }
    return left;
  }

  /** Keeps the candidates in order: they nearly are. */
  #insert(member: Ranked): void {
    let place = this.count++;
    for (; place > 0; place--) {
      const above = this.#candidates[place - 1];
      if (above === undefined || above.rank < member.rank) break;
      this.#candidates[place] = above;
    }
    this.#candidates[place] = member;
  }
}
