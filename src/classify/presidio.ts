/** Presidio's analyzer over REST: microsoft.github.io/presidio/api-docs, POST /analyze. It counts in code points, as Python does. */

import { z } from 'zod';
import { join } from './joined.ts';
import { type Dialect, kindOf, labelsOf, mergeSpans, scoreOf, unusable } from './question.ts';

// what else a result tells (how it was recognised) is of no use here
const answerOf = z.array(z.object({ entity_type: z.string(), start: z.int(), end: z.int(), score: z.number() }));

/** What is asked for. */
export interface PresidioOptions {
  readonly language: string;
  /** Presidio's names; all when empty. */
  readonly entities: readonly string[];
  readonly threshold: number;
}

/** Returns the dialect of Presidio's analyzer. */
export const presidio = ({ language, entities, threshold }: PresidioOptions): Dialect => ({
  post({ parts }) {
    const some = entities.length === 0 ? {} : { entities };
    const { text } = join(parts);
    return { path: '/analyze', body: JSON.stringify({ text, language, score_threshold: threshold, ...some }) };
  },
  read(answer, { parts }) {
    const parsed = answerOf.safeParse(answer);
    if (!parsed.success) throw unusable('no list of findings');
    const joined = join(parts);
    const sure = parsed.data.filter(({ score }) => scoreOf(score) >= threshold);
    const spans = mergeSpans(
      sure.flatMap(({ entity_type: type, start, end, score }) => joined.spans(start, end, kindOf(type), score)),
    );
    return {
      flagged: spans.length > 0,
      labels: labelsOf(spans.map(({ kind }) => kind).toSorted()),
      score: spans.reduce((most, { score }) => Math.max(most, score), 0),
      spans,
    };
  },
});
