import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutAt, fragments, singleBytes } from '../../test/kit/event-stream.ts';
import { FRAMING_KITS, kitOf } from '../../test/kit/framed-events.ts';
import { joined, reasonOf, sse as sseOf } from '../../test/kit/masked-answer.ts';
import { chunkOf } from '../../test/kit/masked-answer.ts';
import { idleMasker, maskWords, wordMasker } from '../../test/kit/word-masker.ts';
import type { Codec } from '../protocol/codec.ts';
import { eventstream } from '../protocol/framing/eventstream.ts';
import type { Framing } from '../protocol/framing/framing.ts';
import { jsonArray } from '../protocol/framing/json-array.ts';
import { ndjson } from '../protocol/framing/ndjson.ts';
import { openai } from '../protocol/openai/openai.ts';
import { sse } from '../protocol/framing/sse.ts';
import type { AnswerMaskOptions } from './answer-mask.ts';
import { createAnswerMask } from './answer.ts';
import { observeAnswer } from './observe.ts';

const FRAMINGS = [sse, ndjson, jsonArray, eventstream] as const;

const optionsOf = (framing: Framing, masker = wordMasker): AnswerMaskOptions => {
  const codec: Codec = { ...openai, framings: () => [framing] };
  const { contentType } = kitOf(framing);
  return { codec, operation: { name: 'chat', body: 'json' }, contentType, masker, found: () => {}, limit: 100_000 };
};

const mask = (framing: Framing, chunks: readonly Buffer[], masker = wordMasker): Buffer => {
  const answer = createAnswerMask(optionsOf(framing, masker));
  const out = chunks.flatMap((chunk) => answer.push(chunk));
  return Buffer.concat([...out, ...answer.end()]);
};

const written = (framing: Framing, values: readonly object[]): Buffer =>
  kitOf(framing).write(values.map((value) => ({ event: '', data: JSON.stringify(value) })));

const textOf = (framing: Framing, stream: Buffer): string | undefined =>
  joined(
    sseOf(
      ...kitOf(framing)
        .read(stream)
        .map(({ data }) => data),
    ),
  )['0.content'];

describe.each(FRAMINGS)('promise 4 in the framing $name', (framing) => {
  const chat = (parts: readonly string[], rest: object = {}): object[] => [
    ...parts.map((content) => chunkOf({ content })),
    chunkOf({}, rest),
  ];

  it('masks a text like the whole of it, for every cut of the text and of the bytes', () => {
    fc.assert(
      fc.property(fragments, fc.boolean(), fc.array(fc.nat(), { maxLength: 6 }), (parts, ends, at) => {
        const bytes = written(framing, chat(parts, ends ? { finish_reason: 'stop' } : {}));
        const want = mask(framing, [bytes]);
        expect(textOf(framing, want)).toBe(maskWords(parts.join('')));
        for (const chunks of [cutAt(bytes, at), singleBytes(bytes)])
          expect(textOf(framing, mask(framing, chunks))).toBe(maskWords(parts.join('')));
      }),
      { numRuns: 200 },
    );
  });

  it('passes every byte as it came when nothing is masked, and reads along with all of them', () => {
    fc.assert(
      fc.property(fragments, fc.array(fc.nat(), { maxLength: 6 }), (parts, at) => {
        const bytes = written(framing, [...chat(parts), { choices: [], usage: { prompt_tokens: 3 } }]);
        expect(mask(framing, cutAt(bytes, at), idleMasker)).toEqual(bytes);
        const observer = observeAnswer(optionsOf(framing));
        expect(Buffer.concat(cutAt(bytes, at).flatMap((chunk) => observer.push(chunk)))).toEqual(bytes);
        observer.end();
        expect(observer.usage).toEqual({ input: 3, output: 0 });
      }),
      { numRuns: 100 },
    );
  });

  it('lets an event leave with its last byte', () => {
    const [first, second] = [chunkOf({ content: 'a ' }), chunkOf({ content: 'b ' })];
    const bytes = written(framing, [first, second]);
    const answer = createAnswerMask(optionsOf(framing));
    const head = written(framing, [first]).length;
    const early = answer.push(bytes.subarray(0, head));
    expect(Buffer.concat([...early]).toString('latin1')).toContain('"content":"a "');
  });

  it('refuses what is not in this framing', () => {
    expect(reasonOf(() => mask(framing, [Buffer.from('nonsense\n\ndata: nonsense\n\n')]))).toBe('answer-unreadable');
  });
});

describe('a text that is still held at the end', () => {
  it('leaves in the only event of a document that is no array', () => {
    const bytes = Buffer.from(JSON.stringify(chunkOf({ content: 'to alice@example.com' })));
    const masked: unknown = JSON.parse(mask(jsonArray, singleBytes(bytes)).toString());
    expect(masked).toMatchObject({ choices: [{ delta: { content: `to ${maskWords('alice@example.com')}` } }] });
  });

  it('leaves ahead of the closing bracket of an array, and ahead of an exception', () => {
    const bytes = written(jsonArray, [chunkOf({ content: 'bob@x.org' })]);
    expect(textOf(jsonArray, mask(jsonArray, [bytes]))).toBe(maskWords('bob@x.org'));
    const failed = Buffer.concat([
      written(eventstream, [chunkOf({ content: 'bob@x.org' })]),
      eventstream.renderFailure('throttlingException', '{"error":{"message":"slow down"}}'),
    ]);
    const events = FRAMING_KITS.eventstream.read(mask(eventstream, [failed]));
    expect(events.map(({ data }) => data.includes('choices'))).toEqual([true, true, false]);
  });
});
