import { describe, expect, it } from 'vitest';
import { codecs, type Protocol } from './codecs.ts';
import { CallGatherer } from './tool-calls.ts';
import type { CallReading, Operation } from './codec.ts';

const readingOf = (protocol: Protocol, method: string, path: string): CallReading => {
  const codec = codecs[protocol];
  const operation: Operation | null = codec.operation(method, path);
  const reading = operation === null ? null : (codec.toolCalls?.(operation) ?? null);
  if (reading === null) throw new Error(`expected ${protocol} to have tools at ${path}`);
  return reading;
};

const CHAT = readingOf('openai', 'POST', '/v1/chat/completions');
const RESPONSES = readingOf('openai', 'POST', '/v1/responses');
const REALTIME = readingOf('openai', 'GET', '/v1/realtime');
const MESSAGES = readingOf('anthropic', 'POST', '/v1/messages');

/** Reads events, and after each what is open and how many calls are complete. */
const gathered = (reading: CallReading, events: readonly unknown[]) => {
  const gatherer = new CallGatherer(reading);
  const states = events.map((event) => {
    gatherer.event('', event);
    return `${gatherer.calls.length} ${gatherer.open.join()}`.trim();
  });
  return { gatherer, states };
};

const chunk = (entry: object, more: object = {}) => ({
  choices: [{ index: 0, delta: { tool_calls: [{ index: 0, ...entry }] }, finish_reason: null, ...more }],
});

