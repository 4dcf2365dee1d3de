/** What is left of a number when its punctuation is taken away. */

/** A space in a URL: its digits are none of the number's. */
export const URL_SPACE = '%20';

/** Returns the digits of a match. */
export const digitsOf = (match: string): string => match.replaceAll(URL_SPACE, '').replace(/\D/g, '');

/** Returns the letters and digits of a match, as they are. */
export const compact = (match: string): string => match.replaceAll(URL_SPACE, '').replace(/[^A-Za-z0-9]/g, '');
