/** The facts of a call that holds several operations: what the record, the metrics and an approval say of it. */

import type { Facts } from '../call.ts';
import { closerTogether } from './closer.ts';

const addCounts = (all: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const each of all) for (const kind in each) counts[kind] = (counts[kind] ?? 0) + (each[kind] ?? 0);
  return counts;
};

/** Returns what all of them are, `otherwise` when they differ. */
const common = (words: readonly string[], otherwise: string): string => {
  const [first = otherwise] = words;
  return words.every((word) => word === first) ? first : otherwise;
};

/** Never more than a number can hold exactly: limits that nobody set are the largest one already. */
const sum = (each: readonly Facts[], of: (facts: Facts) => number): number =>
  Math.min(
    Number.MAX_SAFE_INTEGER,
    each.reduce((total, facts) => total + of(facts), 0),
  );

/** Returns the facts of the call as a whole: what adds up is added, and names that differ are `batch` and ''. */
export const together = (each: readonly Facts[]): Facts => {
  const [first] = each;
  if (first === undefined) throw new RangeError('expected at least one operation');
  if (each.length === 1) return first;
  const most = (of: (facts: Facts) => number): number => each.reduce((found, facts) => Math.max(found, of(facts)), 0);
  return {
    operation: common(
      each.map(({ operation }) => operation),
      'batch',
    ),
    model: common(
      each.map(({ model }) => model),
      '',
    ),
    stream: each.some(({ stream }) => stream),
    texts: each.flatMap(({ texts }) => texts),
    tools: each.flatMap(({ tools }) => tools),
    tensors: each.flatMap(({ tensors }) => tensors),
    maxTokens: sum(each, ({ maxTokens }) => maxTokens),
    inputTokens: sum(each, ({ inputTokens }) => inputTokens),
    n: sum(each, ({ n }) => n),
    temperature: most(({ temperature }) => temperature),
    images: sum(each, ({ images }) => images),
    audios: sum(each, ({ audios }) => audios),
    files: sum(each, ({ files }) => files),
    tokenIds: sum(each, ({ tokenIds }) => tokenIds),
    bodyBytes: first.bodyBytes,
    opaque: each.some(({ opaque }) => opaque),
    management: each.some(({ management }) => management),
    operations: first.operations,
    findings: addCounts(each.map(({ findings }) => findings)),
    closer: closerTogether(each.map(({ closer }) => closer)),
  };
};
