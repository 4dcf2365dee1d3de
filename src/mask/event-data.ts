/** Renders the data of one event with the texts that a mask puts in. */

import type { JsonStep } from '../call.ts';
import { parseJson } from '../protocol/json.ts';
import { editJson } from '../protocol/json-edit.ts';
import { isPlainWord } from '../protocol/strings.ts';
import type { RecentStrings } from './recent-strings.ts';

/** What stands at one place of an event. */
export interface Place {
  readonly path: readonly JsonStep[];
  readonly text: string;
}

const isAt = (place: Place, path: readonly JsonStep[]): boolean => {
  if (place.path.length !== path.length) return false;
  for (let i = path.length - 1; i >= 0; i--) if (place.path[i] !== path[i]) return false;
  return true;
};

/**
 * Returns the JSON text with the places filled in and every other string masked; the very same text when nothing
 * changes. Throws Failure `answer-unreadable` when two masked member names come out alike.
 */
export const maskEventData = (
  text: string,
  document: unknown,
  places: readonly Place[],
  strings: RecentStrings,
): string => {
  const { codec, operation } = strings.mask;
  let renamed = false;
  const masked = editJson(text, {
    string: (path, value) => places.find((place) => isAt(place, path))?.text ?? strings.at(path, value, document),
    name(_, name) {
      if (isPlainWord(name)) return name;
      const is = strings.text(name);
      if (is !== name) renamed = true;
      return is;
    },
    withhold: (path) => codec.leaks(operation, path),
  });
  if (renamed) parseJson(masked, 'answer-unreadable', { loneSurrogates: 'keep' });
  return masked;
};
