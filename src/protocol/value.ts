/** Looking into parsed JSON of unknown shape. */

import type { JsonStep } from '../call.ts';

/** A parsed JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Returns true for a JSON object, false for an array, null and scalars. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns the own member of an object, undefined when the value is no object or has no such member. */
export const member = (value: unknown, name: string): unknown =>
  isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;

/** Returns the string member of an object, '' when there is none. */
export const stringMember = (value: unknown, name: string): string => {
  const found = member(value, name);
  return typeof found === 'string' ? found : '';
};

/** Returns the items of an array, none when the value is no array. */
export const itemsOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Returns the value at a path's first `length` steps, undefined when the path leads nowhere. */
export const valueAt = (document: unknown, path: readonly JsonStep[], length: number = path.length): unknown => {
  let value = document;
  for (let i = 0; i < length; i++) {
    const step = path[i];
    if (typeof step === 'number') value = itemsOf(value)[step];
    else if (step !== undefined) value = member(value, step);
  }
  return value;
};
