/** Servers that one runs oneself, with what they have on the same port beside answering. */

import { describe, expect, it } from 'vitest';
import { run, sse } from '../../test/kit/masked-answer.ts';
import { MASK } from '../../test/kit/word-masker.ts';
import { codecs, type Protocol } from './codecs.ts';
import type { Operation } from './codec.ts';

const at = (protocol: Protocol, method: string, path: string): Operation => {
  const operation = codecs[protocol].operation(method, path);
  if (operation === null) throw new Error(`expected an operation at ${method} ${path}`);
  return operation;
};

describe('what a server shows or changes of itself', () => {
  it.each([
    ['vllm', 'POST', '/v1/load_lora_adapter', 'lora.load'],
    ['vllm', 'POST', '/v1/unload_lora_adapter', 'lora.unload'],
    ['vllm', 'POST', '/sleep', 'sleep'],
    ['vllm', 'GET', '/metrics', 'metrics'],
    ['llama-server', 'GET', '/slots', 'slots'],
    ['llama-server', 'POST', '/slots/0', 'slots.change'],
    ['llama-server', 'GET', '/props', 'props'],
    ['llama-server', 'POST', '/props', 'props.change'],
    ['llama-server', 'POST', '/lora-adapters', 'lora.change'],
    ['llama-server', 'POST', '/models/unload', 'models.unload'],
    ['llama-server', 'GET', '/metrics', 'metrics'],
    ['tgi', 'GET', '/metrics', 'metrics'],
  ] as const)('%s: %s %s is management', (protocol, method, path, name) => {
    expect(at(protocol, method, path)).toMatchObject({ name, management: true });
  });

  it.each([
    ['vllm', 'POST', '/v1/chat/completions', 'chat'],
    ['vllm', 'POST', '/v1/messages', 'messages'],
    ['vllm', 'POST', '/tokenize', 'tokenize'],
    ['vllm', 'POST', '/v1/score', 'score'],
    ['vllm', 'POST', '/v2/rerank', 'rerank'],
    ['llama-server', 'POST', '/completion', 'completion'],
    ['llama-server', 'POST', '/completions', 'completion'],
    ['llama-server', 'POST', '/v1/completions', 'completions'],
    ['llama-server', 'POST', '/chat/completions', 'chat'],
    ['llama-server', 'POST', '/infill', 'infill'],
    ['llama-server', 'POST', '/responses', 'responses'],
    ['llama-server', 'POST', '/v1/chat/completions/input_tokens', 'chat.input_tokens'],
    ['llama-server', 'POST', '/chat/completions/input_tokens', 'chat.input_tokens'],
    ['vllm', 'POST', '/ping', 'health'],
    ['tgi', 'POST', '/generate', 'generate'],
    ['tgi', 'POST', '/v1/chat/completions', 'chat'],
  ] as const)('%s: %s %s is not', (protocol, method, path, name) => {
    const operation = at(protocol, method, path);
    expect(operation.name).toBe(name);
    expect(operation.management).toBeUndefined();
  });

  it.each([
    ['vllm', 'POST', '/collective_rpc'],
    ['llama-server', 'DELETE', '/slots/0'],
    ['tgi', 'POST', '/metrics'],
  ] as const)('%s has no operation at %s %s', (protocol, method, path) => {
    expect(codecs[protocol].operation(method, path)).toBeNull();
  });
});

describe('a server of several protocols', () => {
  it('has the sockets that its protocols have', () => {
    for (const protocol of ['openai', 'vllm'] as const) {
      expect(codecs[protocol].socket?.(at(protocol, 'GET', '/v1/realtime'))).not.toBeNull();
      expect(codecs[protocol].socket?.(at(protocol, 'POST', '/v1/chat/completions')) ?? null).toBeNull();
    }
    expect(codecs.vllm.socket?.(at('vllm', 'GET', '/health'))).toBeNull();
    // its messages would be read as Ollama's own
    expect(codecs.ollama.socket?.(at('ollama', 'GET', '/v1/realtime'))).toBeNull();
  });
});

