import { describe, expect, it } from 'vitest';
import { reasonOf, run } from '../../../test/kit/masked-answer.ts';
import { MASK, maskWords, wordMasker } from '../../../test/kit/word-masker.ts';
import { maskContent } from '../../mask/request.ts';
import { codecs } from '../codecs.ts';
import type { Content } from '../content.ts';

const { openai, azure } = codecs;

const formOf = (
  fields: Readonly<Record<string, string>>,
  file?: { readonly name: string; readonly content: string },
) => {
  const parts = Object.entries(fields).map(
    ([name, text]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`,
  );
  if (file !== undefined)
    // ahead of the fields that say what it is
    parts.unshift(
      `--b\r\nContent-Disposition: form-data; name="file"; filename="${file.name}"\r\nContent-Type: application/octet-stream\r\n\r\n${file.content}\r\n`,
    );
  return Buffer.from(`${parts.join('')}--b--\r\n`);
};

const contentOf = (path: string, bytes: Buffer, codec = openai): Content => {
  const operation = codec.operation('POST', path);
  if (operation === null) throw new Error(`expected an operation at ${path}`);
  const content = codec.content?.(operation, {
    bytes,
    contentType: 'multipart/form-data; boundary=b',
    rawHeaders: [],
  });
  if (content === null || content === undefined) throw new Error('expected a form');
  return content;
};

const line = (body: object, url = '/v1/chat/completions'): string =>
  JSON.stringify({ custom_id: 'request-1', method: 'POST', url, body });
const chat = (content: string, rest: object = {}) => ({
  model: 'gpt-1',
  messages: [{ role: 'user', content }],
  ...rest,
});
const batch = (...lines: readonly string[]): Buffer =>
  formOf({ purpose: 'batch' }, { name: 'batch.jsonl', content: lines.join('\n') });

describe('a form of OpenAI', () => {
  it('tells model, texts and settings, wherever its file stands', () => {
    const bytes = formOf(
      { model: 'whisper-1', prompt: 'for alice@example.com', temperature: '0.5', stream: 'True' },
      { name: 'call with bob@x.org.wav', content: 'RIFF' },
    );
    const [asked] = contentOf('/v1/audio/transcriptions', bytes).asked;
    expect(asked?.reading).toMatchObject({ model: 'whisper-1', temperature: 0.5, stream: true, audios: 1 });
    expect(asked?.reading.texts.map(({ text }) => text)).toEqual(['for alice@example.com', 'call with bob@x.org.wav']);
  });

  it('is masked in its fields and the name of its file, and nowhere else', () => {
    const fields = { model: 'whisper-1', prompt: 'for alice@example.com' };
    const bytes = formOf(fields, { name: 'bob.wav', content: 'to eve@x.org' });
    const rendering = maskContent(contentOf('/v1/audio/transcriptions', bytes), openai, wordMasker, () => {});
    expect(rendering?.bytes.toString()).toBe(bytes.toString().replace('alice@example.com', MASK));
    const plain = formOf({ model: 'whisper-1' }, { name: 'bob.wav', content: 'to eve@x.org' });
    expect(maskContent(contentOf('/v1/audio/transcriptions', plain), openai, wordMasker, () => {})).toBeNull();
  });

  it.each([{ n: '1e3' }, { n: ' 1' }, { n: '' }, { n: '1.5' }, { stream: 'yes' }, { temperature: 'NaN' }])(
    'is refused when a setting may be read in two ways: %j',
    (fields) => {
      const bytes = formOf({ model: 'm', ...fields });
      expect(reasonOf(() => contentOf('/v1/images/edits', bytes))).toBe('body-unreadable');
    },
  );

  it('is none for operations that take JSON', () => {
    const operation = openai.operation('POST', '/v1/chat/completions')!;
    const body = { bytes: formOf({ model: 'm' }), contentType: 'multipart/form-data; boundary=b', rawHeaders: [] };
    expect(openai.content?.(operation, body)).toBeNull();
  });
});

describe('a batch of requests', () => {
  it('is an upload and as many operations as it has requests, each with facts of its own', () => {
    const { asked } = contentOf(
      '/v1/files',
      batch(
        line(chat('hello')),
        '',
        line(chat('big', { max_tokens: 9000, tools: [{ type: 'function', function: { name: 'shell' } }] })),
        line({ model: 'emb-1', input: 'x' }, '/v1/embeddings'),
      ),
    );
    expect(asked.map(({ operation }) => operation.name)).toEqual(['files.create', 'chat', 'chat', 'embeddings']);
    expect(asked[2]?.reading).toMatchObject({ model: 'gpt-1', maxTokens: 9000, tools: [{ name: 'shell' }] });
    expect(asked[1]?.reading.texts).toContainEqual({
      path: ['body', 'messages', 0, 'content'],
      role: 'user',
      text: 'hello',
    });
  });

  it('is masked line by line', () => {
    const lines = [
      line(chat('to alice@example.com')),
      line(chat('to nobody')),
      line({ model: 'e', input: 'bob@x.org' }, '/v1/embeddings'),
    ];
    const rendering = maskContent(contentOf('/v1/files', batch(...lines)), openai, wordMasker, () => {});
    const masked = batch(
      ...lines.map((json) =>
        JSON.stringify(JSON.parse(json, (_, value: unknown) => (typeof value === 'string' ? maskWords(value) : value))),
      ),
    );
    expect(rendering?.bytes.toString()).toBe(masked.toString());
  });

  it.each([
    ['a request of an unknown operation', line(chat('x'), '/v1/unknown')],
    ['a request without a body', JSON.stringify({ custom_id: 'a', method: 'GET', url: '/v1/models' })],
    ['a member that nobody knows', JSON.stringify({ ...JSON.parse(line(chat('x'))), Body: chat('y') })],
    ['a member twice', line(chat('x')).replace('{', '{"body":{},')],
    ['a line that is no JSON', 'nonsense'],
    ['no request', ''],
    ['a form as a request', line({ model: 'm' }, '/v1/audio/transcriptions')],
  ])('is refused with %s', (_, text) => {
    expect(reasonOf(() => contentOf('/v1/files', batch(text)))).toBe('body-unreadable');
  });

  it('at Azure names paths without a version', () => {
    const { asked } = contentOf('/openai/files', batch(line(chat('x'), '/chat/completions')), azure);
    expect(asked.map(({ operation }) => operation.name)).toEqual(['files.create', 'chat']);
  });

  it('is answered in lines that are masked whole, and anything else in their place is refused', () => {
    const answered = (text: string) =>
      run([Buffer.from(text)], { operation: 'files.content', contentType: 'application/octet-stream' }).text;
    const lines = ['to alice@example.com', 'to nobody'].map((content) =>
      JSON.stringify({
        id: 'b1',
        custom_id: 'c',
        response: { status_code: 200, body: { choices: [{ message: { content } }] } },
      }),
    );
    expect(answered(lines.join('\n'))).toBe(lines.join('\n').replace('alice@example.com', MASK.replaceAll('"', '\\"')));
    expect(reasonOf(() => answered('%PDF-1.7'))).toBe('answer-unreadable');
  });
});

describe('sound and transcripts', () => {
  const sse = (...events: object[]): string => events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');

  it('passes as it comes where it is sound', () => {
    const options = { operation: 'audio.speech', contentType: 'audio/mpeg' };
    expect(run([Buffer.from('alice@example.com')], options).text).toBe('alice@example.com');
    expect(reasonOf(() => run([Buffer.from('x')], { ...options, operation: 'chat' }))).toBe('answer-unreadable');
  });

  it('does not show word by word what is masked', () => {
    const answer = {
      text: 'to bob@x.org',
      words: [{ word: '4111' }],
      segments: [{ text: 'to bob@x.org', tokens: [1, 2] }],
    };
    const { text } = run([Buffer.from(JSON.stringify(answer))], {
      operation: 'audio.transcription',
      contentType: 'application/json',
    });
    expect(JSON.parse(text)).toEqual({ text: `to ${MASK}`, words: [], segments: [{ text: `to ${MASK}`, tokens: [] }] });
  });

  it('is masked while it is written down', () => {
    const delta = (text: string) => ({ type: 'transcript.text.delta', delta: text });
    const { text } = run(
      [
        Buffer.from(
          sse(delta('to bo'), delta('b@x.o'), delta('rg'), { type: 'transcript.text.done', text: 'to bob@x.org' }),
        ),
      ],
      { operation: 'audio.transcription' },
    );
    expect(text).not.toMatch(/bob|x\.o/);
    expect(text.split(JSON.stringify(MASK).slice(1, -1))).toHaveLength(3);
  });
});
