/**
 * The combined scan: one pass over a text that names the few positions where some detector may match, and which.
 *
 * Detectors with one pattern go together. Those with the same left side (and needle) make up a class; each class has a bit. Two tables over pairs of units
 * hold the classes that a pair allows: as the two units to the left of a match, and as its first two. Where the two have
 * a common bit, the row of the left side and the first pair is looked at: the detectors that may stand here and begin so,
 * one bit each, and for each of the next units which of them it allows. What is left goes to the detectors' own
 * expressions. All tables are derived from the syntax trees and err on the side of looking (see unit-set.ts), so the sweep
 * passes over nothing that matches.
 */

import type { Compiled } from './compiled.ts';
import { type Left, leftsOf, leftUnits } from './left.ts';
import { leadingPairs, type Pair, unitsByOffset } from './shape.ts';
import { ALL, OTHER, range, symbolOf, symbolsIn, type UnitSet } from './unit-set.ts';

/** How many units of a candidate are looked at before an expression is tried. */
const DEPTH = 20;
/** And how many to its left. */
const LEFT_DEPTH = 12;
const BITS = 32;
const PAIRS = 1 << 14;
const UNITS = 128;

/** The patterns that may stand behind one left side and begin with one pair of units. */
interface Row {
  readonly patterns: readonly Known[];
  /** For each 32 of them, by (offset << 7 | unit): which may have this unit at this offset. */
  readonly deep: readonly Int32Array[];
  /** The same for the units to the left, the nearest at offset 0. */
  readonly before: readonly Int32Array[];
}

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
}

/** What the sweep knows of a set of detectors. */
export interface Tables {
  /** By (farther << 7 | nearer): the classes that may match to the right of this pair. */
  readonly left: Int32Array;
  /** By the same pair: those of them that may whatever stands ahead of the pair. */
  readonly sure: Int32Array;
  /** By a unit: the classes of which one needs it, or another of its kind, ahead of the pair. */
  readonly third: Int32Array;
  /** By the same pair: the numbers of the sets in `left` and in `sure`. */
  readonly sides: Uint16Array;
  readonly sureSides: Uint16Array;
  /** By (first << 7 | second): the classes of which a match may begin with this pair. */
  readonly lead: Int32Array;
  readonly rows: Rows;
  /** Bits of the classes without a needle. */
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

const holds = (set: UnitSet, symbol: number): boolean => set === ALL || ((set >> BigInt(symbol)) & 1n) === 1n;

const NO_ROW: Row = { patterns: [], deep: [], before: [] };

/** The rows of one left side, made when one is first asked for: few of them ever are. */
class Side {
  readonly #known: readonly Known[];
  readonly #rows: Row[] = [];
  /** By (first << 7 | second), then by first alone: the row's place in `#rows`, plus one. */
  readonly #places = new Uint16Array(PAIRS + UNITS);
  /** Many pairs have the same detectors. */
  readonly #made: Map<string, Row>;

  constructor(known: readonly Known[], made: Map<string, Row>) {
    this.#known = known;
    this.#made = made;
  }

  /** Returns the row of the pair (first << 7 | second). */
  at(pair: number): Row {
    return this.#rows[(this.#places[pair] ?? 0) - 1] ?? this.#make(pair, pair >> 7, pair & (UNITS - 1));
  }

  /** Returns the row of what may begin with this unit, whatever follows. */
  from(first: number): Row {
    return this.#rows[(this.#places[PAIRS + first] ?? 0) - 1] ?? this.#make(PAIRS + first, first, null);
  }

  #make(place: number, one: number, two: number | null): Row {
    const chosen = this.#known.filter(({ lead }) =>
      lead.some(([first, second]) => holds(first, one) && (two === null || holds(second, two))),
    );
    const id = chosen.map(({ index }) => index).join();
    const row = this.#made.get(id) ?? rowOf(chosen);
    this.#made.set(id, row);
    this.#places[place] = this.#rows.push(row);
    return row;
  }
}

/** The rows by what stands to the left. */
class Rows {
  readonly #known: readonly Known[];
  readonly #sides = new Map<number, Side>();
  readonly #made = new Map<string, Row>();
  readonly #classes: readonly number[];
  readonly #byActive = new Map<number, readonly Side[]>();

