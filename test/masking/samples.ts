/** Makes texts that a detector's pattern matches, out of its syntax tree: so that no kind is without one. */

import { isMet, type ContextIndex, contextsAt, indexContexts } from '../../src/detect/context.ts';
import type { Detector } from '../../src/detect/detector.ts';
import { type Node, parsePattern } from '../../src/detect/syntax.ts';
import { symbolsIn } from '../../src/detect/unit-set.ts';

/** Draws whole numbers from 0 to below `limit`, the same ones at each run. */
export type Draw = (limit: number) => number;

/** Returns numbers of a linear congruential generator (Numerical Recipes). */
export const drawFrom = (seed: number): Draw => {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
};

/** Letters and digits where a set has some, so that texts look as they do. */
const unitOf = (set: bigint, draw: Draw): string => {
  const symbols = symbolsIn(set).filter((symbol) => symbol < 127);
  const plain = symbols.filter((symbol) => /[A-Za-z0-9]/.test(String.fromCharCode(symbol)));
  const from = plain.length > 0 ? plain : symbols;
  return from.length === 0 ? 'é' : String.fromCharCode(from[draw(from.length)] ?? 0x61);
};

export const grow = (node: Node, draw: Draw): string => {
  switch (node.kind) {
    case 'set':
      return unitOf(node.units, draw);
    case 'look':
      // What stands to the left is written out; what must follow is a matter of what follows.
      return node.ahead || node.negative ? '' : grow(node.body, draw);
    case 'seq':
      return node.items.map((item) => grow(item, draw)).join('');
    case 'alt': {
      const chosen = node.options[draw(node.options.length)];
      return chosen === undefined ? '' : grow(chosen, draw);
    }
  }
  // Short ones, mostly: long ones are not what people write.
  const count = node.min + draw(Math.min(node.max - node.min, 12) + 1);
  return Array.from({ length: count }, () => grow(node.item, draw)).join('');
};

const wordsFor = ({ context }: Detector, draw: Draw): string => {
  if (context === undefined || !context.required) return '';
  const one = context.words[draw(context.words.length)] ?? '';
  const other = context.and?.words[draw(context.and.words.length)] ?? '';
  return `${one} ${other} `;
};

/** Returns a text in which the detector finds something of its own, or null when two thousand tries made none. */
export const sampleOf = (detector: Detector, draw: Draw): string | null => {
  const tree = parsePattern(detector.pattern);
  const { context } = detector;
  const index: ContextIndex = indexContexts(context === undefined ? [] : [context]);
  const sticky = new RegExp(detector.pattern.source, `${detector.pattern.flags}g`);
  for (let tries = 0; tries < 2000; tries++) {
    const text = wordsFor(detector, draw) + grow(tree, draw);
    for (const match of text.matchAll(sticky)) {
      const said = context === undefined || !context.required || isMet(context, contextsAt(index, text, match.index));
      if (said && (detector.accept === undefined || detector.accept(match[0]) > 0)) return text;
    }
  }
  return null;
};
