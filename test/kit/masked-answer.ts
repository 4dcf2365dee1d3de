/** Masked answers of chat completions, and others by exception. */

import type { AnswerMask } from '../../src/mask/answer-mask.ts';
import { createAnswerMask } from '../../src/mask/answer.ts';
import type { TextMasker } from '../../src/mask/text-masker.ts';
import type { Finding } from '../../src/call.ts';
import type { Operation } from '../../src/protocol/codec.ts';
import { codecs, type Protocol } from '../../src/protocol/codecs.ts';
import { itemsOf } from '../../src/protocol/value.ts';
import { Failure, type Reason } from '../../src/reasons.ts';
import { dispatched } from './event-stream.ts';
import { parsedRecord, recordOf } from './json.ts';
import { wordMasker } from './word-masker.ts';

/** What came out of a mask. */
export interface Masked {
  readonly text: string;
  readonly mask: AnswerMask;
  readonly found: Finding[];
}

/** What differs from a masked chat stream. */
export interface Case {
  readonly protocol?: Protocol;
  /** Its name, or the whole of it. */
  readonly operation?: string | Operation;
  readonly contentType?: string;
  readonly masker?: TextMasker;
  readonly limit?: number;
}

/** Returns the mask of a case. */
export const maskOf = (options: Case, found: (finding: Finding) => void = () => {}): AnswerMask => {
  const asked = options.operation ?? 'chat';
  const operation: Operation = typeof asked === 'string' ? { name: asked, body: 'json' } : asked;
  return createAnswerMask({
    codec: codecs[options.protocol ?? 'openai'],
    operation,
    contentType: options.contentType ?? 'text/event-stream',
    masker: options.masker ?? wordMasker,
    found,
    limit: options.limit ?? 1_000_000,
  });
};

/** Returns what a mask makes of these chunks. */
export const run = (chunks: readonly Buffer[], options: Case = {}): Masked => {
  const found: Finding[] = [];
  const mask = maskOf(options, (finding) => found.push(finding));
  const out = chunks.flatMap((chunk) => mask.push(chunk));
  return { text: Buffer.concat([...out, ...mask.end()]).toString(), mask, found };
};

/** Returns the reason that a step fails with, null when it does not. */
export const reasonOf = (step: () => unknown): Reason | null => {
  try {
    step();
    return null;
  } catch (error) {
    if (error instanceof Failure) return error.reason;
    throw error;
  }
};

/** Returns the reason that an answer is refused with, null when it passes. */
export const refused = (text: string, options: Case = {}): Reason | null =>
  reasonOf(() => run([Buffer.from(text)], options));

/** Returns a stream of these events; a string is sent as it stands. */
export const sse = (...values: unknown[]): string =>
  values.map((value) => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`).join('');

/** Returns a chunk of a chat with one choice. */
export const chunkOf = (delta: unknown, rest: object = {}): object => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1719792000,
  model: 'm-1',
  choices: [{ index: 0, delta, finish_reason: null, ...rest }],
});

/** Joins every string that a delta carries, by choice and place. */
export const joined = (stream: string): Record<string, string> => {
  const texts: Record<string, string> = {};
  const walk = (value: unknown, place: string): void => {
    if (typeof value === 'string') texts[place] = (texts[place] ?? '') + value;
    else if (Array.isArray(value))
      value.forEach((item: { index?: number }, i) => walk(item, `${place}.${item.index ?? i}`));
    else if (typeof value === 'object' && value !== null)
      for (const [name, inner] of Object.entries(value))
        if (!['role', 'type', 'id', 'name'].includes(name)) walk(inner, `${place}.${name}`);
  };
  for (const { data } of dispatched(stream)) {
    if (data === '[DONE]') continue;
    for (const choice of itemsOf(parsedRecord(data)['choices']).map(recordOf)) {
      walk(choice['delta'], String(choice['index']));
      walk(choice['text'], `${String(choice['index'])} text`);
    }
  }
  return texts;
};
