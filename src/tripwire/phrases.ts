/** What the wires for injections are put together from. */

import type { Wire } from './wire.ts';

/** Returns a wire; `source` matches whatever its case, and in all scripts. */
export const phrase = (kind: string, weight: number, starts: readonly string[], source: string): Wire => ({
  kind,
  starts,
  pattern: new RegExp(source, 'iuy'),
  weight,
});

/** What stands between two words, in a text that may be made to be read by nobody. */
export const G = String.raw`[\s,.:;'"_*-]{1,6}`;
/** Up to so many short words in between. */
export const few = (most: number): string => String.raw`(?:[\p{L}\w'’]{1,14}[\s,]{1,3}){0,${most}}`;
