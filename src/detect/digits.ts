/** What is left of a number when its punctuation is taken away. */

/** A space in a URL: its digits are none of the number's. */
export const URL_SPACE = '%20';

/** `replaceAll` costs a call into the runtime even where there is nothing to replace. */
const withoutSpaces = (match: string): string => (match.includes('%') ? match.replaceAll(URL_SPACE, '') : match);

/** Returns the digits of a match. */
export const digitsOf = (match: string): string => withoutSpaces(match).replace(/\D/g, '');

/** Returns how many digits `digitsOf` returns, at most: a cheap look before it. */
export const countDigits = (match: string): number => {
  let count = 0;
  for (let at = 0; at < match.length; at++) {
    const unit = match.charCodeAt(at);
    if (unit >= 0x30 && unit <= 0x39) count += 1;
  }
  return count;
};

/** Returns the letters and digits of a match, as they are. */
export const compact = (match: string): string => withoutSpaces(match).replace(/[^A-Za-z0-9]/g, '');
