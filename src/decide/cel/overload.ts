/** How a function of the policy language is described: one entry per combination of argument types. */

import type { Type } from './type.ts';

type Values<A extends readonly unknown[]> = { readonly [K in keyof A]: Type<A[K]> };

/** One function or operator on arguments of given types. */
export interface Overload {
  readonly name: string;
  /** True when it is called on its first argument: `text.contains(part)`. */
  readonly method: boolean;
  readonly params: readonly Type[];
  readonly result: Type;
  /** A method, so that one of narrower parameters can stand here: only values of the types in `params` reach it. Throws Fault. */
  run(this: void, ...values: readonly unknown[]): unknown;
  /** Returns what one call takes from the budget (see `Frame`). */
  cost?(this: void, ...values: readonly unknown[]): number;
  /**
   * Returns `run` for arguments that are literals (undefined stands for one that is not), made once at load; null when
   * there is nothing to prepare. Throws an Error, which is then an error in the condition, for a literal that never works.
   */
  prepare?(this: void, literals: readonly unknown[]): Overload['run'] | null;
}

/** What an overload may have beyond its types. */
export interface Extras<A extends readonly unknown[]> {
  cost?(this: void, ...values: A): number;
  prepare?(
    this: void,
    literals: { readonly [K in keyof A]: A[K] | undefined },
  ): { run(this: void, ...values: A): unknown }['run'] | null;
}

const define =
  (method: boolean) =>
  <const A extends readonly unknown[], R>(
    name: string,
    params: Values<A>,
    result: Type<R>,
    run: (...values: A) => R,
    extras: NoInfer<Extras<A>> = {},
  ): Overload => {
    const typed: { run(this: void, ...values: A): unknown } & Extras<A> = { run, ...extras };
    return { name, method, params, result, ...typed };
  };

/** Returns an overload that is called as `name(value, …)`; operators have the names that CEL's grammar gives them. */
export const func = define(false);
/** Returns an overload that is called as `value.name(…)`. */
export const method = define(true);
