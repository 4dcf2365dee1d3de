/** Which two units may stand to the left of a match, from the lookbehinds at its head. */

import { leadingPairs, type Pair, reversed } from './shape.ts';
import type { Node } from './syntax.ts';
import { ALL, complement, NONE } from './unit-set.ts';

const ANYTHING: readonly Pair[] = [[ALL, ALL]];

/** Returns the pairs that are in one of `some` and in one of `others`. */
const both = (some: readonly Pair[], others: readonly Pair[]): readonly Pair[] =>
  some
    .flatMap((one) => others.map((other): Pair => [one[0] & other[0], one[1] & other[1]]))
    .filter(([far, near]) => far !== NONE && near !== NONE);

const leftOfLookbehind = (body: Node, negative: boolean): readonly Pair[] => {
  if (!negative) return leadingPairs(reversed(body)).map(([near, far]): Pair => [far, near]);
  // A longer option forbids only some of what ends like it, so only options of one unit exclude anything.
  const options = body.kind === 'alt' ? body.options : [body];
  const forbidden = options.reduce((units, option) => (option.kind === 'set' ? units | option.units : units), NONE);
  return [[ALL, complement(forbidden)]];
};

/** Returns what may stand to the left (the farther unit, the nearer unit), and whether `node` consumes nothing. */
const leftOf = (node: Node): { readonly pairs: readonly Pair[]; readonly empty: boolean } => {
  switch (node.kind) {
    case 'set':
    case 'repeat':
      return { pairs: ANYTHING, empty: false };
    case 'look':
      return { pairs: node.ahead ? ANYTHING : leftOfLookbehind(node.body, node.negative), empty: true };
    case 'alt': {
      const options = node.options.map(leftOf);
      return { pairs: options.flatMap(({ pairs }) => pairs), empty: options.every(({ empty }) => empty) };
    }
  }
  let pairs = ANYTHING;
  for (const item of node.items) {
    const left = leftOf(item);
    pairs = both(pairs, left.pairs);
    if (!left.empty) return { pairs, empty: false };
  }
  return { pairs, empty: true };
};

/** Returns the pairs of units that may stand to the left of a match: the farther one, then the nearer one. */
export const leftPairs = (node: Node): readonly Pair[] => leftOf(node).pairs;
