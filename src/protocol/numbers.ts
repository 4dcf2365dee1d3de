/** Settings of a request that are numbers or flags, read strictly: a server that coerces must not read another value. */

import { Failure } from '../reasons.ts';
import { type JsonObject, member } from './value.ts';

/** Every spelling of the output limit that model servers read. */
export const LIMIT_NAMES: readonly string[] = [
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'max_new_tokens',
  'max_tokens_to_sample',
  'maxOutputTokens',
  'n_predict',
  'num_predict',
];

const wrong = (name: string, expected: string): Failure =>
  new Failure('body-unreadable', `expected ${name} to be ${expected}`, {
    detail: `Expected ${name} to be ${expected}.`,
  });

/** Returns the whole number, null when unset or null. Throws Failure `body-unreadable` for anything else. */
export const wholeNumber = (body: JsonObject, name: string): number | null => {
  const value = member(body, name) ?? null;
  if (value === null) return null;
  if (Number.isSafeInteger(value)) return Number(value);
  throw wrong(name, 'a whole number');
};

/** Returns the number, null when unset or null. Throws Failure `body-unreadable` for anything else. */
export const finiteNumber = (body: JsonObject, name: string): number | null => {
  const value = member(body, name) ?? null;
  if (value === null) return null;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw wrong(name, 'a number');
};

/** Returns the flag, `otherwise` when unset or null. Throws Failure `body-unreadable` for anything else. */
export const flag = (body: JsonObject, name: string, otherwise = false): boolean => {
  const value = member(body, name) ?? otherwise;
  if (typeof value === 'boolean') return value;
  throw wrong(name, 'true or false');
};

/** Returns the string, '' when unset or null. Throws Failure `body-unreadable` for anything else. */
export const word = (body: JsonObject, name: string): string => {
  const value = member(body, name) ?? '';
  if (typeof value === 'string') return value;
  throw wrong(name, 'a string');
};

/**
 * Returns the output limit under whichever names it is set, null when under none. Servers differ in which name wins, so
 * the largest counts; a negative one asks for no limit at all.
 */
export const outputLimit = (body: JsonObject): number | null => {
  let limit: number | null = null;
  for (const name of LIMIT_NAMES) {
    const value = wholeNumber(body, name);
    if (value === null) continue;
    limit = Math.max(limit ?? 0, value < 0 ? Number.MAX_SAFE_INTEGER : value);
  }
  return limit;
};
