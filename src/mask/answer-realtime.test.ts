import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idleMasker, MASK, maskWords, wordMasker } from '../../test/kit/word-masker.ts';
import { openai } from '../protocol/openai/openai.ts';
import { openaiRealtimeStream } from '../protocol/openai/realtime-stream.ts';
import { createMessageMask } from './answer.ts';
import { observeMessages } from './observe.ts';

const operation = { name: 'realtime', body: 'none' } as const;

const maskOf = (masker = wordMasker) =>
  createMessageMask({ codec: openai, operation, masker, found: () => {}, limit: 100_000 }, openaiRealtimeStream());

interface Said {
  readonly type: string;
  readonly item_id?: string;
  readonly delta?: string;
  readonly [name: string]: unknown;
}

const masked = (events: readonly Said[], masker = wordMasker): Said[] => {
  const mask = maskOf(masker);
  const out = events.flatMap((event) => mask.push(Buffer.from(JSON.stringify(event))));
  return [...out, ...mask.end()].map((message) => JSON.parse(message.toString()));
};

const STEMS = [
  'response.output_text',
  'response.text',
  'response.output_audio_transcript',
  'response.audio_transcript',
  'conversation.item.input_audio_transcription',
] as const;

const delta = (stem: string, item: string, text: string): Said => ({
  type: `${stem}.delta`,
  response_id: 'resp_1',
  item_id: item,
  content_index: 0,
  delta: text,
});
const done = (stem: string, item: string, text: string): Said => ({
  type: stem.startsWith('conversation') ? `${stem}.completed` : `${stem}.done`,
  item_id: item,
  content_index: 0,
  transcript: text,
});

const textOf = (events: readonly Said[], stem: string, item: string): string =>
  events
    .filter((event) => event.type === `${stem}.delta` && event.item_id === item)
    .map((event) => event.delta)
    .join('');

describe('promise 4 over realtime messages', () => {
  it('masks a text like the whole of it, for every cut, with another text between', () => {
    const words = fc.array(fc.constantFrom('hi', 'a@b.de', '12345678', '🙂', ' ', ', '), { maxLength: 8 });
    fc.assert(
      fc.property(fc.constantFrom(...STEMS), words, words, fc.array(fc.nat(40), { maxLength: 6 }), (stem, a, b, at) => {
        const [first, second] = [a.join(''), b.join('')];
        const places = [...new Set([0, ...at.map((n) => Math.min(n, first.length)), first.length])].toSorted(
          (x, y) => x - y,
        );
        const parts = places.map((from, n) => first.slice(from, places[n + 1] ?? first.length));
        const events = [
          ...parts.flatMap((text) => [delta(stem, 'one', text), delta(stem, 'two', '')]),
          delta(stem, 'two', second),
          done(stem, 'one', first),
          done(stem, 'two', second),
        ];
        const out = masked(events);
        expect(textOf(out, stem, 'one')).toBe(maskWords(first));
        expect(textOf(out, stem, 'two')).toBe(maskWords(second));
        expect(JSON.stringify(out)).not.toMatch(/a@b|12345678/);
      }),
      { numRuns: 300 },
    );
  });

  it('gives what is held to the item that it belongs to, ahead of its end', () => {
    const out = masked([delta('response.output_text', 'one', 'to a@b'), done('response.output_text', 'one', 'to a@b')]);
    expect(out.map(({ type }) => type)).toEqual([
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
    ]);
    expect(out[1]).toMatchObject({ response_id: 'resp_1', item_id: 'one', content_index: 0, delta: MASK });
    expect(out[2]).toMatchObject({ transcript: `to ${MASK}` });
  });

  it('reads the arguments of a tool call as the JSON that they grow into', () => {
    const stem = 'response.function_call_arguments';
    const parts = ['{"to":"a', '@b.de","n', '":1}'];
    const out = masked([
      ...parts.map((text) => delta(stem, 'call', text)),
      { type: `${stem}.done`, item_id: 'call', content_index: 0, arguments: parts.join('') },
    ]);
    expect(JSON.parse(textOf(out, stem, 'call'))).toEqual({ to: MASK, n: 1 });
  });

  it('passes audio as it came, and text in the place of audio not at all', () => {
    const audio = delta('response.output_audio', 'one', 'UklGRg==');
    expect(masked([audio])).toEqual([audio]);
    expect(() => masked([delta('response.output_audio', 'one', 'write to a@b')])).toThrow('base64');
  });

  it('forgets texts that have ended: a long connection does not end for their number', () => {
    const mask = maskOf();
    for (let item = 0; item < 5000; item++) {
      const push = (event: Said) => mask.push(Buffer.from(JSON.stringify(event)));
      push(delta('response.output_text', `item_${item}`, 'hello'));
      push({ type: 'response.done', response: { id: 'resp_1' } });
    }
    expect(mask.events).toBe(10_000);
  });

  it('leaves every byte of a message in which nothing is masked', () => {
    const mask = maskOf(idleMasker);
    const message = Buffer.from('{ "type" : "response.done","x":1.0e1 }');
    expect(mask.push(message)).toEqual([message]);
  });
});

describe('the tokens of a connection', () => {
  const response = (input: number, output: number): Buffer =>
    Buffer.from(
      JSON.stringify({ type: 'response.done', response: { usage: { input_tokens: input, output_tokens: output } } }),
    );

  it.each([
    ['masked', () => maskOf()],
    ['observed', () => observeMessages({ codec: openai, operation, limit: 100_000 })],
  ])('add up over its responses when it is %s', (_, make) => {
    const mask = make();
    mask.push(response(5, 2));
    mask.push(response(7, 3));
    expect(mask.usage).toEqual({ input: 12, output: 5 });
  });
});
