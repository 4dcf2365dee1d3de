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

/** Returns the text folded; the very same string when that changes nothing. */
export const foldText = (text: string): string => {
  if (!/[\u0080-\uFFFF]/.test(text)) return text;
  const seen = UNSEEN.test(text) ? fromTags(text).replace(ALL_UNSEEN, '') : text;
  const folded = seen.normalize('NFKC').replace(/[\p{L}\p{M}]+/gu, foldWord);
  return folded === text ? text : folded;
};
