/**
 * What the sweep looks up: which detectors may match at a place, from the units around it.
 *
 * Detectors with one pattern go together. Those with the same left side (and needle) make up a class; each class has a
 * bit. Two tables over pairs of units hold the classes that a pair allows: as the two units to the left of a match, and as
 * its first two. Where the two have a common bit, the patterns are looked at, one bit each: which may begin with this
 * pair, stand behind this left side, and have the units that follow where they stand. All is derived from the syntax trees
 * and errs on the side of looking (unit-set.ts).
 */

import type { Compiled } from './compiled.ts';
import { FAR, type Left } from './left.ts';
import { compileTriggers, type Triggers } from './marks.ts';
import type { NeedleBit } from './needle.ts';
import { DEPTH, LEFT_DEPTH, type Outline, outlineOf } from './outline.ts';
import { listLengths, LONGEST, MOST_DIGITS } from './run-length.ts';
import type { Pair } from './shape.ts';
import { ALL, NONE, symbolsIn, type UnitSet } from './unit-set.ts';

const BITS = 32;
/** More words to the left of a class than this are its expressions' to tell apart. */
const FEW = 16;
const PAIRS = 1 << 14;
const UNITS = 128;

/** A detector and its place in the order of priority. */
export interface Ranked {
  readonly rank: number;
  readonly compiled: Compiled;
}

/** What the sweep knows of a pattern. */
interface Known {
  readonly index: number;
  /** The detectors that have it. */
  readonly members: readonly Ranked[];
  readonly bit: number;
  readonly outline: Outline;
  /** As the detectors'. */
  readonly excludes: Compiled['excludes'];
}

/** Words of up to FAR units that stand to the left of matches; each has a bit. */
interface Words {
  /** By (offset << 7 | unit), the nearest at offset 0: the words that may have this unit there. */
  readonly byOffset: Int32Array;
  /** By the place of a word's bit: the classes that may stand behind it. */
  readonly classes: Int32Array;
  /** The classes with too many words to be told here. */
  readonly untold: number;
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
  /** What may stand to the left where the pair alone does not say. */
  readonly words: Words;
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
  /** By the length of a run of units of tokens: the patterns that may begin with it. */
  readonly byRun: Int32Array;
  /** The same for a run that may go on. */
  readonly byOpenRun: Int32Array;
  /** By (how many digits stand at a place << 7 | the unit behind them): the patterns that may begin so. */
  readonly byDigits: Int32Array;
  /** Bits of the classes without a needle. */
  readonly free: number;
  /** By the bits of some classes: their patterns. Few combinations ever come up. */
  readonly patternsOf: (classes: number) => Int32Array;
  readonly needles: readonly NeedleBit[];
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

/** Returns what sets the bit of a pattern at a place of a table that has `width` numbers for each. */
const marker = (width: number, index: number): ((table: Int32Array, place: number) => void) => {
  const word = index >> 5;
  const bit = 1 << (index & 31);
  return (table, place) => {
    table[place * width + word] = (table[place * width + word] ?? 0) | bit;
  };
};

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
    const outline = outlineOf(tree);
    return [{ members, outline, id: `${outline.leftId} ${needle?.character ?? ''}` }];
  });
  const bits = classBits(classed.map(({ id }) => id));
  // Patterns that begin alike stand together, so that a pair has few numbers that are not 0.
  return classed
    .map(({ members, outline, id }) => {
      const first = symbolsIn(outline.byOffset[0] ?? ALL);
      return { members, outline, first, bit: bits.get(id) ?? 0 };
    })
    .toSorted((a, b) => b.first.length - a.first.length || (a.first[0] ?? 0) - (b.first[0] ?? 0))
    .map(({ members, outline, bit }, index) => {
      const excludes = members[0]?.compiled.excludes ?? null;
      return { members, outline, bit, index, excludes };
    });
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

