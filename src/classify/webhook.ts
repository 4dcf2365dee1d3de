/** The contract for classifiers of an operator's own: docs/classifiers.md, docs/classifier-webhook.json. */

import { z } from 'zod';
import { pointsTo, unitIndex } from './code-points.ts';
import { type Dialect, kindOf, labelsOf, mergeSpans, unusable } from './question.ts';

const text = z
  .strictObject({
    role: z.string().describe('`system`, `user`, `assistant`, `tool`, …; empty where nobody says.'),
    text: z.string().describe('Never empty.'),
    from: z
      .int()
      .min(0)
      .describe(
        'How many code points at its beginning were shown before and are context. A finding there has an effect only where it has not left yet: within `window.overlap` of its end.',
      ),
  })
  .describe('A text of the call.');

/** What the gateway posts. */
export const webhookQuestion = z
  .strictObject({
    version: z.literal(1),
    phase: z.enum(['request', 'answer']).describe('Whose texts these are: the caller’s or the model’s.'),
    service: z.string().describe('The service that the call is addressed to.'),
    model: z.string().describe('The model that the call names; empty for none.'),
    masked: z.boolean().describe('What detectors found is replaced, by `<EMAIL>` and the like.'),
    asked: z.string().describe('With `answer`: what the caller asked, the end of it; else empty.'),
    texts: z.array(text).min(1),
  })
  .describe('A question to a classifier.');

const finding = z
  .strictObject({
    text: z.int().min(0).describe('Which of the texts, from 0.'),
    start: z.int().min(0).describe('Its first code point.'),
    end: z.int().min(1).describe('The code point behind its last one.'),
    kind: z.string().describe('What it is, such as `person`: a word of letters, digits, `_`, `.` and `-`.'),
    score: z.number().min(0).max(1).default(1),
  })
  .describe('A stretch of a text that a masking rule may replace.');

/** What a classifier answers, with status 200. */
export const webhookAnswer = z
  .strictObject({
    flagged: z.boolean().describe('Whether something is wrong with the texts.'),
    labels: z
      .array(z.string())
      .default([])
      .describe('What they are, in words of the classifier: at most 64, each at most 64 characters; never a text.'),
    score: z.number().min(0).max(1).optional().describe('How sure it is; 1 when flagged and 0 when not, if missing.'),
    findings: z.array(finding).default([]),
  })
  .describe('What a classifier says. An answer with other members is none.');

/** The dialect of the webhook. */
export const webhook: Dialect = {
  post({ phase, service, model, masked, asked, parts }) {
    const texts = parts.map((part) => ({ role: part.role, text: part.text, from: pointsTo(part.text, part.from) }));
    const question: z.input<typeof webhookQuestion> = { version: 1, phase, service, model, masked, asked, texts };
    return { path: '', body: JSON.stringify(question) };
  },
  read(answer, { parts }) {
    const parsed = webhookAnswer.safeParse(answer);
    if (!parsed.success) throw unusable('an answer that is not as the contract says');
    const { flagged, labels, score, findings } = parsed.data;
    const indexes = parts.map((part) => unitIndex(part.text));
    const spans = findings.map((each) => {
      const units = indexes[each.text];
      const start = units?.(each.start) ?? null;
      const end = units?.(each.end) ?? null;
      if (start === null || end === null || start >= end) throw unusable('a finding outside of the text');
      return { part: each.text, start, end, kind: kindOf(each.kind), score: each.score };
    });
    return {
      flagged,
      labels: labelsOf(labels),
      score: score ?? Number(flagged),
      spans: mergeSpans(spans),
    };
  },
};
