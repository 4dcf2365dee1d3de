/**
 * Finds the beginnings of wires in a text. One table over two units in a row says where none can stand, which is nearly
 * everywhere in a text that is clean.
 */

/** A beginning, and where it stands. */
export interface Start {
  readonly index: number;
  /** In small letters. */
  readonly start: string;
}

/** How one beginning is spelled. */
interface Spelling {
  readonly start: string;
  readonly small: string;
  readonly large: string;
  /** Stands only as a whole word. */
  readonly isWord: boolean;
}

const PAIRS = 1 << 14;
/** What may begin with a pair. */
const WORD = 1;
const OTHER = 2;

/** Other units share the places of ASCII: a pair that seems to be one is looked at, that is all. */
const pairOf = (first: number, second: number): number => ((first & 127) << 7) | (second & 127);

/** As `\w` has it. */
const isWordUnit = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39) || code === 0x5f;

const IN_WORD = Uint8Array.from({ length: 128 }, (_, code) => (isWordUnit(code) ? 1 : 0));

const spellingOf = (start: string): Spelling => {
  const large = start.toUpperCase();
  const isWord = isWordUnit(start.charCodeAt(0)) && isWordUnit(start.charCodeAt(start.length - 1));
  return { start, small: start, large: large.length === start.length ? large : start, isWord };
};

const standsAt = (text: string, at: number, { small, large, isWord }: Spelling): boolean => {
  const { length } = small;
  if (at + length > text.length) return false;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(at + i);
    if (code !== small.charCodeAt(i) && code !== large.charCodeAt(i)) return false;
  }
  if (!isWord) return true;
  return !(at > 0 && isWordUnit(text.charCodeAt(at - 1))) && !isWordUnit(text.charCodeAt(at + length));
};

/** Returns how the unit at `at` of a beginning may be spelled. */
const casesAt = ({ small, large }: Spelling, at: number): readonly number[] => [
  ...new Set([small.charCodeAt(at), large.charCodeAt(at)]),
];

const product = (firsts: readonly number[], seconds: readonly number[]): readonly (readonly [number, number])[] =>
  firsts.flatMap((first) => seconds.map((second): [number, number] => [first, second]));

/** Returns the places of what may stand third. */
const thirdsOf = (spelling: Spelling): readonly number[] =>
  spelling.small.length === 2
    ? Array.from({ length: 128 }, (_, code) => code)
    : casesAt(spelling, 2).map((code) => code & 127);

/**
 * Returns what finds the first of these from an index on, whatever its case: words as whole words and ahead of what is
 * none, the longest first. Each has at least two units.
 */
export const findStarts = (starts: readonly string[]): ((text: string, from: number) => Start | null) => {
  const spellings = starts
    .map(spellingOf)
    .toSorted((a, b) => Number(b.isWord) - Number(a.isWord) || b.small.length - a.small.length);
  const numbers = new Uint16Array(PAIRS);
  const byNumber: Spelling[][] = [[]];
  for (const spelling of spellings) {
    if (spelling.small.length < 2) throw new RangeError('expected beginnings of at least two units');
    for (const [first, second] of product(casesAt(spelling, 0), casesAt(spelling, 1))) {
      const pair = pairOf(first, second);
      const number = numbers[pair] || byNumber.push([]) - 1;
      numbers[pair] = number;
      byNumber[number]?.push(spelling);
    }
  }
  const may = new Uint8Array(byNumber.length << 7);
  byNumber.forEach((all, number) => {
    for (const spelling of all) {
      const how = spelling.isWord ? WORD : OTHER;
      for (const third of thirdsOf(spelling)) may[(number << 7) | third] = (may[(number << 7) | third] ?? 0) | how;
    }
  });
  const startAt = (text: string, index: number, number: number): Start | null => {
    for (const spelling of byNumber[number] ?? [])
      if (standsAt(text, index, spelling)) return { index, start: spelling.start };
    return null;
  };
  return (text, from) => {
    const { length } = text;
    let before = from > 0 ? text.charCodeAt(from - 1) : 0;
    let first = text.charCodeAt(from);
    let second = text.charCodeAt(from + 1);
    for (let index = from; index + 1 < length; index++) {
      // behind the end stands what is no unit of a word
      const third = index + 2 < length ? text.charCodeAt(index + 2) : 0;
      const number = numbers[((first & 127) << 7) | (second & 127)] ?? 0;
      if (number !== 0) {
        const how = may[(number << 7) | (third & 127)] ?? 0;
        // within a word no other begins
        if (how !== 0 && (how !== WORD || before > 127 || IN_WORD[before] === 0)) {
          const found = startAt(text, index, number);
          if (found !== null) return found;
        }
      }
      before = first;
      first = second;
      second = third;
    }
    return null;
  };
};
