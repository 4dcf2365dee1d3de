/** Where in a protocol's documents a string is data, JSON in a string, or text. */

import type { JsonStep } from '../call.ts';
import { Failure } from '../reasons.ts';
import type { StringKind } from './codec.ts';
import { isBase64Uri, looksLikeData } from './strings.ts';
import { stringMember, valueAt } from './value.ts';

/** What is known of the strings under one member name. */
export type PlaceRule =
  /** An id or opaque token. */
  | { readonly kind: 'id' }
  /** JSON in a string. */
  | { readonly kind: 'json' }
  /** Base64 content where the object around has this `type`, or where `parent` is the member that holds the object. */
  | { readonly kind: 'base64'; readonly types: readonly string[]; readonly parents: readonly string[] }
  /** A data URI or an address: only the former is data. */
  | { readonly kind: 'uri' };

/** The places of one protocol. */
export interface Places {
  /** By the last member name of a string's path. */
  readonly rules: Readonly<Record<string, PlaceRule>>;
  /** Members whose content has no fixed shape (schemas, arguments, metadata): no rule holds inside. */
  readonly free: ReadonlySet<string>;
}

/** Returns the last member name of a path, '' when it has none; array positions count as their array. */
const lastName = (path: readonly JsonStep[]): string => {
  for (let i = path.length - 1; i >= 0; i--) {
    const step = path[i];
    if (typeof step === 'string') return step;
  }
  return '';
};

const insideFree = (places: Places, path: readonly JsonStep[]): boolean => {
  for (let i = 0; i < path.length - 1; i++) {
    const step = path[i];
    if (typeof step === 'string' && places.free.has(step)) return true;
  }
  return false;
};

const isData = (rule: PlaceRule, path: readonly JsonStep[], text: string, document: unknown): boolean => {
  if (rule.kind === 'id') return looksLikeData(text);
  if (rule.kind === 'uri') return isBase64Uri(text);
  if (rule.kind === 'json') return false;
  if (!looksLikeData(text) && !isBase64Uri(text)) return false;
  const parent = path.at(-2);
  if (typeof parent === 'string' && rule.parents.includes(parent)) return true;
  return rule.types.includes(stringMember(valueAt(document, path, path.length - 1), 'type'));
};

/** Returns what the string at this place is. */
export const kindAt = (places: Places, path: readonly JsonStep[], text: string, document: unknown): StringKind => {
  const name = lastName(path);
  // Own members only: a member may be named like a method of every object.
  const rule = Object.hasOwn(places.rules, name) ? places.rules[name] : undefined;
  if (rule === undefined || insideFree(places, path)) return 'text';
  if (rule.kind === 'json') return 'json';
  return isData(rule, path, text, document) ? 'data' : 'text';
};

/**
 * Returns what the growing string at this place of an event is. Throws Failure `answer-unreadable` for text where data
 * belongs: a later fragment of it might look like data, and pass.
 */
export const growingKindAt = (
  places: Places,
  path: readonly JsonStep[],
  text: string,
  document: unknown,
): StringKind => {
  const kind = kindAt(places, path, text, document);
  if (kind !== 'text' || kindAt(places, path, 'a', document) === 'text') return kind;
  throw new Failure('answer-unreadable', 'expected data where a stream has data, found text');
};
