/** What stream readers share: channels, and what to do with shapes that nobody knows. */

import { Failure } from '../../reasons.ts';
import type { EventReading } from '../codec.ts';
import { isPlainWord, looksLikeData } from '../strings.ts';
import { isObject, type JsonObject } from '../value.ts';

/** Members whose value names or numbers something; it is not what the model says. */
const NAMES: ReadonlySet<string> = new Set(['id', 'object', 'model', 'type', 'system_fingerprint', 'service_tier']);

/** Returns true for a value that holds more than numbers, words, ids and names. */
const holdsText = (value: unknown): boolean => {
  if (typeof value === 'string') return value !== '' && !isPlainWord(value);
  if (Array.isArray(value)) return value.some(holdsText);
  if (!isObject(value)) return false;
  return Object.entries(value).some(([name, inner]) => {
    const named = NAMES.has(name) || name.endsWith('_id');
    if (named && typeof inner === 'string') return !looksLikeData(inner);
    return !isPlainWord(name) || holdsText(inner);
  });
};

/** Returns the event's data as an object. Throws Failure `answer-unreadable` for any other value. */
export const eventObject = (value: unknown): JsonObject => {
  if (isObject(value)) return value;
  throw new Failure('answer-unreadable', 'expected the data of an event to be an object');
};

/** Returns the position, `otherwise` when unset. Throws Failure `answer-unreadable` for anything but a position. */
export const positionOf = (value: unknown, otherwise: number): number => {
  if (value === undefined || value === null) return otherwise;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new Failure('answer-unreadable', 'expected an index of a stream to be a position');
};

/** What an event means that carries nothing to follow. */
export const NOTHING: EventReading = { deltas: [], closes: [], usage: null, signature: null };

/** What an event means that ends the stream. */
export const THE_END: EventReading = { ...NOTHING, closes: 'all' };

/**
 * Returns NOTHING for an event of unknown shape that holds no text. Throws Failure `answer-unreadable` when it does:
 * text whose fragments nobody can follow cannot be masked.
 */
export const unknownEvent = (value: unknown): EventReading => {
  if (!holdsText(value)) return NOTHING;
  throw new Failure('answer-unreadable', 'expected an event that the protocol defines, found an unknown one with text');
};
