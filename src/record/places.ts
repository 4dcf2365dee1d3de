/** Where a session stands in its journals, as the index keeps it: its key page first, then each of its frames. */

import type { Position } from './watermarks.ts';

/** Returns positions as text: each as the distance from the one before, in base 36. */
export function placesText(places: readonly Position[]): string {
  let text = '';
  let last = 0;
  for (const place of places) {
    text += `${text === '' ? '' : ' '}${(place - last).toString(36)}`;
    last = place;
  }
  return text;
}

/** Returns what `placesText` was given. Throws when it is something else. */
export function readPlaces(text: string): readonly Position[] {
  let last = 0;
  return text.split(' ').map((distance) => {
    last += Number.parseInt(distance, 36);
    if (!Number.isSafeInteger(last) || last < 0) throw new Error('expected distances in base 36');
    return last;
  });
}
