/** What can be known of a pattern's matches from its syntax tree alone: how wide they are and which units they hold. */

import type { Node } from './syntax.ts';
import { ALL, complement, NONE, type UnitSet } from './unit-set.ts';

/** The least and the greatest number of units; lookarounds count as nothing. */
export interface Width {
  readonly min: number;
  readonly max: number;
}

const NO_WIDTH: Width = { min: 0, max: 0 };

/** Returns how many units a match of `node` consumes. */
export const widthOf = (node: Node): Width => {
  switch (node.kind) {
    case 'set':
      return { min: 1, max: 1 };
    case 'look':
      return NO_WIDTH;
    case 'seq':
      return node.items
        .map(widthOf)
        .reduce((sum, { min, max }) => ({ min: sum.min + min, max: sum.max + max }), NO_WIDTH);
    case 'alt': {
      const widths = node.options.map(widthOf);
      return { min: Math.min(...widths.map(({ min }) => min)), max: Math.max(...widths.map(({ max }) => max)) };
    }
  }
  const { min, max } = widthOf(node.item);
  return { min: min * node.min, max: max * node.max };
};

/** Returns `node` and all nodes below it. */
export const everyNode = (node: Node): readonly Node[] => {
  switch (node.kind) {
    case 'set':
      return [node];
    case 'look':
      return [node, ...everyNode(node.body)];
    case 'seq':
      return [node, ...node.items.flatMap(everyNode)];
    case 'alt':
      return [node, ...node.options.flatMap(everyNode)];
  }
  return [node, ...everyNode(node.item)];
};

/**
 * Returns, for each of the first `depth` offsets of a match, the units that may stand there, or behind the match as its
 * last lookahead says; ALL from the first offset on at which a match may be over, because there anything may follow.
 */
export const unitsByOffset = (node: Node, depth: number): readonly UnitSet[] => {
  const sets: UnitSet[] = Array.from({ length: depth }, () => NONE);
  // Offsets are bits of a number: those at which `node` may begin go in, those at which it may end come out.
  const within = (1 << depth) - 1;
  const walk = (node: Node, starts: number): number => {
    switch (node.kind) {
      case 'set':
        for (let at = 0; at < depth; at++) if ((starts >> at) & 1) sets[at] = (sets[at] ?? NONE) | node.units;
        return (starts << 1) & within;
      case 'look':
        return starts;
      case 'seq':
        return node.items.reduce((ends, item) => walk(item, ends), starts);
      case 'alt':
        return node.options.reduce((ends, option) => ends | walk(option, starts), 0);
    }
    let ends = node.min === 0 ? starts : 0;
    let current = starts;
    for (let count = 1; count <= node.max && current !== 0; count++) {
      current = walk(node.item, current);
      if (count >= node.min) ends |= current;
    }
    return ends;
  };
  const ends = walk(withTail(node), 1);
  for (let at = 0; at < depth; at++) if (ends & ((2 << at) - 1)) sets[at] = ALL;
  return sets;
};

/** Returns the units that a lookahead lets stand at its place. */
const unitsAhead = ({ body, negative }: Node & { kind: 'look' }): UnitSet => {
  const options = body.kind === 'alt' ? body.options : [body];
  // A longer option forbids only some of what begins like it, so only options of one unit exclude anything.
  if (negative) {
    return complement(options.reduce((units, option) => (option.kind === 'set' ? units | option.units : units), NONE));
  }
  return leadingPairs(body).reduce((units, [first]) => units | first, NONE);
};

/** Returns the tree with its last lookahead as a unit of its own: what a match demands of the units behind it, too. */
export const withTail = (node: Node): Node => {
  const last = node.kind === 'seq' ? node.items.at(-1) : undefined;
  if (node.kind !== 'seq' || last?.kind !== 'look' || !last.ahead) return node;
  const tail: Node = { kind: 'set', source: '', units: unitsAhead(last) };
  return { kind: 'seq', items: [...node.items.slice(0, -1), tail] };
};

/** Returns the tree of the mirrored pattern, without its lookarounds. */
export const reversed = (node: Node): Node => {
  switch (node.kind) {
    case 'set':
      return node;
    case 'look':
      return { kind: 'seq', items: [] };
    case 'seq':
      return { kind: 'seq', items: node.items.map(reversed).toReversed() };
    case 'alt':
      return { kind: 'alt', options: node.options.map(reversed) };
  }
  return { ...node, item: reversed(node.item) };
};

/** Two units in a row: the sets that the first and the second may be in. */
export type Pair = readonly [UnitSet, UnitSet];

/**
 * Returns the pairs that a match may begin with, more exactly than two sets one by one could say; ALL stands for what
 * follows a match that is shorter.
 */
export const leadingPairs = (node: Node): readonly Pair[] => {
  const pairs = leadingWords(node, 2).map((word): Pair => [word[0] ?? ALL, word[1] ?? ALL]);
  return [...new Map(pairs.map((pair) => [pair.join(), pair])).values()];
};

/** Some sets in a row: the beginning of a match, or a whole shorter one. */
type Word = readonly UnitSet[];

const joinWords = (heads: readonly Word[], tails: readonly Word[], most: number): readonly Word[] => {
  const joined = heads.flatMap((head) =>
    head.length === most ? [head] : tails.map((tail) => [...head, ...tail].slice(0, most)),
  );
  return [...new Map(joined.map((word) => [word.join(), word])).values()];
};

/** Returns what a match may begin with, at most `most` units of it. */
export const leadingWords = (node: Node, most: number): readonly Word[] => {
  switch (node.kind) {
    case 'set':
      return [[node.units]];
    case 'look':
      return [[]];
    case 'seq':
      return node.items.reduce<readonly Word[]>(
        (words, item) => joinWords(words, leadingWords(item, most), most),
        [[]],
      );
    case 'alt':
      return node.options.flatMap((option) => leadingWords(option, most));
  }
  const item = leadingWords(node.item, most);
  // Each further pass adds at least one unit, or nothing new.
  const passes = Array.from({ length: Math.min(node.max, node.min + most) }, (_, at) => at + 1);
  let current: readonly Word[] = [[]];
  const words: Word[] = node.min === 0 ? [[]] : [];
  for (const pass of passes) {
    current = joinWords(current, item, most);
    if (pass >= node.min) words.push(...current);
  }
  return words;
};
