/** Numbers that JSON does not have and model servers write all the same: NaN, Infinity and -Infinity. */

import { endOfLiteral, endOfString, isSpace } from './json-lexer.ts';

const NON_FINITE: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

/** Returns the number that a literal stands for when it is none of JSON's, null otherwise. */
export const nonFiniteOf = (literal: string): number | null =>
  Object.hasOwn(NON_FINITE, literal) ? (NON_FINITE[literal] ?? null) : null;

/** Brackets, braces, comma, colon and white space. */
const isDelimiter = (code: number): boolean =>
  code === 0x2c || code === 0x3a || code === 0x5b || code === 0x5d || code === 0x7b || code === 0x7d || isSpace(code);

/**
 * Returns the text with 0 in the place of every such number; the very same text when it has none. What is in strings
 * stays. The text need not be valid: what is wrong in it stays wrong.
 */
export const finiteText = (text: string): string => {
  // Nearly every text has none of these words.
  if (!text.includes('NaN') && !text.includes('Infinity')) return text;
  let out = '';
  let kept = 0;
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      const close = endOfString(text, at);
      if (close === -1) break;
      at = close + 1;
    } else if (isDelimiter(code)) at++;
    else {
      const end = Math.max(endOfLiteral(text, at), at + 1);
      if (nonFiniteOf(text.slice(at, end)) !== null) {
        out += `${text.slice(kept, at)}0`;
        kept = end;
      }
      at = end;
    }
  }
  return kept === 0 ? text : out + text.slice(kept);
};
