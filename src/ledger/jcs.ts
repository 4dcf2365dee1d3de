/** Canonical JSON: RFC 8785 (JCS), for the part of JSON that leaves use. Fractions are refused, not rounded. */

import { Malformed } from './malformed.ts';
import { decodeUtf8, encodeUtf8 } from './text.ts';

/** What canonical JSON can carry here. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

// Deeper than any leaf, and far from the end of the stack.
const MAX_DEPTH = 16;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/**
 * Throws Malformed for what canonical JSON cannot carry; else returns true when the members of every object are in
 * order already. RFC 8785 §3.2.3: names by their UTF-16 code units, as strings compare.
 */
const isInOrder = (value: unknown, depth: number): boolean => {
  if (depth > MAX_DEPTH) throw new Malformed(`JSON nested deeper than ${MAX_DEPTH}`);
  if (typeof value === 'string') {
    // RFC 8785 §3.2.2.2: a lone surrogate is an error. JSON.stringify would escape it.
    if (!value.isWellFormed()) throw new Malformed('text with a lone surrogate');
    return true;
  }
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new Malformed(`${value} is not an integer that is exact in JSON`);
    return true;
  }
  if (value === null || typeof value === 'boolean') return true;
  let inOrder = true;
  if (Array.isArray(value)) {
    for (const item of value) if (!isInOrder(item, depth + 1)) inOrder = false;
    return inOrder;
  }
  if (!isObject(value) || typeof value['toJSON'] === 'function') throw new Malformed(`a ${typeof value} in JSON`);
  let last: string | null = null;
  for (const name of Object.keys(value)) {
    if (last !== null && name < last) inOrder = false;
    last = name;
    if (!isInOrder(name, depth + 1) || !isInOrder(value[name], depth + 1)) inOrder = false;
  }
  return inOrder;
};

/** Writes what `isInOrder` has let pass. */
const writeInOrder = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(writeInOrder).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${writeInOrder(value[name])}`);
  return `{${members.join(',')}}`;
};

// RFC 8785 §3.2.2: strings and numbers as ECMAScript writes them. So what is in order already needs one native pass,
// which takes a twentieth of the time (two leaves a call are written on the recorder thread).
const write = (value: unknown): string => (isInOrder(value, 0) ? JSON.stringify(value) : writeInOrder(value));

/** Returns the canonical bytes of `value`. Throws Malformed for what it cannot carry. */
export const encodeJcs = (value: unknown): Uint8Array => encodeUtf8(write(value));

/**
 * Returns the value of canonical bytes. Throws Malformed for JSON in any other than its one canonical form: spaces,
 * another order, a member twice, a needless escape, a fraction.
 */
export const decodeJcs = (bytes: Uint8Array): unknown => {
  const text = decodeUtf8(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Malformed('bytes that are not JSON', { cause: error });
  }
  if (write(value) !== text) throw new Malformed('JSON that is not in its canonical form (RFC 8785)');
  return value;
};
