/**
 * The words ahead of a position. Many numbers look alike; what makes one of them a passport's is that somebody said so
 * just before. A detector names such words; here the text to the left of a position is read into words once, for all
 * detectors that ask about it.
 */

import { type Context, LEFT } from './detector.ts';

const isLetter = (unit: number): boolean =>
  (unit >= 0x61 && unit <= 0x7a) ||
  (unit >= 0x41 && unit <= 0x5a) ||
  (unit >= 0xc0 && unit !== 0xd7 && unit !== 0xf7 && !(unit >= 0x2000 && unit <= 0x303f));
const isUpper = (unit: number): boolean => unit >= 0x41 && unit <= 0x5a;
/** Scripts that put no spaces between words: there each character is a word, and a word is several of them. */
const isAlone = (unit: number): boolean => (unit >= 0x3040 && unit <= 0x9fff) || (unit >= 0xac00 && unit <= 0xd7a3);

/** Marks that combine with a letter before them. */
const MARKS = /[\u0300-\u036f]/g;

const plain = (word: string): string => {
  const lower = word.toLowerCase();
  return /[^a-z]/.test(lower) ? lower.normalize('NFD').replace(MARKS, '') : lower;
};

const isDigit = (unit: number): boolean => unit >= 0x30 && unit <= 0x39;

/** A number of four digits or more; a year belongs to the sentence. */
const isOther = (text: string, from: number, to: number): boolean =>
  to - from > 4 || (to - from === 4 && !/^(?:19|20)/.test(text.slice(from, to)));

/** `and`, `und`, `et` and their like only go on. */
const isNewTopic = (word: string): boolean => word.length >= 4 && word !== 'oder';

/**
 * Returns the words between two positions, in small letters and without accents. Case ends a word as a space does:
 * `dateOfBirth` is three. Once a number is followed by other words, what stands ahead of it speaks of it and does not
 * count; a list of numbers goes on.
 */
const wordsIn = (text: string, from: number, to: number): readonly string[] => {
  const words: string[] = [];
  let start = -1;
  let number = -1;
  /** How many words stand ahead of the last number. */
  let spoken = 0;
  let previous = 0;
  for (let at = from; at <= to; at++) {
    const unit = at < to ? text.charCodeAt(at) : 0;
    if (isDigit(unit)) {
      if (number < 0) number = at;
    } else {
      if (number >= 0 && isOther(text, number, at)) spoken = words.length;
      number = -1;
    }
    const letter = isLetter(unit);
    const cut = start >= 0 && (!letter || isAlone(unit) || isAlone(previous) || (isUpper(unit) && !isUpper(previous)));
    if (cut) {
      const word = plain(text.slice(start, at));
      if (spoken > 0 && isNewTopic(word)) words.splice(0, spoken);
      if (isNewTopic(word)) spoken = 0;
      words.push(word);
    }
    if (!letter) start = -1;
    else if (cut || start < 0) start = at;
    previous = unit;
  }
  return words;
};

interface Phrase {
  readonly words: readonly string[];
  readonly context: Context;
}

/** The phrases of many contexts by their first word. */
export type ContextIndex = ReadonlyMap<string, readonly Phrase[]>;

/** Returns an index of the contexts of some detectors. Throws an Error when a phrase has no word. */
export const indexContexts = (contexts: readonly Context[]): ContextIndex => {
  const all = new Set(contexts.flatMap((context) => [context, context.and ?? []].flat()));
  const phrases = [...all].flatMap((context) =>
    context.words.flatMap((phrase): readonly Phrase[] => {
      const words = wordsIn(phrase, 0, phrase.length);
      return [words, ...(words.length > 1 ? [[words.join('')]] : [])].map((one) => ({ words: one, context }));
    }),
  );
  if (phrases.some(({ words }) => words.length === 0)) throw new Error('a context has a phrase without a word');
  return Map.groupBy(phrases, ({ words }) => words[0] ?? '');
};

/** Returns the contexts of which a phrase stands in the units to the left of `at`, at most LEFT of them. */
export const contextsAt = (index: ContextIndex, text: string, at: number): ReadonlySet<Context> => {
  const words = index.size === 0 ? [] : wordsIn(text, Math.max(0, at - LEFT), at);
  const found = new Set<Context>();
  words.forEach((word, start) => {
    for (const phrase of index.get(word) ?? []) {
      if (phrase.words.every((one, offset) => words[start + offset] === one)) found.add(phrase.context);
    }
  });
  return found;
};

/** Returns whether a context is met where `said` are the contexts of which a phrase stands. */
export const isMet = (context: Context, said: ReadonlySet<Context>): boolean =>
  said.has(context) && (context.and === undefined || said.has(context.and));
