/** Pieces that patterns of several families share. Each is a string for `re` and `rei`. */

/** Letters of the Latin, Greek and Cyrillic alphabets beyond ASCII: what names in addresses are written with. */
export const LETTERS = String.raw`\u00c0-\u024f\u0370-\u052f`;

/**
 * What may stand ahead of an entity though it ends in a letter or digit: escapes of JSON inside JSON and of code
 * (`\\n`, `\\u00e9`), and of URLs (`%20`).
 */
export const ESCAPE = String.raw`\\[nrtbf]|\\u[0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f]|%[2-57][0-9A-Fa-f]|%0[9ADad]`;

/** Not in the middle of a word; an underscore that nothing stands ahead of is emphasis in Markdown. */
export const WORD_START = String.raw`(?:(?<![A-Za-z0-9_])|(?<=_)(?<![A-Za-z0-9_]_)|(?<=${ESCAPE}))`;
/** As WORD_START, for tokens whose own beginning is so telling that an underscore ahead of it means nothing. */
export const TOKEN_START = String.raw`(?:(?<![A-Za-z0-9])|(?<=${ESCAPE}))`;
/** Not within a word. */
export const WORD_END = '(?![A-Za-z0-9]|_[A-Za-z0-9])';
/** Not within a word, nor ahead of a decimal part. */
export const NUMBER_END = String.raw`(?![A-Za-z0-9]|_[A-Za-z0-9]|\.\d)`;

/** What stands between groups of digits, as it is once the text is folded (fold.ts), or in a URL. */
export const BETWEEN = String.raw`(?:[ \-]|%20)`;
/** The same, and the dot. */
export const BETWEEN_OR_DOT = String.raw`(?:[ \-.]|%20)`;
/** The units of tokens in base64url. */
export const TOKEN = String.raw`A-Za-z0-9_\-`;
