/** A classifier of the webhook's contract for tests: it looks for words, and does wrong what a test tells it to. */

import type { z } from 'zod';
import { type webhookAnswer, webhookQuestion } from '../../src/classify/webhook.ts';
import { json } from './model-answers.ts';
import { type Answer, type ModelServer, type SeenRequest, startModelServer } from './model-server.ts';

type Question = z.output<typeof webhookQuestion>;

/** A running classifier. */
export interface ScriptedClassifier {
  readonly server: ModelServer;
  readonly url: string;
  /** Every question, in the order of arrival. */
  readonly questions: readonly Question[];
  close(): Promise<void>;
}

const codePoints = (text: string): number => Array.from(text).length;

/** Returns what the classifier says: texts with `flagged` words are, and each `person` is a finding. */
export function classified({ texts }: Question, flagged: RegExp, person: RegExp): Answer {
  const findings = texts.flatMap(({ text }, index) =>
    [...text.matchAll(person)].map((match) => ({
      text: index,
      start: codePoints(text.slice(0, match.index)),
      end: codePoints(text.slice(0, match.index + match[0].length)),
      kind: 'person',
      score: 0.9,
    })),
  );
  const isFlagged = texts.some(({ text }) => flagged.test(text));
  const labels = [...(isFlagged ? ['violence'] : []), ...(findings.length > 0 ? ['person'] : [])];
  const said: z.input<typeof webhookAnswer> = { flagged: isFlagged, labels, findings };
  return json(said);
}

export const questionOf = (request: SeenRequest): Question => webhookQuestion.parse(request.json());

/** Starts a classifier that flags `attack` and finds people called Anna Schmidt. */
export async function startClassifier(): Promise<ScriptedClassifier> {
  const server = await startModelServer((request) => classified(questionOf(request), /attack/i, /Anna Schmidt/g));
  return {
    server,
    url: server.url,
    get questions() {
      return server.requests.map(questionOf);
    },
    close: () => server.close(),
  };
}
