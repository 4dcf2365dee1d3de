/** Runs of characters that nobody sees: a place to hide orders in. */

import type { Trip } from '../call.ts';

/** A flag of a region is spelled in tags, too, behind a black flag. */
const UNSEEN_RUNS: readonly { readonly kind: string; readonly weight: number; readonly runs: RegExp }[] = [
  { kind: 'invisible', weight: 0.9, runs: /(?<![\u{1F3F4}\u{E0020}-\u{E007F}])[\u{E0020}-\u{E007F}]{4,4096}/gu },
  { kind: 'invisible', weight: 0.8, runs: /[\u{E0100}-\u{E01EF}]{4,4096}/gu },
  { kind: 'invisible', weight: 0.6, runs: /[\u200B\u200C\u2060-\u2064\uFEFF\u180E]{8,4096}/gu },
  { kind: 'invisible', weight: 0.5, runs: /[\u202D\u202E][^\u202C\n]{1,400}/gu },
];
const MAY_BE_UNSEEN = /[\u180E\u200B\u200C\u202D\u202E\u2060-\u2064\uFEFF\u{E0020}-\u{E01EF}]/u;
/** More are not told of one text. */
const MOST_RUNS = 16;

/** A trip and how much it says by itself, 0 to 1. */
export interface Weighed extends Trip {
  readonly weight: number;
}

/** Returns the runs in a text that nobody sees. */
export const unseenIn = (text: string, place: string): readonly Weighed[] => {
  if (!MAY_BE_UNSEEN.test(text)) return [];
  return UNSEEN_RUNS.flatMap(({ kind, weight, runs }) =>
    [...text.matchAll(runs).take(MOST_RUNS)].map(({ 0: run, index }) => ({
      kind,
      place,
      start: index,
      end: index + run.length,
      weight,
    })),
  );
};
