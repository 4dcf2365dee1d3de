/** Operators and orderings. */

import { DIVIDED_BY_ZERO, Fault, OVERFLOW } from './fault.ts';
import { func, type Overload } from './overload.ts';
import { durationOf, timestampAt } from './time.ts';
import { BOOL, DOUBLE, DURATION, DYN, INT, listOf, STRING, TIMESTAMP, type Type } from './type.ts';
import { compare } from './value.ts';

const LIST = listOf(DYN);

/** Returns `value` when it fits in 64 bits (CEL "Overflow"). Throws Fault. */
export const int64 = (value: bigint): bigint => {
  if (BigInt.asIntN(64, value) !== value) throw OVERFLOW;
  return value;
};

const divisor = (value: bigint): bigint => {
  if (value === 0n) throw DIVIDED_BY_ZERO;
  return value;
};

const ARITHMETIC: readonly Overload[] = [
  func('_+_', [INT, INT], INT, (a, b) => int64(a + b)),
  func('_-_', [INT, INT], INT, (a, b) => int64(a - b)),
  func('_*_', [INT, INT], INT, (a, b) => int64(a * b)),
  func('_/_', [INT, INT], INT, (a, b) => int64(a / divisor(b))),
  func('_%_', [INT, INT], INT, (a, b) => a % divisor(b)),
  func('-_', [INT], INT, (a) => int64(-a)),
  func('_+_', [DOUBLE, DOUBLE], DOUBLE, (a, b) => a + b),
  func('_-_', [DOUBLE, DOUBLE], DOUBLE, (a, b) => a - b),
  func('_*_', [DOUBLE, DOUBLE], DOUBLE, (a, b) => a * b),
  func('_/_', [DOUBLE, DOUBLE], DOUBLE, (a, b) => a / b),
  func('-_', [DOUBLE], DOUBLE, (a) => -a),
  func('_+_', [STRING, STRING], STRING, (a, b) => joined(a, b), { cost: (a, b) => (a.length + b.length) / 64 }),
  func('_+_', [LIST, LIST], LIST, (a, b) => [...a, ...b], { cost: (a, b) => (a.length + b.length) / 16 }),
  func('_+_', [TIMESTAMP, DURATION], TIMESTAMP, (a, b) => timestampAt(a.nanos + b.nanos)),
  func('_+_', [DURATION, TIMESTAMP], TIMESTAMP, (a, b) => timestampAt(a.nanos + b.nanos)),
  func('_+_', [DURATION, DURATION], DURATION, (a, b) => durationOf(a.nanos + b.nanos)),
  func('_-_', [TIMESTAMP, TIMESTAMP], DURATION, (a, b) => durationOf(a.nanos - b.nanos)),
  func('_-_', [TIMESTAMP, DURATION], TIMESTAMP, (a, b) => timestampAt(a.nanos - b.nanos)),
  func('_-_', [DURATION, DURATION], DURATION, (a, b) => durationOf(a.nanos - b.nanos)),
];

// Twice the largest body that is inspected by default; far below what V8 can hold.
const LONGEST = 32 * 1024 ** 2;
const TOO_LONG = new Fault('the text is too long');

const joined = (a: string, b: string): string => {
  if (a.length + b.length > LONGEST) throw TOO_LONG;
  return a + b;
};

const ORDERED: readonly (readonly [Type, Type])[] = [
  [INT, INT],
  [DOUBLE, DOUBLE],
  [INT, DOUBLE],
  [DOUBLE, INT],
  [STRING, STRING],
  [BOOL, BOOL],
  [TIMESTAMP, TIMESTAMP],
  [DURATION, DURATION],
];

const ORDERINGS: readonly Overload[] = ORDERED.flatMap((params) => [
  func('_<_', params, BOOL, (a, b) => compare(a, b) < 0),
  func('_<=_', params, BOOL, (a, b) => compare(a, b) <= 0),
  func('_>_', params, BOOL, (a, b) => compare(a, b) > 0),
  func('_>=_', params, BOOL, (a, b) => compare(a, b) >= 0),
]);

export const OPERATORS: readonly Overload[] = [
  // By far the most common, so it has its own code.
  func('_<_', [INT, INT], BOOL, (a, b) => a < b),
  func('_<=_', [INT, INT], BOOL, (a, b) => a <= b),
  func('_>_', [INT, INT], BOOL, (a, b) => a > b),
  func('_>=_', [INT, INT], BOOL, (a, b) => a >= b),
  ...ORDERINGS.filter(({ params: [a, b] }) => a !== INT || b !== INT),
  ...ARITHMETIC,
  func('!_', [BOOL], BOOL, (a) => !a),
];
