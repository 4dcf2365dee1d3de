/** Masked streams, put together again by the SDKs that callers use. */

import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterEach, expect, it } from 'vitest';
import { frame, spell } from '../../test/kit/event-stream.ts';
import { type Serving, serve } from '../../test/kit/serve-once.ts';
import { MASK, wordMasker } from '../../test/kit/word-masker.ts';
import { codecs, type Protocol } from '../protocol/codecs.ts';
import { createAnswerMask } from './answer.ts';

let serving: Serving | null = null;
afterEach(() => serving?.close());

const STYLE = { json: 'ascii', ending: '\n', space: true } as const;
const event = (value: object, name = ''): string => frame(name, spell(value, STYLE), STYLE);

/** Serves the masked stream in chunks of seven bytes; resolves to the origin. */
const serveMasked = async (protocol: Protocol, operation: string, stream: string): Promise<string> => {
  const mask = createAnswerMask({
    codec: codecs[protocol],
    operation: { name: operation, body: 'json' },
    contentType: 'text/event-stream',
    masker: wordMasker,
    found: () => {},
    limit: 100_000,
  });
  serving = await serve((_, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    const bytes = Buffer.from(stream);
    for (let at = 0; at < bytes.length; at += 7)
      for (const piece of mask.push(bytes.subarray(at, at + 7))) res.write(piece);
    for (const piece of mask.end()) res.write(piece);
    res.end();
  });
  return serving.origin;
};

const letters = (text: string): string[] => Array.from(text);

const chatChunk = (index: number, delta: object, finish_reason: string | null = null): string =>
  event({
    id: 'c1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index, delta, finish_reason }],
  });

const callPart = (rest: object): object => ({ tool_calls: [{ index: 0, ...rest }] });

it('the OpenAI SDK reads a masked response', async () => {
  const place = { item_id: 'msg_1', output_index: 0, content_index: 0 };
  const text = 'mail bob@x.org now';
  const part = { type: 'output_text', text, annotations: [] };
  const item = { type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [part] };
  const response = { id: 'resp_1', object: 'response', output: [], status: 'in_progress' };
  const events = [
    { type: 'response.created', response },
    { type: 'response.output_item.added', output_index: 0, item: { ...item, content: [] } },
    { type: 'response.content_part.added', ...place, part: { ...part, text: '' } },
    ...letters(text).map((delta) => ({ type: 'response.output_text.delta', ...place, delta, logprobs: [] })),
    { type: 'response.output_text.done', ...place, text },
    { type: 'response.content_part.done', ...place, part },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response: { ...response, status: 'completed', output: [item] } },
  ].map((value, sequence_number) => event({ ...value, sequence_number }, value.type));
  const origin = await serveMasked('openai', 'responses', events.join(''));
  const client = new OpenAI({ apiKey: 'k', baseURL: `${origin}/v1`, maxRetries: 0 });
  let grown = '';
  const stream = client.responses.stream({ model: 'm', input: 'x' });
  stream.on('response.output_text.delta', ({ delta, snapshot }) => {
    grown += delta;
    expect(snapshot).toBe(grown);
  });
  const final = await stream.finalResponse();
  expect(grown).toBe(`mail ${MASK} now`);
  expect(final.output_text).toBe(grown);
});

const blockEvents = (index: number, content_block: object, deltas: object[]): object[] => [
  { type: 'content_block_start', index, content_block },
  ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
  { type: 'content_block_stop', index },
];

it('the OpenAI SDK reads a masked chat with two choices and a tool call', async () => {
  const stream = [
    chatChunk(0, { role: 'assistant', content: '' }),
    chatChunk(1, { role: 'assistant', content: '' }),
    ...letters('mail bob@x.org now').map((content) => chatChunk(0, { content })),
    ...letters('or alice@x.org').map((content) => chatChunk(1, { content })),
    chatChunk(0, callPart({ id: 'call_1', type: 'function', function: { name: 'mail', arguments: '' } })),
    ...letters('{"to":"bob@x.org"}').map((text) => chatChunk(0, callPart({ function: { arguments: text } }))),
    chatChunk(0, {}, 'tool_calls'),
    chatChunk(1, {}, 'stop'),
    'data: [DONE]\n\n',
  ].join('');
  const client = new OpenAI({
    apiKey: 'k',
    baseURL: `${await serveMasked('openai', 'chat', stream)}/v1`,
    maxRetries: 0,
  });
  const completion = await client.chat.completions.stream({ model: 'm', n: 2, messages: [] }).finalChatCompletion();
  expect(completion.choices.map(({ message }) => message.content)).toEqual([`mail ${MASK} now`, `or ${MASK}`]);
  const [tool] = completion.choices[0]?.message.tool_calls ?? [];
  expect(tool).toMatchObject({ id: 'call_1', function: { name: 'mail', arguments: JSON.stringify({ to: MASK }) } });
});

it('the Anthropic SDK reads a masked message with thinking and a tool', async () => {
  const usage = { input_tokens: 1, output_tokens: 1 };
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [],
    stop_reason: null,
    usage,
  };
  const events = [
    { type: 'message_start', message },
    ...blockEvents(0, { type: 'thinking', thinking: '', signature: '' }, [
      ...letters('ask bob@x.org').map((thinking) => ({ type: 'thinking_delta', thinking })),
      { type: 'signature_delta', signature: 'c2ln' },
    ]),
    ...blockEvents(
      1,
      { type: 'text', text: '' },
      letters('mail alice@x.org').map((text) => ({ type: 'text_delta', text })),
    ),
    ...blockEvents(
      2,
      { type: 'tool_use', id: 'toolu_1', name: 'mail', input: {} },
      letters('{"to":"bob@x.org"}').map((partial_json) => ({ type: 'input_json_delta', partial_json })),
    ),
    { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 5 } },
    { type: 'message_stop' },
  ];
  const stream = events.map((value) => event(value, 'type' in value ? String(value.type) : '')).join('');
  const client = new Anthropic({
    apiKey: 'k',
    baseURL: await serveMasked('anthropic', 'messages', stream),
    maxRetries: 0,
  });
  const final = await client.messages.stream({ model: 'm', max_tokens: 9, messages: [] }).finalMessage();
  expect(final.content).toMatchObject([
    { type: 'thinking', thinking: `ask ${MASK}`, signature: '' },
    { type: 'text', text: `mail ${MASK}` },
    { type: 'tool_use', id: 'toolu_1', name: 'mail', input: { to: MASK } },
  ]);
});
