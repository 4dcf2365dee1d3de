import { describe, expect, it } from 'vitest';
import { codecs, type Protocol } from './codecs.ts';
import { compileOperations } from './operations.ts';

const nameOf = (protocol: Protocol, method: string, path: string): string | null =>
  codecs[protocol].operation(method, path)?.name ?? null;

const isStreamed = (protocol: Protocol, name: string): boolean =>
  codecs[protocol].stream({ name, body: 'json' }) !== null;

const kindOf = (protocol: Protocol, path: readonly (string | number)[], text: string, document: unknown = {}): string =>
  codecs[protocol].kind({ name: 'chat', body: 'json' }, path, text, document);

describe('the operation of a call', () => {
  it.each([
    ['openai', 'POST', '/v1/chat/completions', 'chat'],
    ['openai', 'POST', '/v1/completions', 'completions'],
    ['openai', 'POST', '/v1/responses', 'responses'],
    ['openai', 'GET', '/v1/responses/resp_1', 'responses.retrieve'],
    ['openai', 'DELETE', '/v1/responses/resp_1', 'responses.delete'],
    ['openai', 'POST', '/v1/responses/resp_1/cancel', 'responses.cancel'],
    ['openai', 'GET', '/v1/responses/resp_1/input_items', 'responses.input_items'],
    ['openai', 'POST', '/v1/responses/compact', 'responses.compact'],
    ['openai', 'POST', '/v1/responses/input_tokens', 'responses.input_tokens'],
    ['openai', 'POST', '/v1/embeddings', 'embeddings'],
    ['openai', 'POST', '/v1/moderations', 'moderations'],
    ['openai', 'GET', '/v1/models', 'models.list'],
    ['openai', 'GET', '/v1/models/org/model', 'models.retrieve'],
    ['openai', 'GET', '/v1/models/org%2Fmodel', 'models.retrieve'],
    ['anthropic', 'POST', '/v1/messages', 'messages'],
    ['anthropic', 'POST', '/v1/messages/count_tokens', 'messages.count_tokens'],
    ['anthropic', 'GET', '/v1/models', 'models.list'],
    ['anthropic', 'GET', '/v1/models/claude-x', 'models.retrieve'],
    ['http', 'PATCH', '/any/where', 'patch'],
  ] as const)('of %s at %s %s is %s', (protocol, method, path, name) => {
    expect(nameOf(protocol, method, path)).toBe(name);
  });

  it.each([
    ['openai', 'GET', '/v1/chat/completions'],
    ['openai', 'POST', '/v1/chat/completions/'],
    ['openai', 'POST', '/v1/Chat/completions'],
    ['openai', 'POST', '/v1/chat%2Fcompletions'],
    ['openai', 'POST', '/chat/completions'],
    ['openai', 'POST', '/v1/uploads'],
    ['openai', 'DELETE', '/v1/models/m'],
    ['openai', 'POST', '/v1/responses/a/b/cancel'],
    ['openai', 'POST', '/tokenize'],
    ['anthropic', 'POST', '/v1/messages/batches'],
    ['anthropic', 'GET', '/v1/models/a/b'],
  ] as const)('of %s does not exist at %s %s', (protocol, method, path) => {
    expect(nameOf(protocol, method, path)).toBeNull();
  });

  it('streams where the protocol streams', () => {
    for (const name of ['chat', 'completions', 'responses', 'responses.retrieve'])
      expect(isStreamed('openai', name)).toBe(true);
    expect(isStreamed('anthropic', 'messages')).toBe(true);
    expect(isStreamed('openai', 'embeddings')).toBe(false);
    expect(isStreamed('openai', 'constructor')).toBe(false);
    expect(isStreamed('anthropic', 'messages.count_tokens')).toBe(false);
    expect(isStreamed('http', 'post')).toBe(false);
  });
});

