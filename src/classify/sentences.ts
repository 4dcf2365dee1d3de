/** Where a text that is still growing may be cut. */

/**
 * The end of a sentence: a stop, what closes it, and white space behind; the stops of scripts that put none behind them;
 * a new line. (Unicode Standard Annex #29 does it better with what comes next, for which nobody can wait here.)
 */
const END = /(?:[.!?…]+["'”’»)\]]*(?=\s)|[。！？｡．‼⁇⁈⁉।॥؟۔។።]+[」』”’）]*|\n)\s*/g;

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

/** Returns the index behind the last sentence that ends in `text` after `from` and not beyond `to`; -1 for none. */
export function lastSentenceEnd(text: string, from: number, to: number): number {
  let found = -1;
  END.lastIndex = from;
  for (let match = END.exec(text); match !== null && match.index < to; match = END.exec(text)) {
    const end = match.index + match[0].length;
    if (end > to) break;
    found = end;
  }
  return found;
}

/** Returns the nearest index at or before `at` that is not inside of a surrogate pair. */
export const wholeBefore = (text: string, at: number): number =>
  at > 0 && isHigh(text.charCodeAt(at - 1)) && (at === text.length || isLow(text.charCodeAt(at))) ? at - 1 : at;

/** Returns where to cut a text that has no sentence end: behind the last white space, else at `to`; more than `from`. */
export function forcedCut(text: string, from: number, to: number): number {
  for (let at = to; at > from + 1; at--) if (/\s/.test(text.charAt(at - 1))) return at;
  const whole = wholeBefore(text, to);
  return whole > from ? whole : to;
}