describe('requests', () => {
  const read = (protocol: Protocol, path: string, body: unknown) =>
    codecs[protocol].request(at(protocol, 'POST', path), body);

  it('of llama-server tell texts, limits and tokens that hide a text', () => {
    expect(read('llama-server', '/completion', { prompt: 'to bob', n_predict: 7 })).toMatchObject({ maxTokens: 7 });
    expect(read('llama-server', '/completion', { prompt: 'x', n_predict: -1 }).maxTokens).toBe(Number.MAX_SAFE_INTEGER);
    const mixed = read('llama-server', '/completion', { prompt: ['to bob', 1, 2] });
    expect(mixed).toMatchObject({ tokenIds: 2, texts: [{ text: 'to bob', role: 'user' }] });
    const infill = read('llama-server', '/infill', {
      input_prefix: 'a',
      input_suffix: 'b',
      input_extra: [{ filename: 'f', text: 'c' }],
    });
    expect(infill.texts.map(({ text }) => text)).toEqual(['a', 'b', 'f', 'c']);
    expect(read('llama-server', '/detokenize', { tokens: [1, 2, 3] }).tokenIds).toBe(3);
  });

  it('of TGI stream by path or by body', () => {
    const body = { inputs: 'to bob', parameters: { max_new_tokens: 7, best_of: 2, temperature: 0.5 } };
    expect(read('tgi', '/generate', { ...body, stream: true })).toMatchObject({
      stream: false,
      maxTokens: 7,
      n: 2,
      temperature: 0.5,
    });
    expect(read('tgi', '/generate_stream', body).stream).toBe(true);
    expect(read('tgi', '/', body).stream).toBe(false);
    expect(read('tgi', '/', { ...body, stream: true }).stream).toBe(true);
  });
});

describe('answers', () => {
  it('of llama-server keep the texts of several prompts apart, and withhold what repeats them', () => {
    const { text, mask } = run(
      [
        Buffer.from(
          sse(
            { index: 0, content: 'to bo', tokens: [5], stop: false },
            { index: 1, content: 'to alice@', tokens: [6], stop: false },
            {
              index: 0,
              content: 'b@x.org',
              tokens: [7],
              stop: false,
              completion_probabilities: [{ token: 'b@x.org' }],
            },
            {
              index: 0,
              content: '',
              tokens: [],
              stop: true,
              prompt: 'for eve@x.org',
              tokens_evaluated: 3,
              tokens_predicted: 4,
            },
            { index: 1, content: 'example.com', tokens: [8], stop: true },
          ),
        ),
      ],
      { protocol: 'llama-server', operation: at('llama-server', 'POST', '/completion') },
    );
    const events = text
      .trim()
      .split('\n\n')
      .map((event): { index: number; content: string; tokens: unknown[] } => JSON.parse(event.slice(6)));
    const said = (index: number) =>
      events
        .filter((event) => event.index === index)
        .map(({ content }) => content)
        .join('');
    expect([said(0), said(1)]).toEqual([`to ${MASK}`, `to ${MASK}`]);
    expect(events.flatMap(({ tokens }) => tokens)).toEqual([]);
    expect(text).not.toMatch(/bob|b@x|alice|eve/);
    expect(mask.usage).toEqual({ input: 3, output: 4 });
  });

  it('of TGI do not give away in token ids what they mask', () => {
    const token = (text: string, id: number) => ({ id, text, logprob: -1, special: false });
    const { text } = run(
      [
        Buffer.from(
          sse(
            { index: 1, token: token('to bo', 5), generated_text: null, details: null },
            {
              index: 2,
              token: token('b@x.org', 6),
              generated_text: 'to bob@x.org',
              details: { generated_tokens: 2, tokens: [token('to bo', 5)] },
            },
          ),
        ),
      ],
      { protocol: 'tgi', operation: at('tgi', 'POST', '/generate_stream') },
    );
    expect(text).not.toMatch(/bob|b@x|"id":[56]/);
    expect(text).toContain('"generated_text":"to <\\"X\\">"');
  });

  it('of vLLM withhold what a text is cut into', () => {
    const answer = { count: 3, max_model_len: 2048, tokens: [1, 2, 3], token_strs: ['to bob@', 'x.', 'org'] };
    const { text } = run([Buffer.from(JSON.stringify(answer))], {
      protocol: 'vllm',
      operation: at('vllm', 'POST', '/tokenize'),
      contentType: 'application/json',
    });
    expect(JSON.parse(text)).toEqual({ count: 3, max_model_len: 2048, tokens: [], token_strs: [] });
  });

  it('of vLLM withhold a prompt in tokens', () => {
    const answer = {
      choices: [{ message: { content: 'to bob@x.org' } }],
      prompt_token_ids: [1, 2],
      prompt_logprobs: [{ 1: { decoded_token: 'bob' } }],
    };
    const { text } = run([Buffer.from(JSON.stringify(answer))], {
      protocol: 'vllm',
      operation: at('vllm', 'POST', '/v1/chat/completions'),
      contentType: 'application/json',
    });
    expect(JSON.parse(text)).toMatchObject({ prompt_token_ids: [], prompt_logprobs: [] });
  });
});
