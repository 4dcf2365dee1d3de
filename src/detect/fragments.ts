/** Pieces that patterns of several families share. Each is a string for `re` and `rei`. */

/** Letters of the Latin, Greek and Cyrillic alphabets beyond ASCII: what names in addresses are written with. */
export const LETTERS = String.raw`\u00c0-\u024f\u0370-\u052f`;

/**
 * Not in the middle of a word. JSON inside JSON, and code, have `\n`, `\r` and `\t` spelt out ahead of a word; their
 * letter is not part of it.
 */
export const WORD_START = String.raw`(?:(?<![A-Za-z0-9_])|(?<=\\[nrt]))`;
/** As WORD_START, for tokens whose own beginning is so telling that an underscore ahead of it means nothing. */
export const TOKEN_START = String.raw`(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))`;
/** Not within a word. */
export const WORD_END = '(?![A-Za-z0-9_])';
/** Not within a word, nor ahead of a decimal part. */
export const NUMBER_END = String.raw`(?![A-Za-z0-9_]|\.\d)`;

/** Inside of a class: the hyphens and spaces that models and typesetters put between groups of digits. */
export const HYPHENS = String.raw`\-\u2010-\u2013`;
export const SPACES = String.raw` \u00a0\u2009\u202f`;
/** The units of tokens in base64url. */
export const TOKEN = String.raw`A-Za-z0-9_\-`;
