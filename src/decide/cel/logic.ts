/** The operators that do not need all of their operands: and, or, the conditional, and what macros are made of. */

import { asFault, Fault, NOT_BOOL, type Run } from './fault.ts';
import { type Compiling, type Expr, Mistake, type Part } from './part.ts';
import { BOOL, isDyn, join, showType } from './type.ts';

const mustBeBool = (compiling: Compiling, expr: Expr, part: Part): void => {
  const isBool = part.type.kind === 'scalar' && (part.type.name === 'bool' || isDyn(part.type));
  if (!isBool) throw new Mistake(compiling.start(expr), `expected a bool, found ${showType(part.type)}`);
};

/** Returns the fault of `run` when it has one, else its bool. */
const settle = (run: Run, frame: Parameters<Run>[0]): boolean | Fault => {
  try {
    const value = run(frame);
    return typeof value === 'boolean' ? value : NOT_BOOL;
  } catch (error) {
    return asFault(error);
  }
};

/**
 * Returns `a && b` (`winner` false) or `a || b` (`winner` true). An operand that equals `winner` decides, whichever it is
 * and even where the other one has a fault (CEL "Logical operators").
 */
const either =
  (winner: boolean, a: Run, b: Run): Run =>
  (frame) => {
    const left = settle(a, frame);
    if (left === winner) return winner;
    const right = settle(b, frame);
    if (right === winner) return winner;
    if (left instanceof Fault) throw left;
    if (right instanceof Fault) throw right;
    return !winner;
  };

/** Returns the part `a && b` or `a || b`. Throws Mistake. */
export const compileEither = (
  compiling: Compiling,
  winner: boolean,
  exprs: readonly Expr[],
  parts: readonly Part[],
): Part => {
  // The parser gives a chain of one operator as one call with many operands.
  for (const [at, part] of parts.entries()) {
    const expr = exprs[at];
    if (expr !== undefined) mustBeBool(compiling, expr, part);
  }
  const runs = parts.map(({ run }) => run);
  return { type: BOOL, run: runs.reduceRight((rest, run) => either(winner, run, rest)) };
};

/** Returns the part `condition ? yes : no`. Throws Mistake. */
export const compileConditional = (compiling: Compiling, expr: Expr, condition: Part, yes: Part, no: Part): Part => {
  mustBeBool(compiling, expr, condition);
  return {
    type: join(yes.type, no.type),
    run: (frame) => {
      const value = condition.run(frame);
      if (typeof value !== 'boolean') throw NOT_BOOL;
      return value ? yes.run(frame) : no.run(frame);
    },
  };
};

/** Returns the part that is false only where its operand is false, and true where that has a fault. */
export const compileNotStrictlyFalse = ({ run }: Part): Part => ({
  type: BOOL,
  run: (frame) => settle(run, frame) !== false,
});
