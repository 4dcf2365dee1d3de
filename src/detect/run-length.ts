/**
 * How a match may begin, told by its first run: so many digits, or so many units of tokens (letters, digits and a few
 * signs), and then something else. Forms of numbers and keys tell themselves apart by little more, and texts full of them
 * have dozens of forms to try at each; how long a run is, is known before.
 */

import { withTail } from './shape.ts';
import { type Node, parsePattern } from './syntax.ts';
import { RUN_UNITS } from './trigger.ts';
import { ALL, NONE, OTHER, symbolsIn, type UnitSet } from './unit-set.ts';

/** Runs of so many units of tokens and more are one length. */
export const LONGEST = 128;
/** The same for digits. */
export const MOST_DIGITS = 20;

const DIGIT_NODE = parsePattern(/\d/);
const DIGITS: UnitSet = DIGIT_NODE.kind === 'set' ? DIGIT_NODE.units : NONE;

/** Lengths of runs, each a bit; the last one stands for longer ones, too. */
type Lengths = bigint;

/** Calls `leave` with the lengths that a first run of `units` may have and the units that may follow it there. */
const walkRun = (
  tree: Node,
  units: UnitSet,
  longest: number,
  leave: (lengths: Lengths, next: UnitSet) => void,
): void => {
  const every = (2n << BigInt(longest)) - 1n;
  const last = 1n << BigInt(longest);
  /** `starts`: how long the run may be when `node` begins. Returns the same for its end, as far as the run goes on. */
  const walk = (node: Node, starts: Lengths): Lengths => {
    switch (node.kind) {
      case 'set':
        if ((node.units & ~units) !== NONE) leave(starts, node.units & ~units);
        return (node.units & units) === NONE ? 0n : ((starts << 1n) & every) | (starts & last);
      case 'look':
        return starts;
      case 'seq':
        return node.items.reduce((ends, item) => walk(item, ends), starts);
      case 'alt':
        return node.options.reduce((ends, option) => ends | walk(option, starts), 0n);
    }
    let ends = node.min === 0 ? starts : 0n;
    let current = starts;
    for (let count = 1; count <= node.max && current !== 0n; count++) {
      const next = walk(node.item, current);
      if (count >= node.min) ends |= next;
      // As long as can be already: further times change nothing.
      if (next === current && count >= node.min) break;
      current = next;
    }
    return ends;
  };
  const ends = walk(withTail(tree), 1n);
  // Behind a match anything may follow, the rest of a run too.
  if (ends !== 0n) leave(every & ~((ends & -ends) - 1n), ALL);
};

/** Returns how many units of tokens a match may begin with: bit n for n of them, the last for LONGEST and more. */
export const runLengths = (tree: Node): Lengths => {
  let all = 0n;
  walkRun(tree, RUN_UNITS, LONGEST, (lengths) => {
    all |= lengths;
  });
  return all;
};

/** Returns, for each number of digits that a match may begin with, what may follow them there. */
export const digitsAhead = (tree: Node): readonly UnitSet[] => {
  const next: UnitSet[] = Array.from({ length: MOST_DIGITS + 1 }, () => NONE);
  walkRun(tree, DIGITS, MOST_DIGITS, (lengths, units) => {
    const bits = Number(lengths);
    for (let length = 0; length <= MOST_DIGITS; length++)
      if (((bits >> length) & 1) === 1) next[length] = (next[length] ?? NONE) | units;
  });
  return next;
};

/** Returns the lengths themselves, ascending. */
export const listLengths = (lengths: Lengths): readonly number[] => {
  const bits = lengths.toString(2);
  return Array.from({ length: bits.length }, (_, length) => length).filter((length) => bits.at(-1 - length) === '1');
};

/** The runs of one kind in one text, asked from left to right. */
export class Runs {
  readonly #text: string;
  readonly #members: Uint8Array;
  readonly #longest: number;
  /** Up to where it is known that units of the kind go on. */
  #to = 0;

  private constructor(text: string, members: Uint8Array, longest: number) {
    this.#text = text;
    this.#members = members;
    this.#longest = longest;
  }

  static ofTokens(text: string): Runs {
    return new Runs(text, IN_TOKENS, LONGEST);
  }

  static ofDigits(text: string): Runs {
    return new Runs(text, IN_DIGITS, MOST_DIGITS);
  }

  /** Returns how many units of the kind stand from `at` on, at most the longest that is told apart. `at` never decreases. */
  at(at: number): number {
    const text = this.#text;
    const last = Math.min(text.length, at + this.#longest);
    let to = Math.max(this.#to, at);
    while (to < last && this.#members[text.charCodeAt(to)] === 1) to += 1;
    this.#to = to;
    return to - at;
  }
}

const members = (units: UnitSet): Uint8Array => {
  const all = new Uint8Array(OTHER + 1);
  for (const symbol of symbolsIn(units)) if (symbol < OTHER) all[symbol] = 1;
  return all;
};
const IN_TOKENS = members(RUN_UNITS);
const IN_DIGITS = members(DIGITS);
