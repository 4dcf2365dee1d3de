/** Loops over lists and maps: what the macros all, exists, exists_one, filter and map are made of. */

import { asFault, Fault, type Frame, NO_OVERLOAD, type Run, spend } from './fault.ts';
import { type Compiling, type Expr, Mistake, type Part, type Scope } from './part.ts';
import { DYN, fits, isDyn, join, type ListType, listOf, showType, type Type } from './type.ts';

type Comprehension = Extract<Expr['exprKind'], { case: 'comprehensionExpr' }>['value'];

const itemType = (compiling: Compiling, expr: Expr, { type }: Part): Type => {
  if (isDyn(type)) return DYN;
  if (type.kind === 'list') return type.item;
  if (type.kind === 'map') return type.key;
  throw new Mistake(compiling.offset(expr), `expected a list or a map, found ${showType(type)}`);
};

const items = (range: unknown): Iterable<unknown> => {
  if (Array.isArray(range)) return range;
  if (range instanceof Map) return range.keys();
  throw NO_OVERLOAD;
};

/** A fault inside a loop is kept as the loop's value: a later turn may decide without it (CEL "Macros", all and exists). */
const readAccumulator =
  (slot: number): Run =>
  (frame) => {
    const value = frame.slots[slot];
    if (value instanceof Fault) throw value;
    return value;
  };

const attempt = (run: Run, frame: Frame): unknown => {
  try {
    return run(frame);
  } catch (error) {
    spend(frame, FAULT_COST);
    return asFault(error);
  }
};

// Throwing and catching takes some 2 µs.
const FAULT_COST = 20;

interface Loop {
  readonly range: Run;
  readonly initial: Run;
  readonly goesOn: Run;
  readonly step: Run;
  readonly result: Run;
  readonly item: number;
  readonly accumulator: number;
}

const loop =
  ({ range, initial, goesOn, step, result, item, accumulator }: Loop): Run =>
  (frame) => {
    const { slots } = frame;
    const over = items(range(frame));
    slots[accumulator] = initial(frame);
    for (const each of over) {
      spend(frame, 1);
      slots[item] = each;
      if (goesOn(frame) === false) break;
      slots[accumulator] = attempt(step, frame);
    }
    return result(frame);
  };

/** Returns the part that a comprehension is. Throws Mistake. */
export const compileComprehension = (
  compiling: Compiling,
  expr: Expr,
  value: Comprehension,
  scope: Scope | null,
): Part => {
  const range = compiling.compile(value.iterRange, scope);
  const initial = compiling.compile(value.accuInit, scope);
  const [item, accumulator] = [compiling.slot(), compiling.slot()];
  const itemPart: Part = { type: itemType(compiling, expr, range), run: (frame) => frame.slots[item] };
  const within = (type: Type): Scope => {
    const outer: Scope = {
      name: value.accuVar,
      part: { type, run: readAccumulator(accumulator), appends: accumulator },
      outer: scope,
    };
    return { name: value.iterVar, part: itemPart, outer };
  };
  // The accumulator of map and filter begins as [], and has the type of what the step makes of it.
  const first = compiling.compile(value.loopStep, within(initial.type));
  const type = join(initial.type, first.type);
  const step =
    fits(initial.type, type) === 'yes' && type === initial.type
      ? first
      : compiling.compile(value.loopStep, within(type));
  const goesOn = compiling.compile(value.loopCondition, within(type));
  const result = compiling.compile(value.result, within(type));
  const parts = { range: range.run, initial: initial.run, goesOn: goesOn.run, step: step.run, result: result.run };
  return { type: result.type, run: loop({ ...parts, item, accumulator }) };
};

/**
 * Returns the part `accumulator + [item]`, or null when the call is not that. It appends in place, so that map and filter
 * take time in proportion to the list; nothing else can see the accumulator.
 */
export const compileAppend = (accumulator: Part, list: Part, items: readonly Part[]): Part | null => {
  const { appends } = accumulator;
  const [item] = items;
  if (appends === undefined || item === undefined || items.length !== 1 || list.type.kind !== 'list') return null;
  const type: ListType = accumulator.type.kind === 'list' ? asList(join(accumulator.type, list.type)) : list.type;
  return {
    type,
    run: (frame) => {
      const value = accumulator.run(frame);
      if (!Array.isArray(value)) throw NO_OVERLOAD;
      value.push(item.run(frame));
      return value;
    },
  };
};

const asList = (type: Type): ListType => (type.kind === 'list' ? type : listOf(DYN));
