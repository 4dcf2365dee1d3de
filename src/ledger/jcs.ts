/** Canonical JSON: RFC 8785 (JCS), for the part of JSON that leaves use. Fractions are refused, not rounded. */

import { Malformed } from './malformed.ts';
import { decodeUtf8, encodeUtf8 } from './text.ts';

/** What canonical JSON can carry here. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

// Deeper than any leaf, and far from the end of the stack.
const MAX_DEPTH = 16;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const write = (value: unknown, depth: number): string => {
  if (depth > MAX_DEPTH) throw new Malformed(`JSON nested deeper than ${MAX_DEPTH}`);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') {
    // RFC 8785 §3.2.2.2: a lone surrogate is an error. JSON.stringify would escape it.
    if (!value.isWellFormed()) throw new Malformed('text with a lone surrogate');
    return JSON.stringify(value);
  }
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new Malformed(`${value} is not an integer that is exact in JSON`);
    // RFC 8785 §3.2.2.3: numbers as ECMAScript writes them; minus zero is 0.
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map((item) => write(item, depth + 1)).join(',')}]`;
  if (!isObject(value)) throw new Malformed(`a ${typeof value} in JSON`);
  // RFC 8785 §3.2.3: names by their UTF-16 code units, which is the order of sort() without a comparison.
  const members = Object.keys(value)
    .sort()
    .map((name) => `${write(name, depth + 1)}:${write(value[name], depth + 1)}`);
  return `{${members.join(',')}}`;
};

/** Returns the canonical bytes of `value`. Throws Malformed for what it cannot carry. */
export const encodeJcs = (value: Json): Uint8Array => encodeUtf8(write(value, 0));

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
  if (write(value, 0) !== text) throw new Malformed('JSON that is not in its canonical form (RFC 8785)');
  return value;
};
