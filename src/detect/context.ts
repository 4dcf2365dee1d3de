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

const withoutMarks = (text: string): string => text.normalize('NFD').replace(MARKS, '');

/** Small letters of Latin scripts, with their accents, by unit: words are read by the thousand. */
const LATIN = 0x250;
const bare = Array.from({ length: LATIN }, (_, unit) => withoutMarks(String.fromCharCode(unit)));

const plain = (word: string): string => {
  const lower = word.toLowerCase();
  let out = '';
  let from = 0;
  for (let at = 0; at < lower.length; at++) {
    const unit = lower.charCodeAt(at);
    if (unit >= LATIN) return withoutMarks(lower);
    if (unit < 0x80) continue;
    out += lower.slice(from, at) + (bare[unit] ?? '');
    from = at + 1;
  }
  return from === 0 ? lower : out + lower.slice(from);
};

const isDigit = (unit: number): boolean => unit >= 0x30 && unit <= 0x39;

/** A number of four digits or more; a year belongs to the sentence. */
const isOther = (text: string, from: number, to: number): boolean =>
  to - from > 4 || (to - from === 4 && !/^(?:19|20)/.test(text.slice(from, to)));

/** `and`, `und`, `et` and their like only go on. */
const isNewTopic = (word: string): boolean => word.length >= 4 && word !== 'oder';

/** Reads words and numbers out of a text, left to right. Positions are those of the text. */
class Reader {
  readonly #text: string;
  readonly #word: (start: number, end: number) => void;
  readonly #number: () => void;
  /** Where the word that is being read began, or -1; the same for a number. */
  #start = -1;
  #digits = -1;
  #previous = 0;

  /** `number` is told of numbers that a text speaks of (`isOther`), `word` of words. Case ends a word as a space does. */
  constructor(text: string, word: (start: number, end: number) => void, number: () => void) {
    this.#text = text;
    this.#word = word;
    this.#number = number;
  }

  /** Where the word began that goes on as far as was read, or -1. */
  get open(): number {
    return this.#start;
  }

  read(from: number, to: number): void {
    for (let at = from; at < to; at++) this.#take(this.#text.charCodeAt(at), at);
  }

  /** Says that the text ends at `at`. */
  end(at: number): void {
    this.#take(0, at);
  }

  #take(unit: number, at: number): void {
    if (isDigit(unit)) {
      if (this.#digits < 0) this.#digits = at;
    } else {
      if (this.#digits >= 0 && isOther(this.#text, this.#digits, at)) this.#number();
      this.#digits = -1;
    }
    const letter = isLetter(unit);
    const previous = this.#previous;
    this.#previous = unit;
    if (this.#start >= 0) {
      if (letter && !isAlone(unit) && !isAlone(previous) && (!isUpper(unit) || isUpper(previous))) return;
      this.#word(this.#start, at);
    }
    this.#start = letter ? at : -1;
  }
}

/** Returns the words of a phrase, in small letters and without accents: `dateOfBirth` is three. */
const wordsOf = (phrase: string): readonly string[] => {
  const words: string[] = [];
  const reader = new Reader(
    phrase,
    (start, end) => void words.push(plain(phrase.slice(start, end))),
    () => {},
  );
  reader.read(0, phrase.length);
  reader.end(phrase.length);
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
      const words = wordsOf(phrase);
      return [words, ...(words.length > 1 ? [[words.join('')]] : [])].map((one) => ({ words: one, context }));
    }),
  );
  if (phrases.some(({ words }) => words.length === 0)) throw new Error('a context has a phrase without a word');
  return Map.groupBy(phrases, ({ words }) => words[0] ?? '');
};

/** A word of a text; a number that the text speaks of stands between it and the one before where `behindNumber`. */
interface Word {
  readonly start: number;
  readonly end: number;
  readonly word: string;
  /** The phrases that begin with it. */
  readonly phrases: readonly Phrase[] | undefined;
  readonly behindNumber: boolean;
}

/** So many units are read sooner than an expression is tried. */
const NEAR = 16;
const NOTHING_SAID: ReadonlySet<Context> = new Set();

