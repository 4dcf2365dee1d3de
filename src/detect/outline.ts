/** What the scan knows of a pattern before it tries its expression, from the syntax tree alone. */

import { type Left, leftsOf, leftUnits } from './left.ts';
import { digitsAhead, runLengths } from './run-length.ts';
import { leadingPairs, type Pair, unitsByOffset } from './shape.ts';
import type { Node } from './syntax.ts';
import { type Trigger, triggersOf } from './trigger.ts';
import { ALL, type UnitSet } from './unit-set.ts';

/** How many units of a candidate are looked at before an expression is tried. */
export const DEPTH = 20;
/** And how many to its left. */
export const LEFT_DEPTH = 12;

/** The outline of a pattern. */
export interface Outline {
  /** What may stand to the left, and the same as a text, to compare. */
  readonly left: readonly Left[];
  readonly leftId: string;
  /** Which two units a match may begin with, and the same as a text. */
  readonly lead: readonly Pair[];
  readonly leadId: string;
  readonly byOffset: readonly UnitSet[];
  readonly byLeft: readonly UnitSet[];
  /** How long a run of units of tokens it may begin with (run-length.ts). */
  readonly runs: bigint;
  /** By the number of digits that it begins with: what may follow them (run-length.ts). */
  readonly digits: readonly UnitSet[];
  readonly triggers: readonly Trigger[];
}

const outline = (tree: Node): Outline => {
  const left = leftsOf(tree);
  const lead = leadingPairs(tree);
  const byOffset = unitsByOffset(tree, DEPTH);
  return {
    left,
    leftId: left.join(';'),
    lead,
    leadId: lead.join(';'),
    byOffset,
    byLeft: leftUnits(tree, LEFT_DEPTH),
    runs: runLengths(tree),
    digits: digitsAhead(tree),
    triggers: triggersOf(tree, byOffset[0] ?? ALL),
  };
};

const known = new WeakMap<Node, Outline>();

/** Returns the outline of a pattern: the very same for the same tree. */
export const outlineOf = (tree: Node): Outline => {
  const made = known.get(tree) ?? outline(tree);
  known.set(tree, made);
  return made;
};
