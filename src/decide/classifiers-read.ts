/** Which classifiers a condition reads. One that is read must have been asked: what cannot be told apart reads them all. */

import type { Expr } from './cel/part.ts';

/** Whose texts a classifier speaks of. */
type Root = 'call' | 'answer';

/** Hears of every part of one condition. */
export class ClassifiersRead {
  readonly #all: readonly string[];
  readonly #named: Readonly<Record<Root, Set<string>>> = { call: new Set(), answer: new Set() };
  /** Mentions of `call`, of `call.classified` and the like that are not yet known to be a step to something in it. */
  readonly #loose = new Map<string, number>();

  constructor(all: readonly string[]) {
    this.#all = all;
  }

  see({ exprKind }: Expr): void {
    if (this.#all.length === 0) return;
    if (exprKind.case === 'identExpr') return this.#mention(nameOf(exprKind.value), 1);
    if (exprKind.case !== 'selectExpr') return;
    const path = pathOf({ exprKind });
    if (path === null) return;
    const [root = '', field = '', name = '', ...deeper] = path;
    if (!isRoot(root) || deeper.length > 0) return;
    if (name !== '') {
      if (field !== 'classified') return;
      this.#mention(`${root}.classified`, -1);
      this.#named[root].add(name);
      return;
    }
    this.#mention(root, -1);
    if (field === 'classified') this.#mention(`${root}.classified`, 1);
  }

  /** Returns the names that are read of requests (`call`) or of answers. */
  on(root: Root): readonly string[] {
    const loose = (this.#loose.get(root) ?? 0) > 0 || (this.#loose.get(`${root}.classified`) ?? 0) > 0;
    return loose ? this.#all : [...this.#named[root]];
  }

  #mention(what: string, count: 1 | -1): void {
    this.#loose.set(what, (this.#loose.get(what) ?? 0) + count);
  }
}

/** `.call` is `call`. */
const nameOf = ({ name }: { readonly name: string }): string => name.replace(/^\./, '');

const isRoot = (name: string): name is Root => name === 'call' || name === 'answer';

/** Returns the names of `a.b.c`; null for what is not made of names alone. */
const pathOf = ({ exprKind }: Pick<Expr, 'exprKind'>): readonly string[] | null => {
  if (exprKind.case === 'identExpr') return [nameOf(exprKind.value)];
  if (exprKind.case !== 'selectExpr' || exprKind.value.operand === undefined) return null;
  const path = pathOf(exprKind.value.operand);
  return path === null ? null : [...path, exprKind.value.field];
};
