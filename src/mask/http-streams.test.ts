import { describe, expect, it } from 'vitest';
import { reasonOf, sse } from '../../test/kit/masked-answer.ts';
import { MASK, maskWords, wordMasker } from '../../test/kit/word-masker.ts';
import { httpCodec, type HttpPlaces } from '../protocol/http.ts';
import { createAnswerMask } from './answer.ts';

const mask = (places: HttpPlaces, body: string, contentType: string, cut = body.length): string => {
  const masked = createAnswerMask({
    codec: httpCodec(places),
    operation: { name: 'post', body: 'optional' },
    contentType,
    masker: wordMasker,
    found: () => {},
    limit: 100_000,
  });
  const bytes = Buffer.from(body);
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += cut) out.push(...masked.push(bytes.subarray(at, at + cut)));
  return Buffer.concat([...out, ...masked.end()]).toString();
};
const SSE = 'text/event-stream';
const LINES = 'application/x-ndjson';
const quoted = JSON.stringify(MASK).slice(1, -1);
const lines = (...values: readonly unknown[]): string => values.map((value) => `${JSON.stringify(value)}\n`).join('');

describe('a stream of a protocol that nobody knows', () => {
  it('is refused when the service does not say how it goes on', () => {
    for (const [type, body] of [
      [SSE, sse({ a: 'b' })],
      [LINES, lines({ a: 'b' })],
    ] as const)
      expect(reasonOf(() => mask({}, body, type))).toBe('answer-unreadable');
  });

  it('of whole events is masked event by event', () => {
    const records = [
      { id: 1, to: ['bob@x.org'] },
      { id: 2, to: ['eve'], at: '12345678' },
    ];
    for (const cut of [1, 1000]) {
      expect(mask({ fragments: [] }, lines(...records), LINES, cut)).toBe(
        lines(...records)
          .replace('bob@x.org', quoted)
          .replace('12345678', quoted),
      );
      expect(mask({ fragments: [] }, sse(...records), SSE, cut)).toContain(`"to":["${quoted}"]`);
    }
  });

  it('promise 4: streams mask exactly like whole texts, where the service says what goes on', () => {
    const text = 'Write to bob@x.org or eve.long@y.org, call 12345678.';
    for (const size of [1, 3, 7]) {
      const parts = text.match(new RegExp(`.{1,${size}}`, 'g')) ?? [];
      const events = parts.map((part) => ({ id: 'abc', out: [{ text: part }], note: 'at carl@x.org' }));
      const out = mask({ fragments: ['$.out[*].text'] }, lines(...events), LINES, 5);
      const got = out
        .trim()
        .split('\n')
        .map((line): { id?: string; out: { text: string }[]; note?: string } => JSON.parse(line));
      expect(got.map(({ out: [first] }) => first?.text).join('')).toBe(maskWords(text));
      // what was held back to the end comes with nothing beside it
      for (const { id, note } of got)
        expect([id, note]).toEqual(id === undefined ? [undefined, undefined] : ['abc', `at ${MASK}`]);
    }
  });
});

describe('texts that a service selects', () => {
  it('are masked, and nothing else is', () => {
    const places = { texts: ['/prompt', '$.messages[*].content'] };
    const body = JSON.stringify({
      prompt: 'bob@x.org',
      owner: 'bob@x.org',
      messages: [{ role: 'bob@x.org', content: ['bob@x.org'] }],
    });
    expect(JSON.parse(mask(places, body, 'application/json'))).toEqual({
      prompt: MASK,
      owner: 'bob@x.org',
      messages: [{ role: 'bob@x.org', content: [MASK] }],
    });
    expect(mask(places, 'bob@x.org', 'text/plain')).toBe(MASK);
  });
});
