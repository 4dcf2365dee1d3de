/** What classifiers have said of one request, or of one answer, and what it amounts to. */

import type { Classified, ClassifierOutcome } from '../call.ts';
import type { Said } from './question.ts';

/** Of two outcomes of one classifier, the one that counts: what was flagged stays so, and one failure is a failure. */
const RANK: Readonly<Record<ClassifierOutcome, number>> = { skipped: 0, passed: 1, failed: 2, flagged: 3 };

/** A classifier that has not been asked. */
export const NOT_ASKED: Classified = { outcome: 'skipped', labels: [], score: 0, asked: 0, micros: 0 };

/** Returns what is known of a classifier after one more answer. */
export const afterSaid = (before: Classified, { flagged, labels, score }: Said, micros: number): Classified =>
  after(before, flagged ? 'flagged' : 'passed', { labels, score, micros, asked: 1 });

/** Returns what is known of a classifier after it failed to answer; `asked` is 0 where it could not even be asked. */
export const afterFailure = (before: Classified, why: string, micros: number, asked: 0 | 1): Classified => ({
  ...after(before, 'failed', { labels: [], score: 0, micros, asked }),
  why: before.why ?? why,
});

interface One {
  readonly labels: readonly string[];
  readonly score: number;
  readonly micros: number;
  readonly asked: number;
}

/** More than one answer has: a stream of windows must not fill a record. */
const MOST_LABELS = 256;

const after = (before: Classified, outcome: ClassifierOutcome, one: One): Classified => ({
  ...before,
  outcome: RANK[outcome] > RANK[before.outcome] ? outcome : before.outcome,
  labels: [...new Set([...before.labels, ...one.labels])].slice(0, MOST_LABELS),
  score: Math.max(before.score, one.score),
  asked: before.asked + one.asked,
  micros: Math.max(before.micros, one.micros),
});
