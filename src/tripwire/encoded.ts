/** Base64 and hexadecimal of texts of some length: what they say is looked at once. */

import type { Weighed } from './unseen.ts';

/** A run of their units is at least so long, and at most. */
const SHORTEST = 24;
const LONGEST = 4096;
/** More are not looked at in one text. */
const MOST_RUNS = 16;
const NONE: readonly Weighed[] = [];

const isInRun = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) ||
  (code >= 0x41 && code <= 0x5a) ||
  (code >= 0x30 && code <= 0x39) ||
  code === 0x2b ||
  code === 0x2d ||
  code === 0x2f ||
  code === 0x5f;

interface Run {
  readonly start: number;
  readonly end: number;
}

const PADDING = /={0,2}(?!=)/y;

/** Returns a run with its padding, null for what is none for its length or what stands around it. */
const padded = (text: string, { start, end }: Run): Run | null => {
  if (end - start < SHORTEST || end - start > LONGEST || text.charAt(start - 1) === '=') return null;
  PADDING.lastIndex = end;
  return PADDING.test(text) && !isInRun(text.charCodeAt(PADDING.lastIndex)) ? { start, end: PADDING.lastIndex } : null;
};

/** Returns the runs of a text. Looks at where each would be long enough first: nearly everywhere none is. */
const runsIn = (text: string): readonly Run[] => {
  const runs: Run[] = [];
  for (let start = 0; start + SHORTEST <= text.length && runs.length < MOST_RUNS; ) {
    let at = start + SHORTEST - 1;
    while (at >= start && isInRun(text.charCodeAt(at))) at--;
    if (at >= start) {
      start = at + 1;
      continue;
    }
    let end = start + SHORTEST;
    while (end < text.length && isInRun(text.charCodeAt(end))) end++;
    const run = padded(text, { start, end });
    if (run !== null) runs.push(run);
    start = end + 1;
  }
  return runs;
};

const decodedOf = (run: string): string => {
  const bytes = Buffer.from(run, /^[\da-fA-F]+$/.test(run) && run.length % 2 === 0 ? 'hex' : 'base64');
  const text = bytes.toString('latin1');
  // prose has spaces; a digest, a key or a picture has other bytes
  return /^[\t\n\r\x20-\x7e\x80-\xff]{16}/.test(text) && text.includes(' ') ? bytes.toString('utf8') : '';
};

/** Returns those of a text that say what `trips`. */
export const encodedIn = (text: string, place: string, trips: (said: string) => boolean): readonly Weighed[] => {
  const runs = runsIn(text);
  if (runs.length === 0) return NONE;
  return runs.flatMap(({ start, end }): readonly Weighed[] => {
    const said = decodedOf(text.slice(start, end));
    return said !== '' && trips(said) ? [{ kind: 'encoded', place, start, end, weight: 0.9 }] : NONE;
  });
};
