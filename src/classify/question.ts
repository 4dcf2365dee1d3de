/** What a classifier is asked, and what it says: the same for every dialect. */

import { Failure } from '../reasons.ts';

/** One text that a classifier is shown. Without lone surrogates, so that every dialect can spell it. */
export interface Part {
  /** `system`, `user`, `assistant`, `tool`, …; empty where nobody says. */
  readonly role: string;
  readonly text: string;
  /** What stands before this index was shown before: it is context. In UTF-16 units. */
  readonly from: number;
}

/** A question to a classifier. */
export interface Question {
  readonly phase: 'request' | 'answer';
  readonly service: string;
  readonly model: string;
  /** What detectors find is replaced in all of it. */
  readonly masked: boolean;
  /** At least one. */
  readonly parts: readonly Part[];
  /** Of an answer: what the caller asked, for who judges one by the other; empty on requests. */
  readonly asked: string;
}

/** A stretch of a part that a classifier found something in, in UTF-16 units; never empty, never outside of its text. */
export interface Span {
  /** Index of the part. */
  readonly part: number;
  readonly start: number;
  readonly end: number;
  /** In lower case, `person`. */
  readonly kind: string;
  /** 0 to 1. */
  readonly score: number;
}

/** What a classifier says. */
export interface Said {
  readonly flagged: boolean;
  readonly labels: readonly string[];
  /** 0 to 1. */
  readonly score: number;
  readonly spans: readonly Span[];
}

/** How a question is posted. */
export interface Posted {
  /** Behind the path of the classifier's URL; empty or beginning with `/`. */
  readonly path: string;
  readonly body: string;
}

/** How one kind of classifier is asked and read. Pure. */
export interface Dialect {
  post(question: Question): Posted;
  /** Returns what an answer with status 200 says. Throws Failure `classifier-unavailable` when it says nothing usable. */
  read(answer: unknown, question: Question): Said;
}

/** Returns the failure of a classifier that gave no usable answer. `found` names no part of what it said. */
export const unusable = (found: string): Failure =>
  new Failure('classifier-unavailable', `expected what a classifier says, found ${found}`);

/** Labels go into records and metrics: words, not texts. */
const LABEL = /^[A-Za-z0-9][A-Za-z0-9 _.:/-]{0,63}$/;
const MOST_LABELS = 64;
const KIND = /^[a-z][a-z0-9_.-]{0,63}$/;
/** More findings are no usable answer. */
export const MOST_SPANS = 65_536;

/** Returns the labels, each once. Throws Failure for what is no label: a payload must not reach a record by this way. */
export const labelsOf = (labels: readonly string[]): readonly string[] => {
  const each = [...new Set(labels)];
  if (each.length > MOST_LABELS) throw unusable(`more than ${MOST_LABELS} labels`);
  if (!each.every((label) => LABEL.test(label))) throw unusable('a label that is no word');
  return each;
};

/** Returns the kind of a finding as masking rules name it. Throws Failure for what is none. */
export const kindOf = (word: string): string => {
  const kind = word.toLowerCase();
  if (!KIND.test(kind)) throw unusable('a kind of finding that is no word');
  return kind;
};

/** Returns the number. Throws Failure unless it is from 0 to 1. */
export const scoreOf = (score: number): number => {
  if (!(score >= 0 && score <= 1)) throw unusable('a score outside of 0 to 1');
  return score;
};

interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly score: number;
}

/** Returns the stretches of one text in order, overlapping ones as one of the surer's kind. */
export const mergeFindings = <T extends Stretch>(findings: readonly T[]): readonly T[] => {
  const merged: T[] = [];
  for (const finding of findings.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const last = merged.at(-1);
    if (last === undefined || last.end <= finding.start) {
      merged.push(finding);
      continue;
    }
    const surer = finding.score > last.score ? finding : last;
    merged[merged.length - 1] = { ...surer, start: last.start, end: Math.max(last.end, finding.end) };
  }
  return merged;
};

/**
 * Returns the spans of all parts in order, overlapping ones as one of the surer's kind. Throws Failure when there are more
 * than any text has.
 */
export const mergeSpans = (spans: readonly Span[]): readonly Span[] => {
  if (spans.length > MOST_SPANS) throw unusable(`more than ${MOST_SPANS} findings`);
  const parts = new Map<number, Span[]>();
  for (const span of spans) {
    const own = parts.get(span.part);
    if (own === undefined) parts.set(span.part, [span]);
    else own.push(span);
  }
  return [...parts].toSorted(([a], [b]) => a - b).flatMap(([, own]) => mergeFindings(own));
};
