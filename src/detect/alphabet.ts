/** The classes of units that a pattern tells apart: an automaton has a column for each class, not for each unit. */

import { everyNode } from './shape.ts';
import { Recent } from './recent.ts';
import type { Node } from './syntax.ts';
import { OTHER, type UnitSet } from './unit-set.ts';

const UNITS = 1 << 16;

/** A byte for each unit, 1 for those in a set; as many as ASCII has for a set that holds nothing beyond. */
type Members = Uint8Array;

/** By flags and source: patterns share a few sets, and one that goes beyond ASCII takes milliseconds and 64 KB to learn. */
const learnt = new Recent<string, Members>(32);

/** Returns the members of a set exactly, as the language's own expressions read it. */
const membersOf = ({ source, units }: Node & { kind: 'set' }, flags: string): Members =>
  learnt.of(`${flags}/${source}`, () => learn(source, units, flags));

const learn = (source: string, units: UnitSet, flags: string): Members => {
  const one = new RegExp(`^${source}$`, flags);
  const isAscii = ((units >> BigInt(OTHER)) & 1n) === 0n;
  const members = new Uint8Array(isAscii ? OTHER : UNITS);
  for (let unit = 0; unit < members.length; unit++) if (one.test(String.fromCharCode(unit))) members[unit] = 1;
  return members;
};

/** Splits the classes of the units that `members` speaks of into what is in it and what is not; classes count to `next`. */
const split = (classOf: Uint16Array, next: number, members: Members): number => {
  const numbers = new Int32Array(next * 2).fill(-1);
  for (let unit = 0; unit < members.length; unit++) {
    const key = (classOf[unit] ?? 0) * 2 + (members[unit] ?? 0);
    if (numbers[key] === -1) numbers[key] = next++;
    classOf[unit] = numbers[key] ?? 0;
  }
  return next;
};

/** The classes of units of one pattern. */
export interface Alphabet {
  /** By unit: its class. */
  readonly classOf: Uint16Array;
  /** How many there are, with that of the edge of a text. */
  readonly size: number;
  /** The class of the edge of a text, which is in no set. */
  readonly edge: number;
  /** Returns whether the units of a class are in the set that is spelled so. */
  has(source: string, unitClass: number): boolean;
}

/** Returns the classes of a pattern's units. `flags`: those of the pattern. */
export const alphabetOf = (tree: Node, flags: string): Alphabet => {
  const sets = new Map<string, Members>();
  for (const node of everyNode(tree)) if (node.kind === 'set') sets.set(node.source, membersOf(node, flags));
  const classOf = new Uint16Array(UNITS);
  // What is in no set beyond ASCII keeps the class that all units begin with.
  let edge = 1;
  for (const members of sets.values()) edge = split(classOf, edge, members);
  const used = [...new Set(classOf)];
  const numbers = new Uint16Array(edge);
  for (const [number, old] of used.entries()) numbers[old] = number;
  edge = used.length;
  const example = new Uint16Array(edge);
  for (let unit = 0; unit < UNITS; unit++) {
    classOf[unit] = numbers[classOf[unit] ?? 0] ?? 0;
    example[classOf[unit] ?? 0] = unit;
  }
  return {
    classOf,
    size: edge + 1,
    edge,
    has: (source, unitClass) => unitClass !== edge && sets.get(source)?.[example[unitClass] ?? 0] === 1,
  };
};
