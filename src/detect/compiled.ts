/** One detector, made ready: its expressions and the bounds of what they look at. */

import { type Automaton, compileAutomaton } from './automaton.ts';
import { probeOf } from './probe.ts';
import { type Detector, LEFT, REACH } from './detector.ts';
import { everyNode, widthOf } from './shape.ts';
import { type Node, parsePattern } from './syntax.ts';
import { compileSwallow, type Follow } from './swallow.ts';
import { unitsOf, type UnitSet } from './unit-set.ts';
import { sourceOf, viableSource, wideTail } from './viable.ts';

/** Where the needle of a detector stands in its matches. */
interface Needle {
  readonly character: string;
  /** What stands between the start of a match and its needle. */
  readonly gap: UnitSet;
  /** The longest such stretch. */
  readonly max: number;
}

/** A detector ready for use. */
export interface Compiled {
  readonly detector: Detector;
  readonly tree: Node;
  readonly needle: Needle | null;
  /** Returns whether what stands far from a place says that no match begins there; null where nothing would. */
  readonly excludes: ((text: string, at: number) => boolean) | null;
  /** How many units from the start of a match on the pattern looks at, at most. */
  readonly reach: number;
  /** Returns where the match of the pattern at `at` ends; -1 when there is none. */
  readonly matchEnd: (text: string, at: number) => number;
  /**
   * Returns how much of the match from `at` to `end` is the entity, without what its swallow adds; 0 when nothing is. What
   * has to be said ahead is not asked here.
   */
  readonly length: (text: string, at: number, end: number) => number;
  /** Returns whether more text may change what `length` returns at `at`. */
  readonly viable: (text: string, at: number) => boolean;
  /** Goes on from the end of the entity through what its swallow adds. */
  readonly follow: Follow;
}

/** Returns the width of the widest lookahead or lookbehind. */
const lookWidth = (tree: Node, ahead: boolean): number =>
  Math.max(
    0,
    ...everyNode(tree).map((node) => (node.kind === 'look' && node.ahead === ahead ? widthOf(node.body).max : 0)),
  );

/** Refuses what the derivations do not cover: the guarantee rests on these. */
const checkShape = (tree: Node): void => {
  const { min } = widthOf(tree);
  if (min === 0) throw new Error('a match may be empty');
  if (lookWidth(tree, false) > LEFT) throw new Error(`a lookbehind is wider than ${LEFT}`);
  const wide = wideTail(tree);
  for (const node of everyNode(tree)) {
    if (node.kind !== 'look') continue;
    if (everyNode(node.body).some(({ kind }) => kind === 'look')) throw new Error('a lookaround is inside another');
    if (node.ahead && node.body !== wide && widthOf(node.body).max > 1) {
      throw new Error('a lookahead of more than one unit is not at the end');
    }
  }
  if (consumesBeforeLookbehind(tree, false).misplaced) throw new Error('a lookbehind stands behind what consumes');
};

/** Walks in reading order; `consumed` says whether something consuming has been passed. */
const consumesBeforeLookbehind = (node: Node, consumed: boolean): { misplaced: boolean; consumed: boolean } => {
  switch (node.kind) {
    case 'set':
      return { misplaced: false, consumed: true };
    case 'look':
      return { misplaced: consumed && !node.ahead, consumed };
    case 'repeat': {
      const hasLookbehind = everyNode(node.item).some((inner) => inner.kind === 'look' && !inner.ahead);
      return { misplaced: hasLookbehind, consumed: true };
    }
    case 'alt': {
      const options = node.options.map((option) => consumesBeforeLookbehind(option, consumed));
      return { misplaced: options.some((o) => o.misplaced), consumed: options.some((o) => o.consumed) };
    }
  }
  let state = { misplaced: false, consumed };
  for (const item of node.items) {
    const next = consumesBeforeLookbehind(item, state.consumed);
    state = { misplaced: state.misplaced || next.misplaced, consumed: next.consumed };
  }
  return state;
};

/** Proves that every match has `character` behind a bounded stretch of a known class, and returns where. */
const findNeedle = (tree: Node, character: string): Needle => {
  const wanted = unitsOf(character);
  let max = 0;
  let gap = 0n;
  for (const item of tree.kind === 'seq' ? tree.items : [tree]) {
    if (item.kind === 'set' && item.units === wanted && max > 0) return { character, gap, max };
    max += widthOf(item).max;
    for (const node of everyNode(item)) if (node.kind === 'set' && widthOf(item).max > 0) gap |= node.units;
  }
  throw new Error(`the needle ${character} is not in every match, behind something`);
};

/** Returns the pattern as V8's expressions run it. */
const compileExpressions = (tree: Node, flags: string): Automaton => {
  const match = new RegExp(sourceOf(tree), `${flags}y`);
  // Streams alone ask for it, and of a few patterns: deriving all of them takes a thread's start longer.
  let viable: RegExp | null = null;
  return {
    matchEnd(text, at) {
      match.lastIndex = at;
      return match.test(text) ? match.lastIndex : -1;
    },
    viable(text, at) {
      viable ??= new RegExp(viableSource(tree), `${flags}y`);
      viable.lastIndex = at;
      return viable.test(text);
    },
  };
};

const compileParts = (detector: Detector): Compiled => {
  const { pattern } = detector;
  const tree = parsePattern(pattern);
  checkShape(tree);
  const reach = widthOf(tree).max + lookWidth(tree, true);
  if (reach > REACH) throw new Error(`a match looks at ${reach} units, more than ${REACH}`);

  const engine = (detector.isLinear === true ? compileAutomaton : compileExpressions)(tree, pattern.flags);
  const { accept } = detector;
  return {
    detector,
    tree,
    needle: detector.needle === undefined ? null : findNeedle(tree, detector.needle),
    excludes: probeOf(tree),
    reach,
    matchEnd: engine.matchEnd,
    length: (text, at, end) => (accept === undefined ? end - at : accept(text.slice(at, end))),
    viable: engine.viable,
    follow: compileSwallow(detector.swallow),
  };
};

/** A detector is compiled once, however many scans and masks use it. */
const known = new WeakMap<Detector, Compiled>();

/** Returns a detector ready for use. Throws an Error naming its kind when its pattern is outside what can be derived. */
export const compileDetector = (detector: Detector): Compiled => {
  try {
    const compiled = known.get(detector) ?? compileParts(detector);
    known.set(detector, compiled);
    return compiled;
  } catch (cause) {
    throw new Error(`detector ${detector.kind}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
};
