import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutAt, fragments, interleave, singleBytes, spelling } from '../../test/kit/event-stream.ts';
import {
  callArguments,
  cuts,
  cutText,
  expectSameBut,
  isRefused,
  joined,
  maskEvents,
  maskStream,
  readEvents,
  SECRETS,
  type TypedEvent,
  written,
} from '../../test/kit/masked-events.ts';
import { stringAt } from '../../test/kit/json.ts';
import { idleMasker, MASK, maskWords, wordMasker } from '../../test/kit/word-masker.ts';
import { codecs } from '../protocol/codecs.ts';
import { createAnswerMask } from './answer.ts';

const SIGNATURE = 'c2lnbmF0dXJl';

const blockStart = (index: number, content_block: object): TypedEvent => ({
  type: 'content_block_start',
  index,
  content_block,
});
const blockDelta = (index: number, delta: object): TypedEvent => ({ type: 'content_block_delta', index, delta });
const blockStop = (index: number): TypedEvent => ({ type: 'content_block_stop', index });

const block = (index: number, content_block: object, deltas: readonly object[]): TypedEvent[] => [
  blockStart(index, content_block),
  ...deltas.map((delta) => blockDelta(index, delta)),
  blockStop(index),
];
const textBlock = (index: number, parts: readonly string[]): TypedEvent[] =>
  block(
    index,
    { type: 'text', text: '' },
    parts.map((text) => ({ type: 'text_delta', text })),
  );
const thinkingBlock = (index: number, parts: readonly string[]): TypedEvent[] =>
  block(index, { type: 'thinking', thinking: '', signature: '' }, [
    ...parts.map((thinking) => ({ type: 'thinking_delta', thinking })),
    { type: 'signature_delta', signature: SIGNATURE },
  ]);
const toolBlock = (index: number, json: string, at: readonly number[]): TypedEvent[] =>
  block(
    index,
    { type: 'tool_use', id: 'toolu_1', name: 'mail', input: {} },
    cutText(json, at).map((partial_json) => ({ type: 'input_json_delta', partial_json })),
  );

const START: TypedEvent = {
  type: 'message_start',
  message: { id: 'msg_1', content: [], usage: { input_tokens: 9, cache_read_input_tokens: 100, output_tokens: 1 } },
};
const STOP: readonly TypedEvent[] = [
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 12 } },
  { type: 'message_stop' },
];

const padded = (obfuscation: string): TypedEvent => ({
  ...blockDelta(0, { type: 'text_delta', text: 'a ' }),
  obfuscation,
});

