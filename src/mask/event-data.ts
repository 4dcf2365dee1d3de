/** Renders the data of one event with the texts that a mask puts in. */

import type { JsonStep } from '../call.ts';
import { parseJson } from '../protocol/json/json.ts';
import { editingJson } from '../protocol/json/json-edit.ts';
import { isPlainWord } from '../protocol/strings.ts';
import type { Steps } from '../turns.ts';
import type { RecentStrings } from './recent-strings.ts';

/** What stands at one place of an event. */
export interface Place {
  readonly path: readonly JsonStep[];
  readonly text: string;
}

/** The data of an event after masking. */
export interface MaskedData {
  readonly text: string;
  /** Index of the opening quote of the last place in the data as it came; -1 when there is none. */
  readonly at: number;
}

const isAt = (place: Place, path: readonly JsonStep[]): boolean => {
  if (place.path.length !== path.length) return false;
  for (let i = path.length - 1; i >= 0; i--) if (place.path[i] !== path[i]) return false;
  return true;
};

/** More places than this are looked up, not gone through. */
const FEW = 8;

const finder = (places: readonly Place[]): ((path: readonly JsonStep[]) => Place | undefined) => {
  if (places.length <= FEW) return (path) => places.find((candidate) => isAt(candidate, path));
  // the first of two at one place counts
  const byPath = new Map(places.toReversed().map((place) => [JSON.stringify(place.path), place]));
  return (path) => byPath.get(JSON.stringify(path));
};

/**
 * Returns, in steps, the JSON text with the places filled in and every other string masked; the very same text when nothing
 * changes. Throws Failure `answer-unreadable` when two masked member names come out alike.
 */
export function* maskingEventData(
  text: string,
  document: unknown,
  places: readonly Place[],
  strings: RecentStrings,
): Steps<MaskedData> {
  const { codec, operation } = strings.mask;
  let renamed = false;
  let found = -1;
  const placeAt = finder(places);
  const masked = yield* editingJson(text, {
    string(path, value, at) {
      const place = placeAt(path);
      if (place === undefined) return strings.at(path, value, document);
      found = at;
      return place.text;
    },
    long: (path, value) => (placeAt(path) === undefined ? strings.long(path, value, document) : undefined),
    name(_, name) {
      if (isPlainWord(name)) return name;
      const is = strings.text(name);
      if (is !== name) renamed = true;
      return is;
    },
    withhold: (path) => codec.leaks(operation, path),
  });
  if (renamed) parseJson(masked, 'answer-unreadable', { loneSurrogates: 'keep' });
  return { text: masked, at: found };
}
