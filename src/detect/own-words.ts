/** Renders a list of words in the subset of `syntax.ts`: one trie, so that a long list costs what a short one does. */

import { fold } from './fold.ts';
import { spelled, WORD } from './own-pattern.ts';

/** A place in the trie: what may follow, and whether a word ends here. */
interface Knot {
  readonly next: Map<string, Knot>;
  ends: boolean;
}

const knot = (): Knot => ({ next: new Map(), ends: false });

/** White space in a phrase is any, and a line may end there. */
const SPACE = '\\s{1,4}';

const isWord = new RegExp(`[${WORD}]`);

const renderKnot = ({ next, ends }: Knot, above: string): string => {
  const options = [...next].map(([unit, then]) => (unit === ' ' ? SPACE : spelled(unit)) + renderKnot(then, unit));
  // The longer word first.
  if (ends) options.push(isWord.test(above) ? `(?![${WORD}])` : '');
  return options.length === 1 ? (options[0] ?? '') : `(?:${options.join('|')})`;
};

/**
 * Returns the pattern of these words and phrases, each of which stands whole: not within a longer word. White space in a
 * phrase is any white space.
 */
export const wordsPattern = (words: readonly string[], ignoreCase: boolean): RegExp => {
  const root = knot();
  for (const word of words) {
    const read = fold(ignoreCase ? word.toLowerCase() : word)
      .trim()
      .replaceAll(/\s+/g, ' ');
    let at = root;
    for (const unit of read.split('')) {
      const known = at.next.get(unit);
      if (known === undefined) at.next.set(unit, (at = knot()));
      else at = known;
    }
    at.ends = true;
  }
  const [inWords, others] = [true, false].map((wanted) => ({
    ends: false,
    next: new Map([...root.next].filter(([unit]) => isWord.test(unit) === wanted)),
  }));
  const options = [
    ...(inWords === undefined || inWords.next.size === 0 ? [] : [`(?<![${WORD}])${renderKnot(inWords, '')}`]),
    ...(others === undefined || others.next.size === 0 ? [] : [renderKnot(others, '')]),
  ];
  return new RegExp(options.length === 1 ? (options[0] ?? '') : `(?:${options.join('|')})`, ignoreCase ? 'i' : '');
};
