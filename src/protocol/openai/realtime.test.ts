import { describe, expect, it } from 'vitest';
import { reasonOf } from '../../../test/kit/masked-answer.ts';
import { openai } from './openai.ts';

const operation = { name: 'realtime', body: 'none' } as const;
const socket = openai.socket?.(operation);
if (socket === undefined || socket === null) throw new Error('expected realtime to be a WebSocket');

const readingOf = (event: object) => socket.message(event).reading;

describe('a realtime handshake', () => {
  it('names its model in the query, once', () => {
    expect(socket.handshake('model=gpt-realtime&x=1').model).toBe('gpt-realtime');
    expect(socket.handshake('call_id=rtc_1').model).toBe('');
    expect(socket.handshake('api-version=1&deployment=gpt-realtime').model).toBe('gpt-realtime');
    expect(reasonOf(() => socket.handshake('model=a&model=b'))).toBe('body-unreadable');
    expect(reasonOf(() => socket.handshake('model=a&deployment=b'))).toBe('body-unreadable');
  });
});

describe('a realtime event', () => {
  it('is an operation that is named after it', () => {
    expect(socket.message({ type: 'conversation.item.create' }).operation.name).toBe(
      'realtime.conversation.item.create',
    );
  });

  it.each([
    [{}],
    [{ type: 1 }],
    [{ type: '' }],
    [{ type: 'A b' }],
    [{ type: `a${'.b'.repeat(40)}` }],
    [[]],
    ['x'],
    [null],
  ])('has to say its type in one way: %j', (event) => {
    expect(reasonOf(() => socket.message(event))).toBe('body-unreadable');
  });

  it('says its texts with who wrote them, and counts what is no text', () => {
    const reading = readingOf({
      type: 'response.create',
      response: {
        instructions: 'be brief',
        input: [
          { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hello there' }] },
          { type: 'message', role: 'user', content: [{ type: 'input_audio', audio: 'UklG' }] },
          { type: 'function_call_output', call_id: 'call_1', output: 'it rains' },
        ],
      },
    });
    expect(reading.texts.map(({ role, text }) => [role, text])).toEqual([
      ['system', 'be brief'],
      ['user', 'hello there'],
      ['tool', 'it rains'],
    ]);
    expect(reading.audios).toBe(1);
    const item = readingOf({
      type: 'conversation.item.create',
      item: { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'earlier words' }] },
    });
    expect(item.texts.map(({ role }) => role)).toEqual(['assistant']);
  });

  it.each([
    [{ session: { max_output_tokens: 100 } }, 100],
    [{ session: { max_response_output_tokens: 'inf' } }, Number.MAX_SAFE_INTEGER],
    [{ response: { max_output_tokens: 5, max_response_output_tokens: 9 } }, 9],
    [{}, null],
  ])('limits its output under any name: %j', (settings, limit) => {
    expect(readingOf({ type: 'session.update', ...settings }).maxTokens).toBe(limit);
  });

  it.each([
    { session: { max_output_tokens: '100' } },
    { session: { max_output_tokens: -1 } },
    { response: { temperature: '1' } },
  ])('is refused for settings that servers may read in two ways: %j', (settings) => {
    expect(reasonOf(() => readingOf({ type: 'session.update', ...settings }))).toBe('body-unreadable');
  });

  it('offers the tools of a session or of one response', () => {
    const tools = [
      { type: 'function', name: 'shell' },
      { type: 'mcp', server_label: 'files' },
    ];
    expect(readingOf({ type: 'session.update', session: { tools } }).tools).toEqual([
      { name: 'shell', type: 'function' },
      { name: 'files', type: 'mcp' },
    ]);
    expect(readingOf({ type: 'response.create', response: { tools } }).tools).toHaveLength(2);
  });

  it('has audio that is data only where it looks like it', () => {
    const kind = (audio: string) =>
      openai.kind({ name: 'realtime.input_audio_buffer.append', body: 'json' }, ['audio'], audio, {
        type: 'input_audio_buffer.append',
        audio,
      });
    expect([kind('UklGRg=='), kind('write to a@b.de')]).toEqual(['data', 'text']);
  });
});