/** Returns the words to the left of each class, by the classes' bits. */
const wordsOf = (lefts: ReadonlyMap<number, readonly Left[]>): Words => {
  const byOffset = new Int32Array(FAR * UNITS);
  const classes = new Int32Array(BITS);
  const told = [...lefts].filter(([, words]) => words.length <= FEW);
  const words = [...new Map(told.flatMap(([, words]) => words).map((word) => [word.join(), word]))];
  words.forEach(([id, word], number) => {
    // The last bit stands for all words that have none of their own.
    const place = Math.min(number, BITS - 1);
    word.forEach((set, offset) => fillSet(byOffset, set, offset << 7, 1 << place));
    for (const [bit, own] of told)
      if (own.some((one) => one.join() === id)) classes[place] = (classes[place] ?? 0) | bit;
  });
  const untold = [...lefts].reduce((bits, [bit, words]) => (words.length > FEW ? bits | bit : bits), 0);
  return { byOffset, classes, untold };
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
    for (const { index, bit } of known) if ((bit & classes) !== 0) marker(width, index)(bits, 0);
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
  const words = new Map<number, Left[]>();
  for (const { bit, outline } of unique(known, ({ bit, outline: { leftId } }) => `${bit} ${leftId}`)) {
    for (const left of outline.left) {
      const [near = ALL, far = ALL, farthest = ALL] = left;
      fillPairs(lefts, [[far, near]], bit);
      if (farthest === ALL) fillPairs(sure, [[far, near]], bit);
      else {
        fillSet(third, farthest, 0, bit);
        words.set(bit, [...(words.get(bit) ?? []), left]);
      }
    }
  }
  for (const { bit, outline } of unique(known, ({ bit, outline: { leadId } }) => `${bit} ${leadId}`)) {
    fillPairs(lead, outline.lead, bit);
  }
  const classSets = [...new Set([...lefts, ...sure])];
  const numbers = new Map(classSets.map((bits, number) => [bits, number]));
  const numbered = (bits: number): number => numbers.get(bits) ?? 0;
  const width = Math.ceil(known.length / BITS);
  const bySide = new Int32Array(classSets.length * width);
  const byLead = new Int32Array(PAIRS * width);
  const deep = new Int32Array(DEPTH * UNITS * width);
  const before = new Int32Array(LEFT_DEPTH * UNITS * width);
  const byRun = new Int32Array((LONGEST + 1) * width);
  const byOpenRun = new Int32Array((LONGEST + 1) * width);
  const byDigits = new Int32Array((MOST_DIGITS + 1) * UNITS * width);
  for (const { index, bit, outline } of known) {
    const mark = marker(width, index);
    outline.digits.forEach((next, count) => {
      // So many digits may be more: what is behind them is not known. What begins with none is never looked up.
      const behind = count === MOST_DIGITS && next !== NONE ? ALL : next;
      if (count > 0) for (const symbol of symbolsIn(behind)) mark(byDigits, (count << 7) | symbol);
    });
    const lengths = listLengths(outline.runs);
    for (const length of lengths) mark(byRun, length);
    for (let length = 0; length <= (lengths.at(-1) ?? -1); length++) mark(byOpenRun, length);
    classSets.forEach((bits, number) => {
      if ((bits & bit) !== 0) mark(bySide, number);
    });
    for (const [first, second] of outline.lead) {
      const seconds = symbolsIn(second);
      for (const one of symbolsIn(first)) for (const two of seconds) mark(byLead, (one << 7) | two);
    }
    outline.byOffset.forEach((set, offset) => {
      for (const symbol of symbolsIn(set)) mark(deep, (offset << 7) | symbol);
    });
    outline.byLeft.forEach((set, offset) => {
      for (const symbol of symbolsIn(set)) mark(before, (offset << 7) | symbol);
    });
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
    words: wordsOf(words),
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
    byRun,
    byOpenRun,
    byDigits,
    patternsOf: patternsByClasses(known, width),
    triggers: compileTriggers(known.flatMap((one) => ((one.bit & free) === 0 ? [] : one.outline.triggers))),
    free,
    needles,
  };
};
