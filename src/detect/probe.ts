/**
 * Units that stand far into every match, at places that are known: the `AZDO` behind 76 letters. Looked at before the
 * expression, which would read all that is ahead of them at every place of a long run.
 */

import { DEPTH } from './outline.ts';
import { widthOf } from './shape.ts';
import type { Node } from './syntax.ts';
import { OTHER, symbolOf, symbolsIn } from './unit-set.ts';

/** More than the two cases of a letter tell too little. */
const FEW = 2;
/** So many are looked at. */
const MOST = 4;

/** A unit at `offset` from the start of a match is one of `symbols`. */
interface Probe {
  readonly offset: number;
  readonly symbols: readonly number[];
}

/** Adds what is known of `node`, which begins at `offset`, and returns where it ends; null when that is not known. */
const walk = (node: Node, offset: number, found: Probe[]): number | null => {
  if (node.kind === 'seq') {
    let at: number | null = offset;
    for (const item of node.items) {
      at = walk(item, at, found);
      if (at === null) return null;
    }
    return at;
  }
  if (node.kind === 'set' && offset >= DEPTH) {
    const symbols = symbolsIn(node.units);
    if (symbols.length <= FEW && !symbols.includes(OTHER)) found.push({ offset, symbols });
  }
  const { min, max } = widthOf(node);
  return min === max ? offset + min : null;
};

/**
 * Returns what tells that no match begins at a place of a text; null when a pattern has nothing far into it that would. What
 * is beyond the end of the text tells nothing.
 */
export const probeOf = (tree: Node): ((text: string, at: number) => boolean) | null => {
  const found: Probe[] = [];
  walk(tree, 0, found);
  const probes = found.slice(0, MOST);
  if (probes.length === 0) return null;
  return (text, at) =>
    probes.some(
      ({ offset, symbols }) => at + offset < text.length && !symbols.includes(symbolOf(text.charCodeAt(at + offset))),
    );
};
