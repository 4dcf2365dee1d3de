/** JSON objects as tokens, key sets and discovery documents hold them: read strictly, trusted for nothing. */

import { readJson } from '../protocol/json/json.ts';
import { Failure } from '../reasons.ts';

/** A JSON object whose members nobody has checked. Ask with `Object.hasOwn` or a `typeof`: absent members may inherit. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Returns true when `value` is a JSON object. */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns the one JSON object that the bytes hold; null for other JSON, broken UTF-8 or repeated member names. */
export function readJsonObject(bytes: Buffer): JsonObject | null {
  try {
    const { value } = readJson(bytes, 'token-malformed');
    return isJsonObject(value) ? value : null;
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
}

/** Returns `value` with everything in it frozen: many calls share the claims of one remembered token. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
