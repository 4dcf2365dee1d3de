/** Tells a random string from a word, a path or an identifier. */

const letterClass = (unit: number): 'lower' | 'upper' | 'digit' | 'other' => {
  if (unit >= 0x61 && unit <= 0x7a) return 'lower';
  if (unit >= 0x41 && unit <= 0x5a) return 'upper';
  return unit >= 0x30 && unit <= 0x39 ? 'digit' : 'other';
};

/** Returns the Shannon entropy of the text's units, in bits per unit. */
export const entropyOf = (text: string): number => {
  const counts = new Map<string, number>();
  for (const unit of text) counts.set(unit, (counts.get(unit) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
};

/** Returns how often letters change case or give way to digits, a capital ahead of small letters not counted. */
const changesIn = (text: string): number => {
  let changes = 0;
  let previous = letterClass(text.charCodeAt(0));
  for (let at = 1; at < text.length; at++) {
    const current = letterClass(text.charCodeAt(at));
    const counts = current !== 'other' && previous !== 'other' && current !== previous;
    if (counts && !(previous === 'upper' && current === 'lower')) changes += 1;
    previous = current;
  }
  return changes;
};

/** Returns which part of the text is words in camel case, `getTokenFrom` of `getTokenFrom2`; 0 to 1. */
const camelPart = (text: string): number =>
  /[A-Z]/.test(text) ? (text.match(/[A-Z]?[a-z]{2,}/g) ?? []).join('').length / text.length : 0;

/** Words and small numbers in a row: `prod-eu-west-1-cluster-2`, `user_id_2_name`. */
const PART_OF_NAME = /^(?:[a-z]+|[A-Z]+|[A-Z][a-z]+|[a-z]?\d{1,4}|[a-z]{2,}\d{1,2})?$/;

/**
 * Returns whether a text of 12 units or more looks drawn at random: letters and digits, or small and capital letters,
 * mixed as no name is. Of random strings of 20 units it knows more than nineteen in twenty, of longer ones and of hex
 * nearly all.
 */
export const looksRandom = (text: string): boolean => {
  const digits = /\d/.test(text) && /[A-Za-z]/.test(text);
  const mixed = digits ? 6 : 4;
  return (
    (digits || (/[a-z]/.test(text) && /[A-Z]/.test(text))) &&
    changesIn(text) * mixed >= text.length &&
    camelPart(text) < (digits ? 0.7 : 0.5) &&
    entropyOf(text) >= Math.min(3, Math.log2(text.length) - 0.8) &&
    !text.split(/[-_./:+@ ]/).every((part) => PART_OF_NAME.test(part))
  );
};

/** The same sign again and again, as in `sk-xxxxxxxx`: somebody blotted a key out, or left room for one. */
const BLOTTED = /([xX0*.#])\1{5}|([a-z])\2{9}|(EXAMPLE)\3/;
/** What people write where a key belongs. A key drawn at random has such a word in it once in ten thousand. */
const STAND_IN = /your|placeholder|dummy|change_?me|replace|redacted|sample|insert|goes_?here|fake/i;

/** Returns whether a text that has the form of a key stands in for one. */
export const isFiller = (text: string): boolean =>
  BLOTTED.test(text) || STAND_IN.test(text) || new Set(text).size < Math.min(8, text.length / 3);
