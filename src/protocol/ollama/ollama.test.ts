import { describe, expect, it } from 'vitest';
import { reasonOf, run } from '../../../test/kit/masked-answer.ts';
import { MASK } from '../../../test/kit/word-masker.ts';
import type { Operation } from '../codec.ts';
import { codecs } from '../codecs.ts';

const { ollama } = codecs;

const at = (method: string, path: string): Operation => {
  const operation = ollama.operation(method, path);
  if (operation === null) throw new Error(`expected an operation at ${method} ${path}`);
  return operation;
};
const CHAT = at('POST', '/api/chat');
const read = (body: unknown) => ollama.request(CHAT, body);

describe('a request of Ollama', () => {
  it('is for a stream unless it says otherwise', () => {
    expect(read({ model: 'm' }).stream).toBe(true);
    expect(read({ model: 'm', stream: null }).stream).toBe(true);
    expect(read({ model: 'm', stream: false }).stream).toBe(false);
  });

  it('has its limits among its options, and only there', () => {
    expect(read({ options: { num_predict: 7, temperature: 0.5 } })).toMatchObject({ maxTokens: 7, temperature: 0.5 });
    expect(read({ options: { num_predict: -1 } }).maxTokens).toBe(Number.MAX_SAFE_INTEGER);
    expect(read({ num_predict: 7 }).maxTokens).toBeNull();
  });

  it('tells texts with their roles, tools, pictures and tokens of an earlier answer', () => {
    const reading = read({
      model: 'm',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Look.', images: ['aGVsbG8=', 'aGVsbG8='] },
        { role: 'assistant', content: '', tool_calls: [{ function: { name: 'f', arguments: { q: 'to bob' } } }] },
      ],
      tools: [{ type: 'function', function: { name: 'f', description: 'Finds.' } }],
      context: [1, 2, 3],
    });
    expect(reading).toMatchObject({ images: 2, tokenIds: 3, tools: [{ name: 'f', type: 'function' }] });
    expect(reading.texts.map(({ role, text }) => [role, text])).toEqual(
      expect.arrayContaining([
        ['system', 'Be brief.'],
        ['user', 'Look.'],
        ['assistant', 'to bob'],
        ['tool-definition', 'Finds.'],
      ]),
    );
    expect(reading.texts.map(({ text }) => text)).not.toContain('aGVsbG8=');
  });

  it.each([
    { model: 'small', Model: 'big' },
    { model: 'small', MODEL: 'big' },
    { options: { num_predict: 1, Num_Predict: 100_000 } },
    { options: {}, Options: { num_predict: 100_000 } },
    { messages: [{ role: 'user', Content: 'x' }] },
    { tools: [{ function: { name: 'harmless', Name: 'shell' } }] },
    { meſſages: [] },
    { toolK: 1, toolſ: [] },
  ])('promise 2: is refused when a server without regard to case would read more in it: %j', (body) => {
    expect(reasonOf(() => read(body))).toBe('body-unreadable');
  });

  it('may have members of any other spelling', () => {
    expect(read({ model: 'm', Other: 1, options: { Num_Gpu: 1 } }).model).toBe('m');
  });
});

describe('what an Ollama server does beside answering', () => {
  it.each([
    ['POST', '/api/pull', 'models.pull'],
    ['POST', '/api/push', 'models.push'],
    ['POST', '/api/create', 'models.create'],
    ['POST', '/api/copy', 'models.copy'],
    ['DELETE', '/api/delete', 'models.delete'],
    ['POST', '/api/blobs/sha256:00', 'blobs.create'],
  ])('%s %s is management', (method, path, name) => {
    expect(at(method, path)).toMatchObject({ name, management: true });
  });

  it('includes the APIs of OpenAI and Anthropic, each in its own words', () => {
    const chat = at('POST', '/v1/chat/completions');
    expect(ollama.request(chat, { model: 'm', max_tokens: 3 })).toMatchObject({ maxTokens: 3, stream: false });
    const refusal = {
      status: 403,
      reason: 'no-rule',
      title: 'No.',
      detail: 'D.',
      session: 's',
      extra: { approval: 'a' },
    } as const;
    expect(ollama.refusal(refusal, chat)).toMatchObject({ error: { code: 'no-rule', session: 's' } });
    expect(ollama.refusal(refusal, at('POST', '/v1/messages'))).toMatchObject({ type: 'error' });
    expect(ollama.refusal(refusal, CHAT)).toEqual({ error: 'No. D. [no-rule; session s; approval a]' });
    expect(ollama.refusal(refusal, null)).toEqual(ollama.refusal(refusal, CHAT));
  });
});

describe('an answer of Ollama', () => {
  const stream = (...lines: object[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  const masked = (text: string) =>
    run([Buffer.from(text)], { protocol: 'ollama', operation: 'chat', contentType: 'application/x-ndjson' });

  it('keeps texts apart that grow side by side, and counts what it used', () => {
    const piece = (message: object) => ({
      model: 'm',
      created_at: 't',
      message: { role: 'assistant', ...message },
      done: false,
    });
    const { text, mask } = masked(
      stream(
        piece({ content: '', thinking: 'ask alice@' }),
        piece({ content: 'ask bob', thinking: 'example.com' }),
        piece({ content: '@x.org', later: 'ann' }),
        { model: 'm', message: { role: 'assistant', content: '' }, done: true, prompt_eval_count: 3, eval_count: 4 },
      ),
    );
    expect(text).not.toMatch(/alice@|bob@|bob|example/);
    expect(text.split(JSON.stringify(MASK).slice(1, -1)).length - 1).toBe(2);
    expect(mask.usage).toEqual({ input: 3, output: 4 });
  });

  it('does not give away in token ids what it masks', () => {
    const { text } = run([Buffer.from('{"response":"bob@x.org","context":[1,2],"done":true}')], {
      protocol: 'ollama',
      operation: 'generate',
      contentType: 'application/json',
    });
    expect(JSON.parse(text)).toEqual({ response: MASK, context: [], done: true });
  });

  it('ends with an error that stands in a line', () => {
    expect(masked(stream({ message: { content: 'to bob' } }, { error: 'broken for bob@x.org' })).text).toContain(
      MASK.replaceAll('"', '\\"'),
    );
  });
});
