/** What goes wrong while a condition is evaluated. Faults are made once, at load: throwing one captures no stack. */

/** A condition that has no value. The message is fixed and never holds data of a call. */
export class Fault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Fault';
  }
}

export const OVERFLOW = new Fault('the integer does not fit in 64 bits');
export const DIVIDED_BY_ZERO = new Fault('division by zero');
export const NO_OVERLOAD = new Fault('no such operation on values of these types');
export const NO_KEY = new Fault('no such key');
export const NO_INDEX = new Fault('no such index');
export const TWICE = new Fault('a map names a key twice');
export const NOT_BOOL = new Fault('expected a bool');
export const OUT_OF_TIME = new Fault('the time is out of range');
export const NO_CONVERSION = new Fault('the value cannot be converted');
/** The condition has used up its budget: see `Frame.budget`. */
const EXHAUSTED = new Fault('the condition costs more than a condition may');

/** What one evaluation runs on. */
export interface Frame {
  /** What the variables are read from. */
  readonly root: unknown;
  /** Variables of comprehensions, by place. */
  readonly slots: unknown[];
  /** What is left to spend: a turn of a loop costs 1, a function over a text by its length. About 0.1 µs each. */
  budget: number;
}

/** A condition or a part of one, ready to run. Throws Fault. */
export type Run = (frame: Frame) => unknown;

/**
 * What one condition may spend: some 50 ms at the very worst. Lists and texts are as long as a caller makes them, so
 * without it a nested loop would hold a thread for hours. It lets `contains` read three texts of 16 MiB.
 */
export const BUDGET = 500_000;

/** Takes `cost` from the budget. Throws EXHAUSTED when it is used up. */
export const spend = (frame: Frame, cost: number): void => {
  frame.budget -= cost;
  if (frame.budget < 0) throw EXHAUSTED;
};

/** Returns `error` when it is a Fault, else throws it on: it is a defect, not an outcome. */
export const asFault = (error: unknown): Fault => {
  if (error instanceof Fault) return error;
  throw error;
};
