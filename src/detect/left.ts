/** Which units may stand to the left of a match, from the lookbehinds at its head. */

import { leadingWords, reversed, unitsByOffset } from './shape.ts';
import type { Node } from './syntax.ts';
import { ALL, complement, NONE, type UnitSet } from './unit-set.ts';

/** The sets that the six nearest units may be in, the nearest first. */
export type Left = readonly UnitSet[];

/** As far as an escape (`\\u00e9`) reaches. */
export const FAR = 6;
/** More options than this are told apart by their three nearest units only. */
const FEW = 16;

const padded = (word: readonly UnitSet[]): Left => Array.from({ length: FAR }, (_, at) => word[at] ?? ALL);

const ANYTHING: readonly Left[] = [padded([])];

/** Returns what is in one of `some` and in one of `others`. */
const both = (some: readonly Left[], others: readonly Left[]): readonly Left[] => {
  const met = some
    .flatMap((one) => others.map((other): Left => one.map((set, at) => set & (other[at] ?? ALL))))
    .filter((left) => !left.includes(NONE));
  return [...new Map(met.map((left) => [left.join(), left])).values()];
};

const leftOfLookbehind = (body: Node, negative: boolean): readonly Left[] => {
  if (!negative) {
    const backwards = reversed(body);
    const near = leadingWords(backwards, 3);
    return (near.length > FEW ? near : leadingWords(backwards, FAR)).map(padded);
  }
  // A longer option forbids only some of what ends like it, so only options of one unit exclude anything.
  const options = body.kind === 'alt' ? body.options : [body];
  const forbidden = options.reduce((units, option) => (option.kind === 'set' ? units | option.units : units), NONE);
  return [padded([complement(forbidden)])];
};

/** Returns what may stand to the left, and whether `node` consumes nothing. */
const leftOf = (node: Node): { readonly all: readonly Left[]; readonly empty: boolean } => {
  switch (node.kind) {
    case 'set':
    case 'repeat':
      return { all: ANYTHING, empty: false };
    case 'look':
      return { all: node.ahead ? ANYTHING : leftOfLookbehind(node.body, node.negative), empty: true };
    case 'alt': {
      const options = node.options.map(leftOf);
      return { all: options.flatMap(({ all }) => all), empty: options.every(({ empty }) => empty) };
    }
  }
  let all = ANYTHING;
  for (const item of node.items) {
    const left = leftOf(item);
    all = both(all, left.all);
    if (!left.empty) return { all, empty: false };
  }
  return { all, empty: true };
};

/** Returns what may stand to the left of a match. */
export const leftsOf = (node: Node): readonly Left[] => leftOf(node).all;

/** Returns, for each of the `depth` units to the left of a match, the nearest first, which it may be. */
export const leftUnits = (node: Node, depth: number): readonly UnitSet[] => leftUnitsOf(node, depth).sets;

const leftUnitsOf = (node: Node, depth: number): { readonly sets: readonly UnitSet[]; readonly empty: boolean } => {
  const anything = Array.from({ length: depth }, () => ALL);
  switch (node.kind) {
    case 'set':
    case 'repeat':
      return { sets: anything, empty: false };
    case 'look':
      return { sets: node.ahead || node.negative ? anything : unitsByOffset(reversed(node.body), depth), empty: true };
    case 'alt': {
      const options = node.options.map((option) => leftUnitsOf(option, depth));
      const sets = anything.map((_, at) => options.reduce((all, option) => all | (option.sets[at] ?? ALL), NONE));
      return { sets, empty: options.every(({ empty }) => empty) };
    }
  }
  let sets: readonly UnitSet[] = anything;
  for (const item of node.items) {
    const left = leftUnitsOf(item, depth);
    sets = sets.map((set, at) => set & (left.sets[at] ?? ALL));
    if (!left.empty) return { sets, empty: false };
  }
  return { sets, empty: true };
};