  /** `classes`: the class bits of each left side, by its number. */
  constructor(known: readonly Known[], classes: readonly number[]) {
    this.#known = known;
    this.#classes = classes;
  }

  /** Returns the rows of each left side, by its number, as far as the classes in `active` go. */
  of(active: number): readonly Side[] {
    const known = this.#byActive.get(active);
    if (known !== undefined) return known;
    const sides = this.#classes.map((classes) => this.#side(classes & active));
    this.#byActive.set(active, sides);
    return sides;
  }

  #side(classes: number): Side {
    const known = this.#sides.get(classes);
    if (known !== undefined) return known;
    const chosen = this.#known.filter(({ bit }) => (bit & classes) !== 0);
    const side = new Side(chosen, this.#made);
    this.#sides.set(classes, side);
    return side;
  }
}

const bitTables = (known: readonly Known[], depth: number, setsOf: (one: Known) => readonly UnitSet[]) => {
  const tables = Array.from({ length: Math.ceil(known.length / BITS) }, () => new Int32Array(depth * UNITS));
  known.forEach((one, at) => {
    const table = tables[at >> 5];
    if (table !== undefined) setsOf(one).forEach((set, offset) => fillSet(table, set, offset << 7, 1 << (at & 31)));
  });
  return tables;
};

const rowOf = (known: readonly Known[]): Row => ({
  patterns: known,
  deep: bitTables(known, DEPTH, ({ byOffset }) => byOffset),
  before: bitTables(known, LEFT_DEPTH, ({ byLeft }) => byLeft),
});

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
  return classed.map(({ members, tree, left, id }, index) => ({
    index,
    members,
    bit: bits.get(id) ?? 0,
    left,
    lead: leadingPairs(tree),
    byOffset: unitsByOffset(tree, DEPTH),
    byLeft: leftUnits(tree, LEFT_DEPTH),
  }));
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

const unique = <T>(all: readonly T[], idOf: (one: T) => string): readonly T[] => [
  ...new Map(all.map((one) => [idOf(one), one])).values(),
];

