/**
 * Llama Guard behind any server of chat completions, which puts the conversation into the model's own prompt. It answers
 * `safe`, or `unsafe` and a second line with the categories, `S1,S10` (llama.com, model cards and prompt formats).
 */

import { z } from 'zod';
import { type Dialect, labelsOf, type Question, unusable } from './question.ts';

const answerOf = z.object({
  choices: z.tuple([z.object({ message: z.object({ content: z.string() }) })]),
});

const UNSAFE = /^unsafe(?:\s*\n\s*(S\d{1,2}(?:\s*,\s*S\d{1,2})*))?$/;

/** What the model judges is the last turn: the user's of a request, the assistant's of an answer. */
const conversation = ({ phase, parts, asked }: Question): readonly { role: string; content: string }[] => {
  const all = parts.map(({ text }) => text).join('\n\n');
  if (phase === 'request') return [{ role: 'user', content: all }];
  // the template takes turns of a user and an agent, beginning with the user
  return [
    { role: 'user', content: asked === '' ? '(not shown)' : asked },
    { role: 'assistant', content: all },
  ];
};

/** Returns the dialect of Llama Guard under this model name. */
export const llamaGuard = (model: string): Dialect => ({
  post(question) {
    const body = { model, messages: conversation(question), temperature: 0, max_tokens: 64, stream: false };
    return { path: '/chat/completions', body: JSON.stringify(body) };
  },
  read(answer) {
    const parsed = answerOf.safeParse(answer);
    if (!parsed.success) throw unusable('no chat completion with one choice');
    const said = parsed.data.choices[0].message.content.trim();
    if (said === 'safe') return { flagged: false, labels: [], score: 0, spans: [] };
    const [matched, categories = ''] = UNSAFE.exec(said) ?? [];
    if (matched === undefined) throw unusable('neither safe nor unsafe');
    const labels = categories === '' ? ['unsafe'] : categories.split(',').map((label) => label.trim());
    return { flagged: true, labels: labelsOf(labels), score: 1, spans: [] };
  },
});
