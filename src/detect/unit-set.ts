/**
 * Sets of UTF-16 units over an alphabet of 128: the units 0 to 126 each for itself, and OTHER for all the rest and for
 * "no unit here" (the edges of a text). A set holds OTHER when it may hold any of these, so a set says "possible",
 * never "certain": what is derived from sets may let a detector look in vain, and never hides a match.
 */

import { Recent } from './recent.ts';

/** Bit i stands for unit i, bit 127 for OTHER. */
export type UnitSet = bigint;

/** The symbol of every unit from 127 on, and of the edges of a text. */
export const OTHER = 127;
export const NONE: UnitSet = 0n;
export const ALL: UnitSet = (1n << 128n) - 1n;

/** Returns the symbol that stands for a UTF-16 unit. */
export const symbolOf = (unit: number): number => (unit < OTHER ? unit : OTHER);

/** Returns the set of the units from `first` to `last`, both included. */
export const range = (first: number, last: number): UnitSet => {
  const low = symbolOf(first);
  const high = symbolOf(last);
  return ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);
};

/** Returns the set of the units of `text`. */
export const unitsOf = (text: string): UnitSet =>
  Array.from({ length: text.length }, (_, at) => range(text.charCodeAt(at), text.charCodeAt(at))).reduce(
    (all, one) => all | one,
    NONE,
  );

/** Returns the units that may be outside `set`: OTHER is always among them. */
export const complement = (set: UnitSet): UnitSet => (ALL & ~set) | (1n << BigInt(OTHER));

/** Returns `set` with the other case of each ASCII letter. */
export const foldCase = (set: UnitSet): UnitSet => {
  const upper = set & range(0x41, 0x5a);
  const lower = set & range(0x61, 0x7a);
  return set | (upper << 32n) | (lower >> 32n);
};

/** Patterns are made of the same few sets again and again: those that are built in of some hundreds. */
export const MOST_SETS = 4096;
const listed = new Recent<UnitSet, readonly number[]>(MOST_SETS);

const list = (set: UnitSet): readonly number[] => {
  const bits = set.toString(2);
  return Array.from({ length: bits.length }, (_, symbol) => symbol).filter((symbol) => bits.at(-1 - symbol) === '1');
};

/** Returns the symbols in `set`, ascending. */
export const symbolsIn = (set: UnitSet): readonly number[] => listed.of(set, () => list(set));