/** Returns the tables for detectors in priority order. */
export const buildTables = (compiled: readonly Compiled[]): Tables => {
  const known = learn(compiled);
  const left = new Int32Array(PAIRS);
  const lead = new Int32Array(PAIRS);
  const sure = new Int32Array(PAIRS);
  const third = new Int32Array(UNITS);
  for (const { bit, left: lefts } of unique(known, ({ bit, left: lefts }) => `${bit} ${lefts.join(';')}`)) {
    for (const [near, far, farthest] of lefts) {
      fillPairs(left, [[far, near]], bit);
      if (farthest === ALL) fillPairs(sure, [[far, near]], bit);
      else fillSet(third, farthest, 0, bit);
    }
  }
  for (const { bit, lead: pairs } of unique(known, ({ bit, lead: pairs }) => `${bit} ${pairs.join(';')}`)) {
    fillPairs(lead, pairs, bit);
  }
  const classSets = [...new Set([...left, ...sure])];
  const numbers = new Map(classSets.map((bits, number) => [bits, number]));
  const numbered = (bits: number): number => numbers.get(bits) ?? 0;
  const sides = Uint16Array.from(left, numbered);
  const sureSides = Uint16Array.from(sure, numbered);
  const needles = needleBits(known);
  const all = known.reduce((bits, { bit }) => bits | bit, 0);
  const free = needles.reduce((bits, { bit }) => bits & ~bit, all);
  return { left, sure, third, sides, sureSides, lead, rows: new Rows(known, classSets), free, needles };
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

/** The units of words: letters and digits. */
const IN_WORD = new Uint8Array(UNITS);
fillSet(IN_WORD, range(0x30, 0x39) | range(0x41, 0x5a) | range(0x61, 0x7a), 0, 1);

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
  /** How many detectors may match at the position that `next` returned last. */
  count = 0;
  readonly #candidates: Ranked[] = [];
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

  /** Returns the candidate of this rank, less than `count`: the lower, the higher its priority. */
  candidate(rank: number): Compiled {
    const ranked = this.#candidates[rank];
    if (ranked === undefined) throw new RangeError(`there are ${this.count} candidates, and none is ${rank}`);
    return ranked.compiled;
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
      if (at < stop) return at;
    }
    return -1;
  }

  /** Returns the first candidate in [at, stop), or `stop`. */
  #run(at: number, stop: number, active: number): number {
    const { left, lead } = this.#tables;
    const rows = this.#tables.rows.of(active);
    while (at < stop) {
      if (at < this.#base || at + PEEK >= this.#limit) this.#load(at);
      const base = this.#base;
      const end = Math.min(stop, this.#limit - PEEK) - base;
      let before = this.#pairBefore(at);
      let next = symbolOf(units[at - base] ?? 0);
      for (let i = at - base; i < end; i++) {
        const symbol = next;
        next = symbolOf(units[i + 1] ?? 0);
        const pair = (symbol << 7) | next;
        const mask = (left[before] ?? 0) & (lead[pair] ?? 0) & active;
        if (mask !== 0) {
          const side = rows[this.#sideOf(before, base + i, mask)];
          const row = side?.at(pair) ?? NO_ROW;
          // The end of the word tells the most at the least cost.
          let word = 2;
          const most = Math.min(DEPTH, this.#limit - base - i);
          while (word < most && IN_WORD[symbolOf(units[i + word] ?? 0)] === 1) word++;
          const far = word < most ? (word << 7) | symbolOf(units[i + word] ?? 0) : -1;
          const two = (2 << 7) | symbolOf(units[i + 2] ?? 0);
          const three = (3 << 7) | symbolOf(units[i + 3] ?? 0);
          for (const deep of row.deep) {
            const left = (deep[two] ?? 0) & (deep[three] ?? 0);
            if (left === 0 || (far >= 0 && (left & (deep[far] ?? 0)) === 0)) continue;
            if (this.#look(row, base + i)) return base + i;
            break;
          }
        }
        before = ((before << 7) | symbol) & (PAIRS - 1);
      }
      at = Math.max(at, base + end);
      // The last units of the text have too little behind them for the loop.
      for (; at < stop && at + PEEK >= this.#text.length; at++) {
        const before = this.#pairBefore(at);
        const mask = (left[before] ?? 0) & active;
        const side = mask === 0 ? undefined : rows[this.#sideOf(before, at, mask)];
        if (side !== undefined && this.#look(this.#lastRow(side, at), at)) return at;
      }
    }
    return stop;
  }

  /** Returns the number of the left side of a position whose pair allows the classes in `mask`. */
  #sideOf(before: number, at: number, mask: number): number {
    const { sure, third, sides, sureSides } = this.#tables;
    const unsure = mask & ~(sure[before] ?? 0);
    const needed = unsure !== 0 && (unsure & (third[this.#symbolAt(at - 3)] ?? 0)) !== 0;
    return (needed ? sides[before] : sureSides[before]) ?? 0;
  }

  /** The row of a position near the end: what follows the last unit is unknown, or nothing. */
  #lastRow(side: Side, at: number): Row {
    const symbol = this.#symbolAt(at);
    const known = this.#final || at + 1 < this.#text.length;
    return known ? side.at((symbol << 7) | this.#symbolAt(at + 1)) : side.from(symbol);
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

  /** Leaves in `#candidates` those of a row that the units around allow; beyond an open end they allow all. */
  #look(row: Row, at: number): boolean {
    const known = this.#final ? DEPTH : Math.min(DEPTH, this.#text.length - at);
    this.count = 0;
    for (let word = 0; word < row.deep.length; word++) {
      let left = this.#allowed(row.deep[word], at + 2, 1, 2, known);
      if (left !== 0) left &= this.#allowed(row.before[word], at - 1, -1, 0, LEFT_DEPTH);
      for (; left !== 0; left &= left - 1) {
        const known = row.patterns[(word << 5) | (31 - Math.clz32(left & -left))];
        if (known !== undefined) for (const member of known.members) this.#insert(member);
      }
    }
    return this.count > 0;
  }

  /** Returns the bits that `table` has at every offset from `offset` to before `end`; `at` moves by `step`. */
  #allowed(table: Int32Array | undefined, at: number, step: number, offset: number, end: number): number {
    let left = table === undefined ? 0 : -1;
    for (; offset < end && left !== 0; offset++, at += step) left &= table?.[(offset << 7) | this.#symbolAt(at)] ?? 0;
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
