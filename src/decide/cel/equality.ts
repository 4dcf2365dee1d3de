/** Equality and membership. */

import { NO_OVERLOAD, type Run, spend } from './fault.ts';
import { type Compiling, type Expr, Mistake, type Part } from './part.ts';
import { BOOL, DOUBLE, fits, INT, isDyn, showType, STRING, suggest, type Type, type Words } from './type.ts';
import { asKey, equals } from './value.ts';

const isNumeric = (type: Type): boolean => type === INT || type === DOUBLE;

const wordsOf = (type: Type): Words | null => (type.kind === 'scalar' ? (type.words ?? null) : null);

/** A word outside of the closed set could never be equal: the rule would silently never match. */
const checkWord = (words: Words | null, literal: unknown, offset: number): void => {
  if (words === null || typeof literal !== 'string' || words.words.includes(literal)) return;
  throw new Mistake(offset, `no ${words.noun} is named ${JSON.stringify(literal)}${suggest(literal, words.words)}`);
};

const mustCompare = (compiling: Compiling, expr: Expr, a: Type, b: Type): void => {
  const comparable = fits(a, b) !== 'no' || fits(b, a) !== 'no' || (isNumeric(a) && isNumeric(b));
  if (comparable) return;
  throw new Mistake(compiling.offset(expr), `a ${showType(a)} is never equal to a ${showType(b)}`);
};

/** Types whose values are equal exactly when JavaScript says so. */
const isPlain = (type: Type): boolean =>
  type.kind === 'scalar' && ['bool', 'int', 'string', 'double'].includes(type.name);

/** Returns the part `a == b`, or `a != b` when `same` is false. Throws Mistake. */
export const compileEquality = (
  compiling: Compiling,
  expr: Expr,
  [a, b]: readonly [Part, Part],
  [exprA, exprB]: readonly [Expr, Expr],
  same: boolean,
): Part => {
  mustCompare(compiling, expr, a.type, b.type);
  checkWord(wordsOf(a.type), b.literal, compiling.start(exprB));
  checkWord(wordsOf(b.type), a.literal, compiling.start(exprA));
  const plain = isPlain(a.type) && isPlain(b.type) && fits(a.type, b.type) === 'yes';
  const run: Run = plain
    ? (frame) => (a.run(frame) === b.run(frame)) === same
    : (frame) => equals(a.run(frame), b.run(frame)) === same;
  return { type: BOOL, run };
};

const ITEMS_PER_UNIT = 16;

const includes = (list: readonly unknown[], item: unknown): boolean => list.some((each) => equals(each, item));

const membership = (item: Run, list: Run, has: (list: readonly unknown[], item: unknown) => boolean): Run => {
  return (frame) => {
    const wanted = item(frame);
    const within = list(frame);
    if (within instanceof Map) return within.has(asKey(wanted));
    // as: Array.isArray says so, and leaves `any` otherwise
    if (!Array.isArray(within)) throw NO_OVERLOAD;
    spend(frame, within.length / ITEMS_PER_UNIT);
    return has(within as readonly unknown[], wanted);
  };
};

/** Returns the part `item in list`, or `key in map`. Throws Mistake. */
export const compileMembership = (
  compiling: Compiling,
  expr: Expr,
  [item, list]: readonly [Part, Part],
  [exprItem, exprList]: readonly [Expr, Expr],
): Part => {
  const { type } = list;
  if (type.kind !== 'list' && type.kind !== 'map' && !isDyn(type)) {
    throw new Mistake(compiling.offset(expr), `expected a list or a map behind in, found ${showType(type)}`);
  }
  const within = type.kind === 'list' ? type.item : type.kind === 'map' ? type.key : type;
  mustCompare(compiling, expr, item.type, within);
  if (type.kind === 'map') checkWord(type.counts ?? null, item.literal, compiling.start(exprItem));
  checkWord(wordsOf(within), item.literal, compiling.start(exprItem));
  if (Array.isArray(list.literal)) {
    for (const word of list.literal) checkWord(wordsOf(item.type), word, compiling.start(exprList));
  }
  const strings = fits(item.type, STRING) === 'yes' && fits(within, STRING) === 'yes' && !isDyn(within);
  return { type: BOOL, run: membership(item.run, list.run, strings ? (all, one) => all.includes(one) : includes) };
};
