/**
 * Derives from a pattern the expression that says whether the rest of a buffer may still become a match of it.
 *
 * Every atom `x` becomes `(?:x|$)`, and the whole must end at the end of the buffer: the derived expression matches at
 * a position exactly where some way through the pattern arrives at the end of the buffer before the way is over or just
 * as it is. While it matches there, more text may change what the pattern says; once it does not, no text can.
 */

import type { Node } from './syntax.ts';

const isOneUnit = (node: Node): boolean =>
  node.kind === 'set' || (node.kind === 'alt' && node.options.every(isOneUnit));

/** Returns the source of a lookaround. */
const lookSource = (node: Node & { kind: 'look' }): string =>
  `(?${node.ahead ? '' : '<'}${node.negative ? '!' : '='}${sourceOf(node.body)})`;

/** Returns the source of `node` as a pattern. */
export const sourceOf = (node: Node): string => {
  switch (node.kind) {
    case 'set':
      return node.source;
    case 'seq':
      return node.items.map(sourceOf).join('');
    case 'alt':
      return `(?:${node.options.map(sourceOf).join('|')})`;
    case 'repeat':
      return `(?:${sourceOf(node.item)}){${node.min},${node.max}}`;
  }
  return lookSource(node);
};

const partial = (node: Node): string => {
  switch (node.kind) {
    case 'set':
      return `(?:${node.source}|$)`;
    case 'seq':
      return node.items.map(partial).join('');
    case 'alt':
      return `(?:${node.options.map(partial).join('|')})`;
    case 'repeat':
      return `(?:${partial(node.item)}){${node.min},${node.max}}`;
  }
  // Left context is all there; what a lookahead of one unit needs to see is there unless this is the end.
  return node.ahead ? `(?:${lookSource(node)}|$)` : lookSource(node);
};

/** Splits off a last lookahead of more than one unit, the one place where such a lookahead may stand. */
const splitTail = (node: Node): { readonly body: Node; readonly tail: (Node & { kind: 'look' }) | null } => {
  const last = node.kind === 'seq' ? node.items.at(-1) : undefined;
  if (node.kind !== 'seq' || last?.kind !== 'look' || !last.ahead || isOneUnit(last.body))
    return { body: node, tail: null };
  return { body: { kind: 'seq', items: node.items.slice(0, -1) }, tail: last };
};

/** Returns the lookahead of more than one unit at the end of a pattern, or null. */
export const wideTail = (node: Node): Node | null => splitTail(node).tail?.body ?? null;

/** Returns the source of the derived expression. */
export const viableSource = (node: Node): string => {
  const { body, tail } = splitTail(node);
  const touches = `${partial(body)}$`;
  // The body may be over while its lookahead still waits for text.
  return tail === null ? touches : `(?:${touches}|${sourceOf(body)}(?=${partial(tail.body)}$))`;
};
