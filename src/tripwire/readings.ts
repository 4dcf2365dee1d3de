/**
 * Other readings of a text: what a model makes of it and no pattern does. Each undoes one way to spell that is no cipher,
 * and costs a look at the text as long as nothing in it is spelled so.
 */

/** `&#105;`, `&#x69;`, `%69`, `\u0069`, `\x69`: printable ASCII by its number. */
const NUMBERED = /&#(\d{2,3});|&#x([2-7][\da-f]);|%([2-7][\da-f])|\\u00([2-7][\da-f])|\\x([2-7][\da-f])/gi;
/** Fewer are how people and programs write a sign or two. */
const FEW_NUMBERED = 6;

const fromNumbers = (text: string): string | null => {
  let count = 0;
  const said = text.replace(NUMBERED, (all: string, decimal?: string, ...hexes: unknown[]) => {
    const hex = hexes.slice(0, 4).find((digits) => typeof digits === 'string');
    const code = decimal === undefined ? Number.parseInt(String(hex), 16) : Number(decimal);
    if (code < 0x20 || code > 0x7e) return all;
    count++;
    return String.fromCharCode(code);
  });
  return count < FEW_NUMBERED ? null : said;
};

/** `i.g.n.o.r.e a.l.l`, or with single spaces within words and wider ones between: letters one by one. */
const APART = /(?<![\p{L}\d])(?:\p{L}([ .·_*|/-])(?:\p{L}\1){1,40}\p{L})(?![\p{L}\d])/gu;

const fromApart = (text: string): string | null => {
  let count = 0;
  const said = text.replace(APART, (word: string, between: string) => {
    count++;
    return word.replaceAll(between, '');
  });
  return count < 2 ? null : said;
};

/** Digits and signs that stand for the letters they look like. */
const ALIKE: ReadonlyMap<string, string> = new Map(
  ['0o', '1i', '3e', '4a', '5s', '7t', '@a', '$s', '!i', '|l', '+t'].map((pair): [string, string] => [
    pair.charAt(0),
    pair.charAt(1),
  ]),
);
/** Words with such a sign among letters; two letters at least, so that numbers and most names are none. */
const SPELLED =
  /(?<![\w@$])(?=[a-z013457@$!|+]{0,24}[a-z])(?=[a-z]{0,24}[013457@$!|+]+[a-z])[a-z013457@$!|+]{3,24}(?![\w@$])/gi;
const MAY_BE_SPELLED = /[a-z][013457@$!|+][a-z]/i;

const fromSpelled = (text: string): string | null => {
  if (!MAY_BE_SPELLED.test(text)) return null;
  let count = 0;
  const said = text.replace(SPELLED, (word: string) => {
    count++;
    return Array.from(word, (sign) => ALIKE.get(sign) ?? sign).join('');
  });
  return count < 2 ? null : said;
};

const MAY_BE_NUMBERED = /&#|%[2-7]|\\[ux]/;
const MAY_BE_APART = /\p{L}([ .·_*|/-])\p{L}\1\p{L}\1\p{L}/u;

/** Returns what else the text may be read as; nothing for nearly every text. */
export const readingsOf = (text: string): readonly string[] => {
  const readings = [
    MAY_BE_NUMBERED.test(text) ? fromNumbers(text) : null,
    MAY_BE_APART.test(text) ? fromApart(text) : null,
    fromSpelled(text),
  ];
  return readings.filter((said) => said !== null);
};
