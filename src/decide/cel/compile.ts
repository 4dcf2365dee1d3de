/** Compiles a condition: CEL's grammar by a library, types and evaluation by this folder (docs/adr/0009-cel-library.md). */

import { parse } from '@bufbuild/cel';
import { compileExpression } from './expression.ts';
import { BUDGET } from './fault.ts';
import { type Compiling, type Environment, type Expr, frameOf, Mistake, type Part, type Scope } from './part.ts';
import { fits, showType, type Type } from './type.ts';

const MAX_LENGTH = 8192;
const MAX_NODES = 2000;
const MAX_DEPTH = 100;

/** A condition or expression that is checked and ready. */
export interface Compiled {
  readonly type: Type;
  /** Returns the value on `root`, out of which the environment's variables are read. Throws Fault. */
  evaluate(this: void, root: unknown): unknown;
}

/** Sees every part as it is compiled, and may run something else in its place. */
export type Watch = (part: Part, expr: Expr, scope: Scope | null) => Part;

interface Options {
  readonly environment: Environment;
  /** What the expression must be; anything when missing. */
  readonly expected?: Type;
  readonly watch?: Watch;
}

/** Returns the expression that `source` holds, checked against the environment. Throws Mistake. */
export const compile = (source: string, options: Options): Compiled => {
  const { expr, positions } = parseSource(source);
  let slots = 0;
  const compiling = createCompiling({ source, positions, options, slot: () => slots++ });
  const { type, run } = compiling.compile(expr, null);
  const { expected } = options;
  if (expected !== undefined && fits(type, expected) !== 'yes') {
    throw new Mistake(0, `expected a ${showType(expected)}, found ${showType(type)}`);
  }
  return { type, evaluate: (root) => run(frameOf(root, slots === 0 ? NO_SLOTS : [], BUDGET)) };
};

const NO_SLOTS: unknown[] = [];

interface Parsed {
  readonly expr: Expr;
  readonly positions: Readonly<Record<string, number>>;
}

const parseSource = (source: string): Parsed => {
  if (source.length > MAX_LENGTH) throw new Mistake(MAX_LENGTH, `expected at most ${MAX_LENGTH} characters`);
  try {
    const { expr, sourceInfo } = parse(source);
    return { expr, positions: sourceInfo?.positions ?? {} };
  } catch (error) {
    throw asMistake(error);
  }
};

const asMistake = (error: unknown): Mistake => {
  // The parser is recursive; it has no limit of its own.
  if (error instanceof RangeError) return new Mistake(0, TOO_DEEP);
  if (!(error instanceof Error)) throw error;
  // What the parser says it expected is where its last attempt ended, which misleads more than it helps.
  return new Mistake(startOf(error), 'cannot be read as an expression from here on');
};

const TOO_DEEP = `expected at most ${MAX_DEPTH} levels of nesting`;

/** Where a syntax error stands, as the parser's error says. */
const startOf = (error: Error): number => {
  const location: unknown = 'location' in error ? error.location : null;
  const start: unknown =
    typeof location === 'object' && location !== null && 'start' in location ? location.start : null;
  const offset: unknown = typeof start === 'object' && start !== null && 'offset' in start ? start.offset : null;
  return typeof offset === 'number' ? offset : 0;
};

/** Returns the node that the text of `expr` begins with, when that is not `expr` itself. */
const firstOf = ({ exprKind }: Expr): Expr | undefined => {
  if (exprKind.case === 'selectExpr') return exprKind.value.operand;
  if (exprKind.case !== 'callExpr') return undefined;
  const { target, args, function: name } = exprKind.value;
  return target ?? (/^_|^@in$/.test(name) ? args[0] : undefined);
};

interface Making {
  readonly source: string;
  readonly positions: Readonly<Record<string, number>>;
  readonly options: Options;
  readonly slot: () => number;
}

const createCompiling = ({ source, positions, options, slot }: Making): Compiling => {
  let nodes = 0;
  let depth = 0;
  const { watch } = options;
  const compiling: Compiling = {
    environment: options.environment,
    compile(expr, scope) {
      if (expr === undefined) throw new Mistake(source.length, 'expected an expression');
      if (++nodes > MAX_NODES) throw new Mistake(compiling.offset(expr), `expected at most ${MAX_NODES} parts`);
      if (++depth > MAX_DEPTH) throw new Mistake(compiling.offset(expr), TOO_DEEP);
      const part = compileExpression(compiling, expr, scope);
      depth--;
      return watch === undefined ? part : watch(part, expr, scope);
    },
    offset(expr) {
      const offset = positions[String(expr.id)] ?? 0;
      // The parser counts the space before some operators as theirs.
      return offset + (/^\s*/.exec(source.slice(offset))?.[0].length ?? 0);
    },
    start(expr) {
      const first = firstOf(expr);
      return first === undefined ? compiling.offset(expr) : compiling.start(first);
    },
    offsetOfMember(expr, member) {
      const dot = compiling.offset(expr);
      const at = source.indexOf(member, dot);
      return at === -1 ? dot : at;
    },
    slot,
  };
  return compiling;
};
