/** Calls of functions and operators: finds the overload for the types of the arguments. */

import { asFault, NO_OVERLOAD, type Run, spend } from './fault.ts';
import { OVERLOADS } from './functions.ts';
import type { Overload } from './overload.ts';
import { type Compiling, type Expr, Mistake, type Part } from './part.ts';
import { DYN, fits, join, listOf, showType, suggest, type Type } from './type.ts';
import { isOf } from './value.ts';

const BY_NAME: ReadonlyMap<string, readonly Overload[]> = Map.groupBy(OVERLOADS, ({ name }) => name);

/** Macros of the parser that become ordinary calls when their arguments are not those of a macro. */
const MACROS: Readonly<Record<string, string>> = {
  has: 'has() takes a member, as in has(caller.claims.team)',
  all: 'all() takes a name and a condition, as in list.all(x, x > 0)',
  exists: 'exists() takes a name and a condition, as in list.exists(x, x > 0)',
  exists_one: 'exists_one() takes a name and a condition, as in list.exists_one(x, x > 0)',
  filter: 'filter() takes a name and a condition, as in list.filter(x, x > 0)',
  map: 'map() takes a name and an expression, as in list.map(x, x + 1)',
};

/** Returns how a call reads: `text.contains(string)` or `int < string`. */
const showCall = (name: string, isMethod: boolean, types: readonly Type[]): string => {
  const [first, ...rest] = types.map(showType);
  const [, operator] = /^_([^_]+)_$/.exec(name) ?? [];
  if (operator !== undefined) return `${first} ${operator} ${rest[0]}`;
  if (name.endsWith('_') && types.length === 1) return `${name.slice(0, -1)}${first}`;
  return isMethod ? `${first}.${name}(${rest.join(', ')})` : `${name}(${[first, ...rest].join(', ')})`;
};

const unknownName = (name: string, isMethod: boolean): string => {
  const known = [...new Set(OVERLOADS.filter(({ method }) => method === isMethod).map((overload) => overload.name))];
  return (
    MACROS[name] ??
    `there is no function ${name}${suggest(
      name,
      known.filter((word) => /^\w+$/.test(word)),
    )}`
  );
};

const noOverload = (name: string, isMethod: boolean, types: readonly Type[], known: readonly Overload[]): string => {
  const takes = known.map(({ params, method }) => showCall(name, method, params));
  const hint = takes.length <= 6 ? `; there is ${takes.join(', ')}` : '';
  return `there is no ${showCall(name, isMethod, types)}${hint}`;
};

const candidatesFor = (name: string, isMethod: boolean, types: readonly Type[]): readonly Overload[] =>
  (BY_NAME.get(name) ?? []).filter(
    ({ method, params }) =>
      method === isMethod &&
      params.length === types.length &&
      params.every((param, at) => fits(types[at] ?? DYN, param) !== 'no'),
  );

const prepared = (overload: Overload, args: readonly Part[], offset: number): Overload['run'] => {
  if (overload.prepare === undefined) return overload.run;
  try {
    return overload.prepare(args.map(({ literal }) => literal)) ?? overload.run;
  } catch (error) {
    // what prepare refuses is a mistake in the condition
    throw new Mistake(offset, asFault(error).message);
  }
};

/** The call of one overload, by the number of its arguments so that the usual calls make no arrays. */
const runOne = ({ cost }: Overload, run: Overload['run'], args: readonly Run[]): Run => {
  const [a, b] = args;
  if (cost === undefined && a !== undefined && args.length === 1) return (frame) => run(a(frame));
  if (cost === undefined && a !== undefined && b !== undefined && args.length === 2)
    return (frame) => run(a(frame), b(frame));
  return (frame) => {
    const values = args.map((arg) => arg(frame));
    if (cost !== undefined) spend(frame, cost(...values));
    return run(...values);
  };
};

interface Choice {
  readonly overload: Overload;
  readonly run: Overload['run'];
}

/** The call where types are known only when it runs. */
const runAny =
  (choices: readonly Choice[], args: readonly Run[]): Run =>
  (frame) => {
    const values = args.map((arg) => arg(frame));
    const choice = choices.find(({ overload }) => overload.params.every((param, at) => isOf(values[at], param)));
    if (choice === undefined) throw NO_OVERLOAD;
    const { cost } = choice.overload;
    if (cost !== undefined) spend(frame, cost(...values));
    return choice.run(...values);
  };

/** `list + list` is the one operator whose result depends on more than the overload. */
const resultOf = ({ name, result }: Overload, args: readonly Part[]): Type => {
  const [a, b] = args;
  if (name !== '_+_' || result.kind !== 'list' || a?.type.kind !== 'list' || b?.type.kind !== 'list') return result;
  const joined = join(a.type, b.type);
  return joined.kind === 'list' ? joined : listOf(DYN);
};

/** Returns the part that a call is. `args` begins with what a method is called on. Throws Mistake. */
export const compileCall = (
  compiling: Compiling,
  expr: Expr,
  { name, isMethod }: { readonly name: string; readonly isMethod: boolean },
  args: readonly Part[],
): Part => {
  const offset = isMethod ? compiling.offsetOfMember(expr, name) : compiling.offset(expr);
  const types = args.map(({ type }) => type);
  const known = (BY_NAME.get(name) ?? []).filter(({ method }) => method === isMethod);
  if (known.length === 0) throw new Mistake(offset, unknownName(name, isMethod));
  const candidates = candidatesFor(name, isMethod, types);
  const [only] = candidates;
  if (only === undefined) throw new Mistake(offset, noOverload(name, isMethod, types, known));
  const runs = args.map(({ run }) => run);
  const certain = candidates.length === 1 && only.params.every((param, at) => fits(types[at] ?? DYN, param) === 'yes');
  if (certain) return { type: resultOf(only, args), run: runOne(only, prepared(only, args, offset), runs) };
  const choices = candidates.map((overload) => ({ overload, run: prepared(overload, args, offset) }));
  const type = candidates.map(({ result }) => result).reduce(join);
  return { type, run: runAny(choices, runs) };
};