describe('CallGatherer', () => {
  it('tells a call when it is complete, and only then', () => {
    const { gatherer, states } = gathered(CHAT, [
      chunk({ id: 'c', type: 'function', function: { name: 'mail', arguments: '' } }),
      chunk({ function: { arguments: '{"to":' } }),
      chunk({ function: { arguments: '"a"}' } }),
      { choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
    ]);
    expect(states).toEqual(['0 mail', '0 mail', '0 mail', '1']);
    expect(gatherer.calls).toEqual([{ name: 'mail', arguments: { to: 'a' } }]);
  });

  it('tells what is incomplete when a stream ends without saying so', () => {
    const { gatherer } = gathered(CHAT, [chunk({ function: { name: 'mail', arguments: '{"to":' } })]);
    gatherer.end();
    expect(gatherer.calls).toEqual([{ name: 'mail', arguments: '{"to":' }]);
  });

  it('keeps apart the calls of several choices and of one', () => {
    const of = (choice: number, index: number, text: string) => ({
      choices: [
        {
          index: choice,
          delta: { tool_calls: [{ index, function: { name: `t${choice}${index}`, arguments: text } }] },
        },
      ],
    });
    const { gatherer } = gathered(CHAT, [
      of(0, 0, '{"a'),
      of(1, 0, '{"b'),
      of(0, 1, '{"c'),
      of(0, 0, '":1}'),
      of(1, 0, '":2}'),
    ]);
    expect(gatherer.open).toEqual(['t00', 't10', 't01']);
    gatherer.event('', { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
    expect(gatherer.open).toEqual(['t10']);
    expect(gatherer.calls).toEqual([
      { name: 't00', arguments: { a: 1 } },
      { name: 't01', arguments: '{"c' },
    ]);
  });

  it.each<[string, CallReading, readonly unknown[]]>([
    ['two names', CHAT, [chunk({ function: { name: 'mail' } }), chunk({ function: { name: 'shell' } })]],
    [
      'more after its end',
      CHAT,
      [chunk({ function: { name: 'mail' } }, { finish_reason: 'stop' }), chunk({ function: { arguments: '{}' } })],
    ],
    [
      'a repetition that says something else',
      RESPONSES,
      [
        {
          type: 'response.output_item.added',
          output_index: 0,
          item: { type: 'function_call', name: 'mail', arguments: '' },
        },
        { type: 'response.function_call_arguments.delta', output_index: 0, delta: '{"to":"a"}' },
        { type: 'response.function_call_arguments.done', output_index: 0, arguments: '{"to":"b"}' },
      ],
    ],
    [
      'a final answer that says something else',
      RESPONSES,
      [
        {
          type: 'response.output_item.added',
          output_index: 0,
          item: { type: 'function_call', name: 'mail', arguments: '' },
        },
        {
          type: 'response.output_item.done',
          output_index: 0,
          item: { type: 'function_call', name: 'mail', arguments: '{}' },
        },
        {
          type: 'response.completed',
          response: { output: [{ type: 'function_call', name: 'mail', arguments: '{"to":"b"}' }] },
        },
      ],
    ],
    [
      'input beside what its block began with',
      MESSAGES,
      [
        {
          type: 'content_block_start',
          index: 0,
          content_block: { type: 'tool_use', name: 'mail', input: { to: 'a' } },
        },
        { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{"to":"b"}' } },
      ],
    ],
  ])('refuses a call that two readers could take for two things: %s', (_, reading, events) => {
    expect(() => gathered(reading, events)).toThrow(expect.objectContaining({ reason: 'answer-unreadable' }));
  });

  it('takes a call once that is said again and again', () => {
    const item = { type: 'function_call', id: 'i', name: 'mail', arguments: '{"to":"a"}' };
    const { gatherer, states } = gathered(RESPONSES, [
      { type: 'response.output_item.added', output_index: 1, item: { ...item, arguments: '' } },
      { type: 'response.function_call_arguments.delta', output_index: 1, delta: '{"to":"a"}' },
      { type: 'response.function_call_arguments.done', output_index: 1, name: 'mail', arguments: '{"to":"a"}' },
      { type: 'response.output_item.done', output_index: 1, item },
      { type: 'response.completed', response: { output: [{ type: 'message', content: [] }, item] } },
    ]);
    expect(states).toEqual(['0 mail', '0 mail', '0 mail', '1', '1']);
    expect(gatherer.calls).toEqual([{ name: 'mail', arguments: { to: 'a' } }]);
  });

  it('holds arguments to a bound', () => {
    const piece = chunk({ function: { arguments: 'a'.repeat(600_000) } });
    expect(() => gathered(CHAT, [piece, piece])).toThrow(expect.objectContaining({ reason: 'answer-unreadable' }));
  });
});

describe('where tools are called', () => {
  it('in chats: functions, custom tools, those of before there were tools, and results that name their tool', () => {
    expect(
      CHAT.whole({
        messages: [
          { role: 'assistant', tool_calls: [{ type: 'function', function: { name: 'f', arguments: '{"a":1}' } }] },
          { role: 'assistant', function_call: { name: 'g', arguments: '' } },
          { role: 'function', name: 'g', content: 'x' },
          { role: 'tool', name: 'h', content: 'x' },
        ],
        choices: [
          { message: { tool_calls: [{ type: 'custom', custom: { name: 'c', input: 'free text' } }] } },
          // a client reads one of them, and who knows which
          { message: { tool_calls: [{ function: { name: 'd', arguments: '{}' }, custom: { name: 'e', input: '' } }] } },
        ],
      }),
    ).toEqual([
      { name: 'f', arguments: { a: 1 } },
      { name: 'g', arguments: {} },
      { name: 'c', arguments: 'free text' },
      { name: 'd', arguments: {} },
      { name: 'e', arguments: {} },
      { name: 'h', arguments: {} },
    ]);
  });

  it('in responses: by functions, by MCP servers and by what is built in', () => {
    const output = [
      { type: 'function_call', id: 'i', call_id: 'c', name: 'f', arguments: '{}' },
      { type: 'mcp_call', name: 'm', server_label: 's', arguments: '{"q":1}' },
      { type: 'shell_call', call_id: 'c', status: 'completed', action: { commands: ['ls'] } },
      { type: 'reasoning', summary: [] },
    ];
    const calls = [
      { name: 'f', arguments: {} },
      { name: 'm', arguments: { q: 1 } },
      { name: 'shell', arguments: { action: { commands: ['ls'] } } },
    ];
    expect(RESPONSES.whole({ output })).toEqual(calls);
    expect(RESPONSES.whole({ input: output })).toEqual(calls);
    expect(readingOf('openai', 'GET', '/v1/files/f/content').whole({ response: { body: { output } } })).toEqual(calls);
  });

  it('in realtime: an item that is added, grows and is done', () => {
    const item = { type: 'function_call', id: 'i', call_id: 'c', name: 'mail', arguments: '' };
    const { gatherer, states } = gathered(REALTIME, [
      { type: 'response.output_item.added', response_id: 'r', output_index: 0, item },
      { type: 'conversation.item.added', item },
      { type: 'response.function_call_arguments.delta', item_id: 'i', delta: '{"to":"a"}' },
      { type: 'response.function_call_arguments.done', item_id: 'i', arguments: '{"to":"a"}' },
      { type: 'response.output_item.done', item: { ...item, arguments: '{"to":"a"}' } },
      { type: 'conversation.item.done', item: { ...item, arguments: '{"to":"a"}' } },
      { type: 'response.done', response: { id: 'r', output: [{ ...item, arguments: '{"to":"a"}' }] } },
    ]);
    expect(states).toEqual(['0 mail', '0 mail', '0 mail', '0 mail', '1', '1', '1']);
    expect(gatherer.calls).toEqual([{ name: 'mail', arguments: { to: 'a' } }]);
  });

  it.each<[Protocol, string, unknown]>([
    ['anthropic', '/v1/messages', { content: [{ type: 'tool_use', name: 'f', input: { a: 1 } }] }],
    [
      'anthropic',
      '/v1/messages',
      { messages: [{ content: [{ type: 'server_tool_use', name: 'f', input: { a: 1 } }] }] },
    ],
    ['vllm', '/v1/messages', { content: [{ type: 'tool_use', name: 'f', input: { a: 1 } }] }],
    ['azure', '/openai/v1/responses', { output: [{ type: 'function_call', name: 'f', arguments: '{"a":1}' }] }],
    [
      'tgi',
      '/v1/chat/completions',
      { choices: [{ message: { tool_calls: [{ function: { name: 'f', arguments: { a: 1 } } }] } }] },
    ],
    [
      'llama-server',
      '/v1/chat/completions',
      { messages: [{ tool_calls: [{ function: { name: 'f', arguments: '{"a":1}' } }] }] },
    ],
    [
      'gemini',
      '/v1beta/models/m:generateContent',
      { candidates: [{ content: { parts: [{ functionCall: { name: 'f', args: { a: 1 } } }] } }] },
    ],
    [
      'gemini',
      '/v1beta/models/m:generateContent',
      { contents: [{ parts: [{ function_call: { name: 'f', args: { a: 1 } } }] }] },
    ],
    [
      'gemini',
      '/v1beta/models/m:countTokens',
      { generateContentRequest: { contents: { parts: [{ functionCall: { name: 'f', args: { a: 1 } } }] } } },
    ],
    [
      'bedrock',
      '/model/m/converse',
      { output: { message: { content: [{ toolUse: { name: 'f', input: { a: 1 } } }] } } },
    ],
    ['bedrock', '/model/m/converse', { messages: [{ content: [{ toolUse: { name: 'f', input: { a: 1 } } }] }] }],
    ['bedrock', '/model/m/invoke', { content: [{ type: 'tool_use', name: 'f', input: { a: 1 } }] }],
    ['ollama', '/api/chat', { message: { tool_calls: [{ function: { name: 'f', arguments: { a: 1 } } }] } }],
    ['cohere', '/v2/chat', { message: { tool_calls: [{ function: { name: 'f', arguments: '{"a":1}' } }] } }],
  ])('%s %s %j', (protocol, path, document) => {
    expect(readingOf(protocol, 'POST', path).whole(document)).toEqual([{ name: 'f', arguments: { a: 1 } }]);
  });

  it('in MCP: the request is the call', () => {
    const reading = readingOf('mcp', 'POST', '/mcp');
    const params = { name: 'f', arguments: { a: 1 } };
    expect(reading.whole({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })).toEqual([
      { name: 'f', arguments: { a: 1 }, made: true },
    ]);
    expect(reading.whole({ jsonrpc: '2.0', id: 1, method: 'prompts/get', params })).toEqual([]);
  });
});
