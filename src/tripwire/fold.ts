/** Text as a model reads it: without what nobody sees, and with letters that only look like others as those. */

/** Characters that show nothing, or turn the direction of what is shown. */
const UNSEEN =
  /\u034F|[\uFE00-\uFE0F]|[\u00AD\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B-\u200F\u202A-\u202E\u2060-\u206F\u3164\uFEFF\uFFA0\u{E0000}-\u{E0FFF}]/u;
const ALL_UNSEEN = new RegExp(UNSEEN.source, 'gu');

/** Letters of other scripts that look like Latin ones (Unicode confusables, those of whole alphabets). */
const LOOKALIKES: ReadonlyMap<string, string> = new Map(
  (
    'аa еe оo рp сc уy хx іi јj ѕs һh ԁd ԛq ѡw ԝw вb кk мm нh тt ɡg ıi ӏl ' +
    'αa εe οo ρp νv ιi κk τt υu χx γy ωw ѵv ' +
    'АA ВB ЕE КK МM НH ОO РP СC ТT ХX УY ІI ЈJ ЅS ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX'
  )
    .split(' ')
    .map((pair): [string, string] => [pair.charAt(0), pair.charAt(1)]),
);

const CYRILLIC_OR_GREEK = /[\u0370-\u03FF\u0400-\u052F]/;
const LATIN = /[A-Za-z]/;

/** Returns the word with look-alikes as what they look like, where Latin letters stand among them. */
const foldWord = (word: string): string => {
  if (!CYRILLIC_OR_GREEK.test(word) || !LATIN.test(word)) return word;
  return Array.from(word, (letter) => LOOKALIKES.get(letter) ?? letter).join('');
};

/** Tag characters spell ASCII that nobody sees. (Unicode, "Tag Characters") */
const fromTags = (text: string): string =>
  text.replace(/[\u{E0020}-\u{E007E}]/gu, (tag) => String.fromCodePoint((tag.codePointAt(0) ?? 0) - 0xe0000));

/** A letter or mark of another script right beside one of these: no other word can have look-alikes among Latin letters. */
const MIXED =
  /[\u0370-\u03FF\u0400-\u052F](?![\u0370-\u03FF\u0400-\u052F])[\p{L}\p{M}]|(?![\u0370-\u03FF\u0400-\u052F])[\p{L}\p{M}][\u0370-\u03FF\u0400-\u052F]/u;

/**
 * What may fold to something else, alone or with what stands beside it. All others stay: ASCII, letters of Latin, Hebrew and
 * Arabic, kana, ideographs and Hangul as they are usually written, usual quotation marks, dashes, arrows and lines.
 */
const MAY_FOLD =
  /[^\0-\x9F\u00A1-\u00A7\u00A9\u00AB\u00AC\u00AE\u00B0\u00B1\u00B6\u00B7\u00BB\u00BF-\u0131\u0134-\u013E\u0141-\u0148\u014A-\u017E\u0180-\u01C3\u01CD-\u01F0\u01F4-\u02AF\u05D0-\u05EA\u0620-\u064A\u2010\u2012-\u2016\u2018-\u2023\u2030-\u2032\u2039\u203A\u2190-\u21FF\u2500-\u259F\u3001-\u3029\u3041-\u3096\u30A1-\u30FA\u4E00-\u9FFF\uAC00-\uD7A3]/;

/** Returns the text folded; the very same string when that changes nothing. */
export const foldText = (text: string): string => {
  if (!MAY_FOLD.test(text)) return text;
  const seen = UNSEEN.test(text) ? fromTags(text).replace(ALL_UNSEEN, '') : text;
  const composed = seen.normalize('NFKC');
  const folded = MIXED.test(composed) ? composed.replace(/[\p{L}\p{M}]+/gu, foldWord) : composed;
  return folded === text ? text : folded;
};