/** What is said ahead of places in one text, asked from left to right. Each word is read once. */
export class Said {
  readonly #index: ContextIndex;
  readonly #text: string;
  readonly #reader: Reader;
  #read = -1;
  #words: Word[] = [];
  #behindNumber = false;
  /** Where the last word began with which a phrase begins, or -1. */
  #lastPhrase = -1;
  /** What the words say as they stand, until one comes or goes: in a list of numbers none does for long. */
  #spoken: ReadonlySet<Context> | null = null;

  constructor(index: ContextIndex, text: string) {
    this.#index = index;
    this.#text = text;
    this.#reader = new Reader(
      text,
      (start, end) => this.#add(this.#wordAt(start, end)),
      () => {
        this.#behindNumber = true;
      },
    );
  }

  /** Returns whether little is left to read to what stands ahead of `at`. */
  isNear(at: number): boolean {
    return at - this.#read <= NEAR;
  }

  /** Returns the contexts of which a phrase stands in the units to the left of `at`, at most LEFT of them. */
  before(at: number): ReadonlySet<Context> {
    if (this.#index.size === 0) return NOTHING_SAID;
    const from = Math.max(0, at - LEFT);
    this.#readTo(from, at);
    if (this.#words.length === 0 && this.#reader.open < 0) return NOTHING_SAID;
    const words = this.#wordsBetween(from, at);
    if (words === this.#words) return (this.#spoken ??= spokenIn(words));
    return this.#lastPhrase < from && words[0]?.phrases === undefined && words.at(-1)?.phrases === undefined
      ? NOTHING_SAID
      : spokenIn(words);
  }

  #readTo(from: number, at: number): void {
    if (this.#read < from) {
      if (this.#read >= 0) this.#reader.end(this.#read);
      this.#words = [];
      this.#spoken = null;
      this.#behindNumber = false;
      this.#read = from;
    }
    this.#reader.read(this.#read, at);
    this.#read = Math.max(this.#read, at);
  }

  #wordAt(start: number, end: number): Word {
    const word = plain(this.#text.slice(start, end));
    return { start, end, word, phrases: this.#index.get(word), behindNumber: this.#behindNumber };
  }

  #add(word: Word): void {
    this.#behindNumber = false;
    if (word.phrases !== undefined) this.#lastPhrase = word.start;
    this.#words.push(word);
    this.#spoken = null;
  }

  /** Returns the words in [from, at): what stands across an edge is cut. */
  #wordsBetween(from: number, at: number): readonly Word[] {
    const words = this.#words;
    let gone = 0;
    while (gone < words.length && (words[gone]?.end ?? 0) <= from) gone += 1;
    if (gone > 0) {
      words.splice(0, gone);
      this.#spoken = null;
    }
    const { open } = this.#reader;
    const last = open >= 0 && open < at ? [this.#wordAt(Math.max(open, from), at)] : [];
    const [first] = words;
    if (first === undefined || first.start >= from) return last.length === 0 ? words : [...words, ...last];
    return [this.#wordAt(from, first.end), ...words.slice(1), ...last];
  }
}

/**
 * Returns the contexts of which a phrase stands among these words. Once a number is followed by other words, what stands
 * ahead of it speaks of it and does not count; a list of numbers goes on.
 */
const spokenIn = (words: readonly Word[]): ReadonlySet<Context> => {
  let first = 0;
  /** Where the words begin that stand behind the last number. */
  let spoken = 0;
  words.forEach(({ word, behindNumber }, at) => {
    if (behindNumber) spoken = at;
    if (!isNewTopic(word)) return;
    if (spoken > first) first = spoken;
    spoken = 0;
  });
  const found = new Set<Context>();
  for (let start = first; start < words.length; start++) {
    for (const phrase of words[start]?.phrases ?? []) {
      if (phrase.words.every((one, offset) => words[start + offset]?.word === one)) found.add(phrase.context);
    }
  }
  return found;
};

/** Returns the contexts of which a phrase stands in the units to the left of `at`, at most LEFT of them. */
export const contextsAt = (index: ContextIndex, text: string, at: number): ReadonlySet<Context> =>
  new Said(index, text).before(at);

/** Returns whether a context is met where `said` are the contexts of which a phrase stands. */
export const isMet = (context: Context, said: ReadonlySet<Context>): boolean =>
  said.has(context) && (context.and === undefined || said.has(context.and));
