/** Values of the policy language at run time: what they are, when they are equal, how they are ordered. */

import { NO_OVERLOAD } from './fault.ts';
import { Duration, Timestamp, type Type, TypeValue } from './type.ts';

type Kind = 'bool' | 'int' | 'double' | 'string' | 'null_type' | 'timestamp' | 'duration' | 'type' | 'list' | 'map';

const OF_TYPEOF: Readonly<Record<string, Kind>> = {
  bigint: 'int',
  number: 'double',
  string: 'string',
  boolean: 'bool',
};

/** Returns what a value is; null for a struct, which is itself only. */
export const kindOf = (value: unknown): Kind | null => {
  if (typeof value !== 'object') return OF_TYPEOF[typeof value] ?? null;
  if (value === null) return 'null_type';
  if (Array.isArray(value)) return 'list';
  if (value instanceof Map) return 'map';
  if (value instanceof Timestamp) return 'timestamp';
  if (value instanceof Duration) return 'duration';
  return value instanceof TypeValue ? 'type' : null;
};

/** Returns whether a value can be of `type`; the items of lists and maps are not looked at. */
export const isOf = (value: unknown, type: Type): boolean => {
  if (type.kind === 'scalar') return type.name === 'dyn' || kindOf(value) === type.name;
  return type.kind === 'struct' ? kindOf(value) === null : kindOf(value) === type.kind;
};

/** Returns `value` when it is a key that maps can have: a double that is a whole number is the int (CEL "Numeric values"). */
export const asKey = (value: unknown): unknown =>
  typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;

const equalLists = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((item, at) => equals(item, b[at]));

const equalMaps = (a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>): boolean => {
  if (a.size !== b.size) return false;
  for (const [key, item] of a) if (!b.has(key) || !equals(item, b.get(key))) return false;
  return true;
};

/** Returns whether two values are equal. Numbers are compared as numbers; values of different types are not equal. */
export const equals = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (typeof a === 'number' && typeof b === 'bigint') return a === Number(b) && BigInt(a) === b;
  if (typeof a === 'bigint' && typeof b === 'number') return equals(b, a);
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  if (Array.isArray(a)) return Array.isArray(b) && equalLists(a, b);
  if (a instanceof Map) return b instanceof Map && equalMaps(a, b);
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanos === b.nanos;
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos;
  return a instanceof TypeValue && b instanceof TypeValue && a.name === b.name;
};

const isSurrogate = (unit: number): boolean => unit >= 0xd8_00 && unit <= 0xdf_ff;

/** Orders texts by their code points (CEL "Ordering"); JavaScript's own order is by UTF-16 units. */
const compareTexts = (a: string, b: string): number => {
  if (a === b) return 0;
  let at = 0;
  while (at < a.length && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  if (at === a.length || at === b.length) return a.length - b.length;
  const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
  // A surrogate stands for a code point beyond every single unit.
  if (isSurrogate(left) !== isSurrogate(right)) return isSurrogate(left) ? 1 : -1;
  return left - right;
};

const compareNumbers = (a: number | bigint, b: number | bigint): number => {
  // Through doubles, as CEL's other implementations compare an int with a double.
  const [left, right] = typeof a === typeof b ? [a, b] : [Number(a), Number(b)];
  if (left < right) return -1;
  return left > right ? 1 : left === right ? 0 : NaN;
};

const isNumber = (value: unknown): value is number | bigint => typeof value === 'number' || typeof value === 'bigint';

/** Returns a negative number, zero or a positive number as `a` is before `b`, equal or after; NaN when neither. Throws Fault. */
export const compare = (a: unknown, b: unknown): number => {
  if (isNumber(a) && isNumber(b)) return compareNumbers(a, b);
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (a instanceof Timestamp && b instanceof Timestamp) return compareNumbers(a.nanos, b.nanos);
  if (a instanceof Duration && b instanceof Duration) return compareNumbers(a.nanos, b.nanos);
  throw NO_OVERLOAD;
};

/**
 * Returns a JSON value as the language sees it: whole numbers are int, other numbers double, objects maps. Anything that
 * JSON cannot carry is null.
 */
export const fromJson = (value: unknown): unknown => {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value !== 'object' || value === null) return null;
  return new Map(Object.entries(value).map(([key, item]) => [key, fromJson(item)]));
};