describe('masking a stream of messages', () => {
  it('masks text, thinking and tool input as whole texts, for every cut of the bytes', () => {
    let changed = 0;
    fc.assert(
      fc.property(
        fragments,
        fragments,
        fc.tuple(callArguments, cuts),
        fc.array(fc.nat(), { minLength: 1, maxLength: 9 }),
        spelling,
        cuts,
        fc.boolean(),
        (thinking, text, [call, at], picks, style, byteCuts, single) => {
          const lists = [thinkingBlock(0, thinking), textBlock(1, text), toolBlock(2, call.json, at)];
          const events = [START, { type: 'ping' }, ...interleave(lists, picks), ...STOP];
          const bytes = Buffer.from(written(events, style));
          const out = maskStream(single ? singleBytes(bytes) : cutAt(bytes, byteCuts), 'anthropic');
          for (const secret of SECRETS) expect(out).not.toContain(secret);
          const sent = readEvents(out);
          expectSameBut(events, sent, ({ type }) => type === 'content_block_delta');
          const blocks = [0, 1, 2].map((index) => sent.filter((event) => event['index'] === index));
          const [thought = [], said = [], used = []] = blocks;
          const wanted = maskWords(thinking.join(''));
          expect(joined(thought, 'delta', 'thinking')).toBe(wanted);
          expect(joined(said, 'delta', 'text')).toBe(maskWords(text.join('')));
          expect(JSON.parse(joined(used, 'delta', 'partial_json'))).toEqual(call.masked);
          // The signature vouches for thinking as the model wrote it, and for no other; it is the last of its block.
          expect(joined(thought, 'delta', 'signature')).toBe(wanted === thinking.join('') ? SIGNATURE : '');
          expect(stringAt(thought.at(-2), 'delta', 'type')).toBe('signature_delta');
          for (const events of blocks) expect(events.at(-1)?.type).toBe('content_block_stop');
          if (wanted !== thinking.join('')) changed++;
        },
      ),
      { numRuns: 800 },
    );
    expect(changed).toBeGreaterThan(150);
  });

  it('lets every event pass byte for byte when nothing is held or found', () => {
    fc.assert(
      fc.property(fragments, callArguments, spelling, (parts, { json }, style) => {
        const events = [...thinkingBlock(0, parts), ...textBlock(1, parts), ...toolBlock(2, json, [])];
        const stream = written([START, ...events, ...STOP], style);
        expect(maskStream(singleBytes(Buffer.from(stream)), 'anthropic', idleMasker)).toBe(stream);
      }),
      { numRuns: 200 },
    );
  });

  it('counts usage over message_start and message_delta, cached input included', () => {
    const answer = createAnswerMask({
      codec: codecs.anthropic,
      operation: { name: 'messages', body: 'json' },
      contentType: 'text/event-stream',
      masker: wordMasker,
      found: () => {},
      limit: 10_000,
    });
    answer.push(Buffer.from(written([START, ...STOP])));
    expect(answer.usage).toEqual({ input: 109, output: 12 });
    expect(answer.events).toBe(3);
  });

  it('masks what other deltas of a block carry', () => {
    const citation = { type: 'char_location', cited_text: 'bob@x.org', document_index: 0 };
    const events = maskEvents(
      [
        blockDelta(0, { type: 'citations_delta', citation }),
        blockDelta(0, { type: 'new_delta', words: 'al' }),
        blockDelta(0, { type: 'new_delta', words: 'ice@x.org' }),
        blockStop(0),
      ],
      'anthropic',
    );
    expect(events[0]).toEqual(blockDelta(0, { type: 'citations_delta', citation: { ...citation, cited_text: MASK } }));
    expect(joined(events, 'delta', 'words')).toBe(MASK);
    expect(isRefused([blockDelta(0, { type: 'new_delta', words: { deep: 'a b' } })], 'anthropic')).toBe(true);
  });

  it('masks a block that begins with text, tool results and errors', () => {
    const result = { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1' };
    const events = maskEvents(
      [
        blockStart(0, { type: 'text', text: 'bob@' }),
        blockDelta(0, { type: 'text_delta', text: 'x.org' }),
        blockStop(0),
        blockStart(1, { ...result, content: [{ title: 'bob@x.org', encrypted_content: 'Eo8B' }] }),
        { type: 'error', error: { type: 'overloaded_error', message: 'bob@x.org' } },
      ],
      'anthropic',
    );
    expect(joined(events, 'delta', 'text')).toBe(MASK);
    expect(events.at(-2)).toHaveProperty('content_block.content.0', { title: MASK, encrypted_content: 'Eo8B' });
    expect(events.at(-1)).toHaveProperty('error.message', MASK);
  });

  it('knows no padding: what OpenAI calls so is text here, in every event', () => {
    const events = maskEvents([padded('x'), padded('y'), padded('4111111111111111')], 'anthropic');
    expect(events.map((event) => event['obfuscation'])).toEqual(['x', 'y', MASK]);
  });

  it('flushes ahead of an error that cuts the stream short', () => {
    const error = { type: 'error', error: { type: 'api_error', message: 'x' } };
    const events = maskEvents([...textBlock(0, ['ask bob@x.org']).slice(0, 2), error], 'anthropic');
    expect(joined(events, 'delta', 'text')).toBe(`ask ${MASK}`);
    expect(events.at(-1)?.type).toBe('error');
  });

  it('lets events of kinds that it does not know pass without text, and refuses them with text', () => {
    expect(isRefused([{ type: 'new_event', index: 0 }], 'anthropic')).toBe(false);
    expect(isRefused([{ type: 'new_event', words: 'a b' }], 'anthropic')).toBe(true);
  });
});
