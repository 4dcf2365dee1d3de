import { describe, expect, it } from 'vitest';
import { reasonOf, run } from '../../../test/kit/masked-answer.ts';
import { MASK } from '../../../test/kit/word-masker.ts';
import type { Operation } from '../codec.ts';
import { codecs } from '../codecs.ts';

const { gemini } = codecs;
const STREAM: Operation = { name: 'streamGenerateContent', body: 'json' };
const read = (body: unknown, name = 'generateContent') => gemini.request({ name, body: 'json' }, body);

describe('a request of Gemini', () => {
  it('is read under both spellings of each name', () => {
    for (const body of [
      { generationConfig: { maxOutputTokens: 7, candidateCount: 2, temperature: 0.5 } },
      { generation_config: { max_output_tokens: 7, candidate_count: 2, temperature: 0.5 } },
      { generateContentRequest: { generation_config: { maxOutputTokens: 7, candidateCount: 2, temperature: 0.5 } } },
    ])
      expect(read(body)).toMatchObject({ maxTokens: 7, n: 2, temperature: 0.5 });
  });

  it.each([
    { generationConfig: { maxOutputTokens: 7 }, generation_config: { maxOutputTokens: 70_000 } },
    { generationConfig: { maxOutputTokens: 7, max_output_tokens: 70_000 } },
    { tools: [{ functionDeclarations: [], function_declarations: [{ name: 'shell' }] }] },
    { generationConfig: { maxOutputTokens: '70000' } },
    { generationConfig: [] },
  ])('promise 2: is refused when it has two readings: %j', (body) => {
    expect(reasonOf(() => read(body))).toBe('body-unreadable');
  });

  it('tells texts with their roles, tools and what is attached', () => {
    const reading = read({
      system_instruction: { parts: [{ text: 'Be brief.' }] },
      contents: [
        { role: 'user', parts: [{ text: 'Look.' }, { inlineData: { mimeType: 'image/png', data: 'aGVsbG8=' } }] },
        { role: 'model', parts: [{ functionCall: { name: 'f', args: { data: 'to bob' } } }] },
        { role: 'user', parts: [{ functionResponse: { name: 'f', response: { data: 'from eve' } } }] },
        {
          parts: [
            { file_data: { file_uri: 'https://x.org/f' } },
            { inline_data: { mime_type: 'audio/wav', data: 'AAAA' } },
          ],
        },
      ],
      tools: [{ function_declarations: [{ name: 'f' }] }, { googleSearch: {} }],
    });
    expect(reading).toMatchObject({ images: 1, audios: 1, files: 1 });
    expect(reading.tools).toEqual([
      { name: 'f', type: 'function' },
      { name: 'googleSearch', type: 'googleSearch' },
    ]);
    const texts = reading.texts.map(({ role, text }) => `${role}: ${text}`);
    expect(texts).toEqual(
      expect.arrayContaining(['system: Be brief.', 'user: Look.', 'assistant: to bob', 'tool: from eve']),
    );
    expect(texts.join()).not.toContain('aGVsbG8=');
  });

  it('names its model in the path, whatever the host', () => {
    for (const path of [
      '/v1beta/models/gemini-1:generateContent',
      '/v1/models/gemini-1:generateContent',
      '/v1/projects/p/locations/l/publishers/google/models/gemini-1:generateContent',
    ])
      expect(gemini.operation('POST', path)).toMatchObject({ name: 'generateContent', names: { model: 'gemini-1' } });
    expect(gemini.operation('POST', '/v1beta/models/gemini-1:deleteEverything')).toBeNull();
  });
});

describe('a streamed answer of Gemini', () => {
  const part = (parts: object[], rest: object = {}) => ({
    candidates: [{ content: { role: 'model', parts }, index: 0, ...rest }],
  });
  const masked = (events: readonly object[], contentType = 'text/event-stream') => {
    const json = events.map((event) => JSON.stringify(event));
    const text =
      contentType === 'application/json' ? `[${json.join(',\r\n')}]` : json.map((data) => `data: ${data}\n\n`).join('');
    return run([Buffer.from(text)], { protocol: 'gemini', operation: STREAM.name, contentType });
  };
  const said = (
    events: readonly { candidates: { content: { parts: { text?: string; thought?: boolean }[] } }[] }[],
  ) => {
    const texts = { said: '', thought: '' };
    for (const { candidates } of events)
      for (const { text = '', thought } of candidates.flatMap(({ content }) => content.parts))
        texts[thought === true ? 'thought' : 'said'] += text;
    return texts;
  };

  const EVENTS = [
    part([{ text: 'ask alice@', thought: true }]),
    part([{ text: 'example.com', thought: true }, { text: 'write to bob' }]),
    part([{ text: '@x.org' }, { functionCall: { name: 'f', args: { to: 'eve@x.org' } } }]),
    part([{ text: 'or dan@' }]),
    part([{ text: 'x.org' }], { finishReason: 'STOP' }),
  ];

  it.each(['text/event-stream', 'application/json'])('keeps what it thinks and says apart in %s', (contentType) => {
    const { text } = masked(EVENTS, contentType);
    const events =
      contentType === 'application/json'
        ? JSON.parse(text)
        : text
            .trim()
            .split('\n\n')
            .map((event) => JSON.parse(event.slice(6)));
    expect(said(events)).toEqual({ said: `write to ${MASK}or ${MASK}`, thought: `ask ${MASK}` });
    expect(text).not.toMatch(/alice|bob|eve|dan@/);
  });

  it('counts what it used, thoughts among it', () => {
    const usageMetadata = { promptTokenCount: 3, candidatesTokenCount: 4, thoughtsTokenCount: 5 };
    expect(masked([{ ...part([{ text: 'x' }]), usageMetadata }]).mask.usage).toEqual({ input: 3, output: 9 });
  });

  it('is refused when arguments come in pieces that nobody can put together', () => {
    const event = part([{ functionCall: { name: 'f', partialArgs: [{ jsonPath: '$.to', stringValue: 'bo' }] } }]);
    expect(reasonOf(() => masked([event]))).toBe('answer-unreadable');
  });
});
