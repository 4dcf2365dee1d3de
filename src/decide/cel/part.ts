/** What compiling hands around: parts of a condition, the names in scope, and mistakes with their place. */

import type { parse } from '@bufbuild/cel';
import type { Frame, Run } from './fault.ts';
import type { Type } from './type.ts';

/** A node of a parsed condition. */
export type Expr = ReturnType<typeof parse>['expr'];

/** A part of a condition that is checked and ready to run. */
export interface Part {
  readonly type: Type;
  readonly run: Run;
  /** The value, when it is a literal; undefined otherwise (no value of the language is undefined). */
  readonly literal?: unknown;
  /** The slot of the accumulator that this part reads; see `compileAppend`. */
  readonly appends?: number;
}

/** A variable that conditions can read. */
export interface Variable {
  readonly type: Type;
  /** Returns the value out of what the condition is evaluated on. A method: the root is whatever the environment is for. */
  get(this: void, root: unknown): unknown;
}

/** The variables of conditions, by name. */
export type Environment = ReadonlyMap<string, Variable>;

/** The names that comprehensions have brought into scope, innermost first. */
export interface Scope {
  readonly name: string;
  readonly part: Part;
  readonly outer: Scope | null;
}

/** A mistake in a condition. `offset` is where it stands, in UTF-16 units from the beginning of the condition. */
export class Mistake extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.name = 'Mistake';
    this.offset = offset;
  }
}

/** What the pieces of the compiler share while they compile one condition. */
export interface Compiling {
  readonly environment: Environment;
  /** Returns the part that `expr` is. Throws Mistake. */
  compile(expr: Expr | undefined, scope: Scope | null): Part;
  /** Returns the offset of a node; that of the operator when it is one. */
  offset(expr: Expr): number;
  /** Returns where the text of a node begins. */
  start(expr: Expr): number;
  /** Returns the offset of the member or method name that a node ends with. */
  offsetOfMember(expr: Expr, member: string): number;
  /** Returns a place for a variable in `Frame.slots`. */
  slot(): number;
}

/** Returns a part that always has the same value. */
export const literalPart = (type: Type, literal: unknown): Part => ({ type, literal, run: () => literal });

/** Returns a frame to evaluate a condition on. */
export const frameOf = (root: unknown, slots: unknown[], budget: number): Frame => ({ root, slots, budget });