describe('names in a path', () => {
  const operation = compileOperations([
    { name: 'generate', method: 'POST', path: '/v1/models/{model}:generate', body: 'json' },
    { name: 'infer', method: 'POST', path: '/v2/models/{model}/versions/{version}/infer', body: 'json' },
    { name: 'show', method: 'GET', path: '/tags/{model**}', body: 'none', management: true },
  ]);

  it.each([
    ['POST', '/v1/models/a:generate', { model: 'a' }],
    ['POST', '/v1/models/a:b:generate', { model: 'a:b' }],
    ['POST', '/v1/models/a%2Fb%3A1:generate', { model: 'a/b:1' }],
    ['POST', '/v2/models/m/versions/1/infer', { model: 'm', version: '1' }],
    ['GET', '/tags/org/m', { model: 'org/m' }],
  ])('of %s %s are read decoded', (method, path, names) => {
    expect(operation(method, path)?.names).toEqual(names);
  });

  it.each([
    ['POST', '/v1/models/:generate'],
    ['POST', '/v1/models/a/b:generate'],
    ['POST', '/v1/models/a%3Agenerate'],
    ['POST', '/v1/models/%ff:generate'],
    ['POST', '/v1/models/a:generate/'],
    ['GET', '/v1/models/a:generate'],
    ['GET', '/tags/'],
  ])('make no operation of %s %s', (method, path) => {
    expect(operation(method, path)).toBeNull();
  });

  it('go with what else a row says', () => {
    expect(operation('GET', '/tags/m')).toEqual({
      name: 'show',
      body: 'none',
      management: true,
      names: { model: 'm' },
    });
  });
});

describe('the kind of a string', () => {
  it.each([
    ['an id', 'openai', ['id'], 'chatcmpl-1', 'data'],
    ['an id in a list', 'openai', ['tools', 0, 'vector_store_ids', 0], 'vs_1', 'data'],
    ['an id that is none', 'openai', ['id'], 'to bob', 'text'],
    ['an id inside arguments', 'openai', ['input', 0, 'arguments', 'id'], 'abc', 'text'],
    ['an id inside metadata', 'openai', ['metadata', 'id'], 'abc', 'text'],
    ['an id inside a schema', 'openai', ['tools', 0, 'function', 'parameters', 'id'], 'abc', 'text'],
    ['arguments', 'openai', ['choices', 0, 'message', 'tool_calls', 0, 'function', 'arguments'], '{}', 'json'],
    ['arguments inside arguments', 'openai', ['x', 'arguments', 'arguments'], '{}', 'text'],
    ['a data URI', 'openai', ['image_url', 'url'], 'data:image/png;base64,iVBO', 'data'],
    ['a data URI in plain text', 'openai', ['image_url', 'url'], 'data:text/plain,to bob', 'text'],
    ['a data URI with an address behind it', 'openai', ['image_url', 'url'], 'data:x/y;base64,AA bob@x.org', 'text'],
    ['an address', 'openai', ['image_url', 'url'], 'https://x.org', 'text'],
    ['audio', 'openai', ['input_audio', 'data'], 'UklGRg==', 'data'],
    ['data of nothing known', 'openai', ['data'], 'UklGRg==', 'text'],
    ['a member named like a method', 'openai', ['constructor'], 'x', 'text'],
    ['a signature', 'anthropic', ['content', 0, 'signature'], 'c2ln', 'data'],
    ['an id inside the input of a tool', 'anthropic', ['content', 0, 'input', 'id'], 'abc', 'text'],
    ['anything', 'http', ['id'], 'abc', 'json'],
  ] as const)('knows %s', (_, protocol, path, text, expected) => {
    expect(kindOf(protocol, path, text)).toBe(expected);
  });

  it.each([
    ['anthropic', 'data', 'base64', 'data'],
    ['anthropic', 'data', 'redacted_thinking', 'data'],
    ['anthropic', 'data', 'text', 'text'],
    ['openai', 'result', 'image_generation_call', 'data'],
    ['openai', 'result', 'program_output', 'text'],
    ['openai', 'data', 'output_audio', 'data'],
  ] as const)('asks the neighbours where the name does not tell: %s %s of %s', (protocol, name, type, expected) => {
    expect(kindOf(protocol, ['part', name], 'iVBO', { part: { type, [name]: 'iVBO' } })).toBe(expected);
  });
});

describe('usage', () => {
  it.each([
    ['openai', { usage: { prompt_tokens: 3, completion_tokens: 4 } }, { input: 3, output: 4 }],
    ['openai', { usage: { prompt_tokens: 3 } }, { input: 3, output: 0 }],
    ['openai', { usage: { input_tokens: 3, output_tokens: 4 } }, { input: 3, output: 4 }],
    ['openai', { usage: null }, null],
    ['openai', { usage: { prompt_tokens: '3' } }, null],
    ['openai', [], null],
    [
      'anthropic',
      { usage: { input_tokens: 3, cache_creation_input_tokens: 2, output_tokens: 4 } },
      { input: 5, output: 4 },
    ],
    ['http', { usage: { input_tokens: 3 } }, null],
  ] as const)('of %s reads %j', (protocol, answer, usage) => {
    expect(codecs[protocol].usage({ name: 'chat', body: 'json' }, answer)).toEqual(usage);
  });
});
