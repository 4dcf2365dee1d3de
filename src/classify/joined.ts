/** Several texts as one, for classifiers that take one. */

import { unitIndex } from './code-points.ts';
import { type Part, type Span, unusable } from './question.ts';

const BETWEEN = '\n\n';

/** Texts put together, and the way back. */
export interface Joined {
  readonly text: string;
  /**
   * Returns where a stretch of the joined text stands, in code points; a stretch over several parts is one in each. Throws
   * Failure for one that is empty or not in the text.
   */
  spans(start: number, end: number, kind: string, score: number): readonly Span[];
}

/** Returns the parts as one text. */
export const join = (parts: readonly Part[]): Joined => {
  const text = parts.map((part) => part.text).join(BETWEEN);
  const units = unitIndex(text);
  const begins: number[] = [];
  let at = 0;
  for (const part of parts) {
    begins.push(at);
    at += part.text.length + BETWEEN.length;
  }
  return {
    text,
    spans(first, last, kind, score) {
      const start = units(first);
      const end = units(last);
      if (start === null || end === null || start >= end) throw unusable('a finding outside of the text');
      return parts.flatMap((part, index) => {
        const begin = begins[index] ?? 0;
        const from = Math.max(0, start - begin);
        const to = Math.min(part.text.length, end - begin);
        return from < to ? [{ part: index, start: from, end: to, kind, score }] : [];
      });
    },
  };
};
