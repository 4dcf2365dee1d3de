import { describe, expect, it } from 'vitest';
import { awsMessage, FRAMING_KITS } from '../../../test/kit/framed-events.ts';
import { stringAt } from '../../../test/kit/json.ts';
import { maskOf, reasonOf } from '../../../test/kit/masked-answer.ts';
import { MASK } from '../../../test/kit/word-masker.ts';
import { codecs } from '../codecs.ts';

const { bedrock } = codecs;
const read = (name: string, body: unknown) => bedrock.request({ name, body: 'json' }, body);

describe('a request of Bedrock', () => {
  it('names its model in the path, escapes and all', () => {
    const names = (path: string) => bedrock.operation('POST', path)?.names;
    expect(names('/model/anthropic.claude-1%3A0/converse')).toEqual({ model: 'anthropic.claude-1:0' });
    expect(names('/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx/invoke')).toEqual({
      model: 'arn:aws:bedrock:us-east-1:1:inference-profile/x',
    });
  });

  it('of Converse tells texts, tools and limits, wherever a limit stands', () => {
    const reading = read('converse-stream', {
      system: [{ text: 'Be brief.' }],
      messages: [
        { role: 'user', content: [{ text: 'Look.' }, { image: { format: 'png', source: { bytes: 'aGVsbG8=' } } }] },
        { role: 'user', content: [{ toolResult: { toolUseId: 't', content: [{ text: 'from eve' }] } }] },
      ],
      inferenceConfig: { maxTokens: 7, temperature: 0.5 },
      additionalModelRequestFields: { max_tokens: 70_000, tools: [{ type: 'bash_1', name: 'bash' }] },
      toolConfig: { tools: [{ toolSpec: { name: 'f' } }, { cachePoint: { type: 'default' } }] },
    });
    expect(reading).toMatchObject({ stream: true, maxTokens: 70_000, temperature: 0.5, images: 1 });
    expect(reading.tools.map(({ name }) => name)).toEqual(['f', 'bash']);
    const texts = reading.texts.map(({ role, text }) => `${role}: ${text}`);
    expect(texts).toEqual(expect.arrayContaining(['system: Be brief.', 'user: Look.', 'tool: from eve']));
    expect(texts.join()).not.toContain('aGVsbG8=');
  });

  it.each([
    [{ anthropic_version: 'v', max_tokens: 7, messages: [] }, 7],
    [{ inputText: 'x', textGenerationConfig: { maxTokenCount: 8 } }, 8],
    [{ prompt: 'x', max_gen_len: 9 }, 9],
    [{ messages: [], inferenceConfig: { max_new_tokens: 10 } }, 10],
    [{ prompt: 'x', max_tokens: 11 }, 11],
    [{ prompt: 'x' }, null],
  ])('of InvokeModel has the limit of its vendor: %j', (body, limit) => {
    expect(read('invoke', body).maxTokens).toBe(limit);
  });

  it('is refused where its texts stand in base64', () => {
    expect(reasonOf(() => read('count-tokens', { input: { invokeModel: { body: 'eyJ9' } } }))).toBe('body-unreadable');
    expect(
      read('count-tokens', { input: { converse: { messages: [{ content: [{ text: 'x' }] }] } } }).texts,
    ).toHaveLength(1);
  });
});

describe('a streamed answer of Bedrock', () => {
  const headers = (event: string) => ({
    ':event-type': event,
    ':content-type': 'application/json',
    ':message-type': 'event',
  });
  const message = (event: string, value: unknown): Buffer => awsMessage(headers(event), JSON.stringify(value));
  const chunk = (value: unknown): Buffer =>
    message('chunk', { bytes: Buffer.from(JSON.stringify(value)).toString('base64'), p: 'abc' });
  const masked = (operation: string, messages: readonly Buffer[]) => {
    const mask = maskOf({ protocol: 'bedrock', operation, contentType: 'application/vnd.amazon.eventstream' });
    const bytes = Buffer.concat([...messages.flatMap((bytes) => mask.push(bytes)), ...mask.end()]);
    return { bytes, mask, events: FRAMING_KITS.eventstream.read(bytes).map(({ data }): unknown => JSON.parse(data)) };
  };
  const inChunks = (events: readonly unknown[]): unknown[] =>
    events.map((event) => JSON.parse(Buffer.from(stringAt(event, 'bytes'), 'base64').toString()));

  it('loses the signature of reasoning that was masked, and of that alone', () => {
    const delta = (index: number, value: object) =>
      message('contentBlockDelta', { contentBlockIndex: index, delta: value });
    const { events } = masked('converse-stream', [
      delta(0, { reasoningContent: { text: 'ask alice@example.com' } }),
      delta(0, { reasoningContent: { signature: 'c2ln' } }),
      delta(1, { reasoningContent: { text: 'ask nobody' } }),
      delta(1, { reasoningContent: { signature: 'c2ln' } }),
      message('contentBlockStop', { contentBlockIndex: 1 }),
    ]);
    const all = JSON.stringify(events);
    expect(all).not.toContain('alice');
    expect(all.match(/"signature":"[^"]*"/g)).toEqual(['"signature":""', '"signature":"c2ln"']);
  });

  it('of Amazon Nova is read as the events of Converse that it holds', () => {
    const { events, mask } = masked('invoke-stream', [
      chunk({ messageStart: { role: 'assistant' } }),
      chunk({ contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'to bob@' } } }),
      chunk({ contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'x.org' } } }),
      chunk({ contentBlockStop: { contentBlockIndex: 0 } }),
      chunk({ metadata: {}, 'amazon-bedrock-invocationMetrics': { inputTokenCount: 3, outputTokenCount: 4 } }),
    ]);
    const said = inChunks(events).map((event) => stringAt(event, 'contentBlockDelta', 'delta', 'text'));
    expect(said.join('')).toBe(`to ${MASK}`);
    expect(mask.usage).toEqual({ input: 3, output: 4 });
  });

  it('is refused when a chunk holds anything beside its bytes', () => {
    const good = { bytes: Buffer.from('{"outputText":"x"}').toString('base64') };
    const reason = (payload: object) => reasonOf(() => masked('invoke-stream', [message('chunk', payload)]));
    expect(reason(good)).toBeNull();
    expect(reason({ ...good, text: 'to bob' })).toBe('answer-unreadable');
    expect(reason({ ...good, p: 'to bob' })).toBe('answer-unreadable');
    expect(reason({ bytes: 'not base64' })).toBe('answer-unreadable');
    expect(reason({ bytes: '/w==' })).toBe('answer-unreadable');
    expect(reason({ outputText: 'to bob' })).toBe('answer-unreadable');
  });

  it('ends with an exception', () => {
    const exception = awsMessage(
      { ':exception-type': 'throttlingException', ':message-type': 'exception', ':content-type': 'application/json' },
      '{"message":"for bob@x.org"}',
    );
    const first = message('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'to bob' } });
    expect(masked('converse-stream', [first, exception]).bytes.toString('latin1')).not.toContain('bob@');
  });
});
