/** A text masker that is obvious: words with an `@` or with eight or more digits are replaced. For tests of the wire. */

import type { Finding } from '../../src/call.ts';
import type { TextMasker } from '../../src/mask/text-masker.ts';
import { Failure } from '../../src/reasons.ts';

const WORD = /[\w@.+-]+/g;
/** Half a character is held too. */
const LAST_WORD = /[\w@.+-]*[\ud800-\udbff]?$/;

const isSecret = (word: string): boolean => word.includes('@') || /\d{8,}/.test(word);

/** What the masker of tests puts in place of a secret. */
export const MASK = '<"X">';

/** Returns the text with its secret words replaced. */
export const maskWords = (text: string): string => text.replaceAll(WORD, (word) => (isSecret(word) ? MASK : word));

const whole = (text: string, found: (finding: Finding) => void): string =>
  text.replaceAll(WORD, (word, start: number) => {
    if (!isSecret(word)) return word;
    found({ kind: 'word', start, end: start + word.length, score: 1 });
    return MASK;
  });

/** A masker whose streams hold back the last word. */
export const wordMasker: TextMasker = {
  session: () => wordMasker,
  whole,
  *steps(text, found) {
    yield;
    return whole(text, found);
  },
  stream(found) {
    let held = '';
    return {
      push(text) {
        const all = held + text;
        held = LAST_WORD.exec(all)?.[0] ?? '';
        return whole(all.slice(0, all.length - held.length), found);
      },
      end() {
        const rest = whole(held, found);
        held = '';
        return rest;
      },
      get held() {
        return held.length;
      },
    };
  },
};

/** A masker that finds nothing and holds nothing. */
export const idleMasker: TextMasker = {
  session: () => idleMasker,
  whole: (text) => text,
  *steps(text) {
    yield;
    return text;
  },
  stream: () => ({ push: (text) => text, end: () => '', held: 0 }),
};

const blocked = (): never => {
  throw new Failure('mask-blocked', 'a blocked entity');
};

/** A masker that refuses secret words. */
export const blockingMasker: TextMasker = {
  session: () => blockingMasker,
  whole: (text) => (maskWords(text) === text ? text : blocked()),
  *steps(text) {
    yield;
    return maskWords(text) === text ? text : blocked();
  },
  stream() {
    const inner = wordMasker.stream(blocked);
    return { push: (text) => inner.push(text), end: () => inner.end(), held: 0 };
  },
};
