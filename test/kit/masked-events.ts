/** Streams of typed events (responses, messages): how tests write them, mask them and compare them. */

import fc from 'fast-check';
import { expect } from 'vitest';
import { createAnswerMask } from '../../src/mask/answer.ts';
import type { TextMasker } from '../../src/mask/text-masker.ts';
import { codecs, type Protocol } from '../../src/protocol/codecs.ts';
import { Failure } from '../../src/reasons.ts';
import { dispatched, fragments, frame, type Spelling, spell } from './event-stream.ts';
import { type JsonRecord, parsedRecord, stringAt } from './json.ts';
import { maskWords, wordMasker } from './word-masker.ts';

/** The data of one event. */
export type TypedEvent = JsonRecord & { readonly type: string };

const COMPACT: Spelling = { json: 'compact', ending: '\n', space: true };

/** Returns the stream of these events. */
export const written = (events: readonly TypedEvent[], style: Spelling = COMPACT): string =>
  events.map((event) => frame(event.type, spell(event, style), style)).join('');

/** Returns the events of a stream. */
export const readEvents = (stream: string): TypedEvent[] =>
  dispatched(stream).map(({ event, data }) => {
    const value = parsedRecord(data);
    expect(value['type']).toBe(event);
    return { ...value, type: event };
  });

/** Returns the masked stream. */
export const maskStream = (chunks: readonly Buffer[], protocol: Protocol, masker: TextMasker = wordMasker): string => {
  const answer = createAnswerMask({
    codec: codecs[protocol],
    operation: { name: protocol === 'openai' ? 'responses' : 'messages', body: 'json' },
    contentType: 'text/event-stream',
    masker,
    found: () => {},
    limit: 1_000_000,
  });
  const out = chunks.flatMap((chunk) => answer.push(chunk));
  return Buffer.concat([...out, ...answer.end()]).toString();
};

/** Returns the events that come out for these. */
export const maskEvents = (events: readonly TypedEvent[], protocol: Protocol): TypedEvent[] =>
  readEvents(maskStream([Buffer.from(written(events))], protocol));

/** Returns true when the events are refused as unreadable. */
export const isRefused = (events: readonly TypedEvent[], protocol: Protocol): boolean => {
  try {
    maskEvents(events, protocol);
    return false;
  } catch (error) {
    expect(error).toBeInstanceOf(Failure);
    expect(error).toHaveProperty('reason', 'answer-unreadable');
    return true;
  }
};

/** Returns what a member of the deltas of these events says, put together. */
export const joined = (events: readonly TypedEvent[], ...path: readonly string[]): string =>
  events.map((event) => stringAt(event, ...path)).join('');

const TEXTS: ReadonlySet<string> = new Set([
  'delta',
  'text',
  'thinking',
  'partial_json',
  'arguments',
  'refusal',
  'signature',
]);

const withoutTexts = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutTexts);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      TEXTS.has(name) && typeof inner === 'string' ? '' : withoutTexts(inner),
    ]),
  );
};

/** Asserts that `after` has every event of `before` but for its texts, in order, and that `grows` holds for what is new. */
export const expectSameBut = (
  before: readonly TypedEvent[],
  after: readonly TypedEvent[],
  grows: (event: TypedEvent) => boolean,
): void => {
  const want = before.map((event) => JSON.stringify(withoutTexts(event)));
  let at = 0;
  for (const event of after) {
    if (JSON.stringify(withoutTexts(event)) === want[at]) at++;
    else expect(grows(event)).toBe(true);
  }
  expect(at).toBe(want.length);
};

/** Arguments of a call in JSON, and what they are when they are masked string by string. */
export const callArguments = fragments.map((parts) => {
  const text = parts.join('');
  const masked = maskWords(text);
  return { json: JSON.stringify({ q: text, list: [text, 1] }), masked: { q: masked, list: [masked, 1] } };
});

/** Places to cut a text at. */
export const cuts = fc.array(fc.nat(), { maxLength: 6 });

/** Returns the pieces of the text between the places, taken modulo its length. */
export const cutText = (text: string, at: readonly number[]): string[] => {
  const places = [...new Set(at.map((place) => place % (text.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, i) => text.slice(from, places[i] ?? text.length));
};

/** What no masked stream may hold, however it is spelled. */
export const SECRETS: readonly string[] = ['alice@', 'bob@', '4111111111111111', 'alice\\u0040', 'bob\\u0040'];
