/** Follows an entity without a length bound to its end. */

import { REACH, type Swallow } from './detector.ts';
import { widthOf } from './shape.ts';
import { parsePattern } from './syntax.ts';
import { viableSource } from './viable.ts';

/** How far a swallow got. */
interface Progress {
  /** Everything before `at` belongs to the entity. */
  readonly at: number;
  /** The entity ends at `at`; otherwise it goes on, and what stands at `at` waits for more text. */
  readonly done: boolean;
}

/** Goes on from `from`, inside an entity. `final`: nothing follows `text`. */
export type Follow = (text: string, from: number, final: boolean) => Progress;

const whileIn = (unitClass: string): Follow => {
  const run = new RegExp(`[${unitClass}]*`, 'y');
  return (text, from, final) => {
    run.lastIndex = from;
    run.test(text);
    return { at: run.lastIndex, done: final || run.lastIndex < text.length };
  };
};

const untilMatch = (pattern: RegExp): Follow => {
  const tree = parsePattern(pattern);
  const reach = widthOf(tree).max;
  if (reach > REACH) throw new Error(`the end of a swallow looks at ${reach} units, more than ${REACH}`);
  const end = new RegExp(pattern.source, `${pattern.flags}g`);
  const viable = new RegExp(viableSource(tree), `${pattern.flags}g`);
  return (text, from, final) => {
    end.lastIndex = from;
    const match = end.exec(text);
    // At an open end, a terminator that is still coming in may begin ahead of the one that is complete.
    viable.lastIndex = Math.max(from, text.length - reach);
    const open = final ? null : viable.exec(text);
    if (match !== null && (open === null || match.index < open.index)) return { at: end.lastIndex, done: true };
    return { at: open === null ? text.length : open.index, done: final };
  };
};

const nothing: Follow = (_text, from) => ({ at: from, done: true });

/** Returns how to follow an entity with this swallow to its end; without a swallow it has ended already. */
export const compileSwallow = (swallow: Swallow | undefined): Follow => {
  if (swallow === undefined) return nothing;
  return 'while' in swallow ? whileIn(swallow.while) : untilMatch(swallow.until);
};
