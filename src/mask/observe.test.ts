import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutAt, singleBytes } from '../../test/kit/event-stream.ts';
import { codecs, type Protocol } from '../protocol/codecs.ts';
import { observeAnswer } from './observe.ts';

const observe = (
  chunks: readonly Buffer[],
  contentType: string,
  protocol: Protocol = 'openai',
  operation = 'chat',
  limit = 10_000,
) => {
  const observer = observeAnswer({
    codec: codecs[protocol],
    operation: { name: operation, body: 'json' },
    contentType,
    limit,
  });
  const out = chunks.map((chunk) => {
    const [first, ...more] = observer.push(chunk);
    expect(first).toBe(chunk);
    expect(more).toEqual([]);
    return first;
  });
  expect(observer.end()).toEqual([]);
  expect(out).toHaveLength(chunks.length);
  return observer;
};

const STREAM =
  'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n' +
  'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\ndata: [DONE]\n\n';

describe('an answer that no rule masks', () => {
  it('passes as it came, chunk by chunk, and tells its usage', () => {
    for (const chunks of [[Buffer.from(STREAM)], singleBytes(Buffer.from(STREAM))]) {
      const { usage, events } = observe(chunks, 'text/event-stream');
      expect(usage).toEqual({ input: 3, output: 4 });
      expect(events).toBe(3);
    }
    const whole = Buffer.from('{"usage":{"prompt_tokens":5,"completion_tokens":6}}');
    expect(observe([whole.subarray(0, 9), whole.subarray(9)], 'application/json').usage).toEqual({
      input: 5,
      output: 6,
    });
  });

  it('counts usage over the events of a message', () => {
    const stream =
      'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":7,"output_tokens":1}}}\n\n' +
      'event: message_delta\ndata: {"type":"message_delta","delta":{},"usage":{"output_tokens":9}}\n\n';
    expect(observe([Buffer.from(stream)], 'text/event-stream', 'anthropic', 'messages').usage).toEqual({
      input: 7,
      output: 9,
    });
  });

  it('is measured where a limit asks: the texts of its events, and every byte of what cannot be read', () => {
    const measured = (text: string, contentType: string): number | undefined => {
      const operation = { name: 'chat', body: 'json' } as const;
      const options = { codec: codecs.openai, operation, contentType, limit: 1_000 };
      const written = [[Buffer.from(text)], singleBytes(Buffer.from(text))].map((chunks) => {
        const observer = observeAnswer({ ...options, measures: true });
        for (const chunk of chunks) observer.push(chunk);
        observer.end();
        return observer.written;
      });
      expect(written[0]).toBe(written[1]);
      return written[0];
    };
    const event = (text: string): string => `data: {"choices":[{"index":0,"delta":{"content":"${text}"}}]}\n\n`;
    expect(measured(`${event('abc')}${event('dé')}data: [DONE]\n\n`, 'text/event-stream')).toBe(6);
    const broken = 'data: {"choices":[\n\n';
    expect(measured(`${event('abc')}${broken}`, 'text/event-stream')).toBe(3 + broken.length);
    expect(measured('{"choices":[]}', 'application/json')).toBe(0);
    expect(observe([Buffer.from(event('abc'))], 'text/event-stream').written).toBeUndefined();
  });

  it('passes whatever its bytes are', () => {
    const types = fc.constantFrom('text/event-stream', 'application/json', 'image/png', '', 'text/plain');
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array)),
      fc
        .constantFrom('data: {"usage":', 'data: "usage"\n\n', '{"usage":', STREAM, '\n\n')
        .map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(types, bytes, fc.array(fc.nat(), { maxLength: 4 }), (type, body, cuts) => {
        observe(cutAt(body, cuts), type, 'openai', 'chat', 40);
      }),
    );
  });

  it('tells no usage when it is larger than what is held of it', () => {
    const whole = Buffer.from('{"usage":{"prompt_tokens":5,"completion_tokens":6}}');
    expect(observe([whole], 'application/json', 'openai', 'chat', 20).usage).toBeNull();
    expect(observe([Buffer.from(STREAM)], 'text/event-stream', 'openai', 'chat', 20).usage).toBeNull();
  });
});
