/** A masker that masks nothing and tells of every text that it is given: whoever reads an answer with it reads what a mask would. */

import type { TextMasker } from './text-masker.ts';

/** Hears of the texts of one answer, in order. */
export interface TextEar {
  /** A text that came whole. */
  whole(text: string): void;
  /** A growing text begins; it is told by its number, from 0. */
  begins(stream: number): void;
  grows(stream: number, text: string): void;
  ends(stream: number): void;
}

/** Returns a masker that leaves texts alone. Growing texts are numbered through, in the order in which `outsideMasker` asks for them. */
export const readingMasker = (ear: TextEar): TextMasker => {
  let streams = 0;
  const masker: TextMasker = {
    whole(text) {
      ear.whole(text);
      return text;
    },
    *steps(text) {
      ear.whole(text);
      yield;
      return text;
    },
    stream() {
      const stream = streams++;
      ear.begins(stream);
      return {
        push(text) {
          ear.grows(stream, text);
          return text;
        },
        end() {
          ear.ends(stream);
          return '';
        },
        held: 0,
      };
    },
    session: () => masker,
  };
  return masker;
};
