/** What is left of a number when its punctuation is taken away. */

/** A space in a URL: its digits are none of the number's. */
export const URL_SPACE = '%20';

const PERCENT = 0x25;
const isDigit = (unit: number): boolean => unit >= 0x30 && unit <= 0x39;
const isLetter = (unit: number): boolean => (unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a;

/** Returns the units of a match that are wanted. Most matches are a few stretches of them: an expression takes twice as long. */
const only = (match: string, isWanted: (unit: number) => boolean): string => {
  let kept = '';
  let from = -1;
  for (let at = 0; at < match.length; at++) {
    const unit = match.charCodeAt(at);
    if (isWanted(unit)) {
      if (from < 0) from = at;
      continue;
    }
    if (from >= 0) kept += match.slice(from, at);
    from = -1;
    if (unit === PERCENT && match.startsWith(URL_SPACE, at)) at += URL_SPACE.length - 1;
  }
  return from < 0 ? kept : from === 0 ? match : kept + match.slice(from);
};

/** Returns the digits of a match. */
export const digitsOf = (match: string): string => only(match, isDigit);

/** Returns the letters and digits of a match, as they are. */
export const compact = (match: string): string => only(match, (unit) => isDigit(unit) || isLetter(unit));
