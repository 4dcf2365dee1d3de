import { describe, expect, it } from 'vitest';
import { factsOf, type InspectCase, look, refused } from '../../test/kit/inspected.ts';

describe('facts', () => {
  it('have every value when the body says as little as it may', () => {
    expect(factsOf({ messages: [] })).toEqual({
      operation: 'chat',
      model: '',
      stream: false,
      texts: [],
      tools: [],
      tensors: [],
      maxTokens: Number.MAX_SAFE_INTEGER,
      inputTokens: 0,
      n: 1,
      temperature: 1,
      images: 0,
      audios: 0,
      files: 0,
      tokenIds: 0,
      bodyBytes: 15,
      opaque: false,
      findings: {},
    });
  });

  it('take what the server assumes when the caller sets no limit', () => {
    expect(factsOf({ messages: [] }, { assume: 4096 }).maxTokens).toBe(4096);
    expect(factsOf({ messages: [], max_tokens: 10 }, { assume: 4096 }).maxTokens).toBe(10);
    expect(factsOf({ messages: [], max_tokens: null }, { assume: 4096 }).maxTokens).toBe(4096);
  });

  it('count findings over all texts, in JSON strings too, with escapes decoded', () => {
    const body = {
      user: 'a@b.co',
      messages: [
        { role: 'user', content: 'x@y.zz and z@y.xx' },
        {
          role: 'assistant',
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{"t":"q\\u0040r.st"}' } }],
        },
      ],
    };
    expect(factsOf(body).findings).toEqual({ email: 4 });
  });

  it('estimate tokens from the bytes of all texts, rounded up, plus token ids', () => {
    expect(factsOf({ messages: [{ role: 'user', content: 'éé1' }] }).inputTokens).toBe(2);
    expect(factsOf({ prompt: [1, 2, 3] }, { path: '/v1/completions' })).toMatchObject({ tokenIds: 3, inputTokens: 3 });
  });

  it('keep the one reading of the body', () => {
    const bytes = Buffer.from('{"messages":[]}');
    const { document } = look(bytes);
    expect(document?.bytes).toBe(bytes);
    expect(document?.value).toEqual({ messages: [] });
  });

  it('exist for an operation without a body, and refuse one that it has', () => {
    const options = { method: 'GET', path: '/v1/models' };
    expect(look('', options)).toMatchObject({ facts: { operation: 'models.list', bodyBytes: 0 }, document: null });
    expect(refused('{}', options)).toBe(true);
  });

  it('exist for a body that may be left out', () => {
    const options: InspectCase = { protocol: 'http', path: '/any' };
    expect(look('', options)).toMatchObject({ facts: { operation: 'post' }, document: null });
    expect(factsOf('["to a@b.co"]', options)).toMatchObject({ findings: { email: 1 }, opaque: false });
  });
});

describe('a body that cannot be read', () => {
  it.each([
    ['is empty', '', {}],
    ['is no JSON', '{', {}],
    ['is an array', '[]', {}],
    ['claims another type', '{"messages":[]}', { contentType: 'text/plain' }],
    ['claims no type', '{"messages":[]}', { contentType: '' }],
    ['is in another charset', '{"messages":[]}', { contentType: 'application/json; charset=utf-16' }],
    ['repeats a member', '{"model":"a","model":"b"}', {}],
  ])('is refused when it %s', (_, body, options) => {
    expect(refused(body, options)).toBe(true);
  });

  it('passes where the service says so, and the facts say that nobody read it', () => {
    expect(look('\u0000binary!', { opaque: true, contentType: 'application/octet-stream' })).toMatchObject({
      facts: {
        operation: 'chat',
        opaque: true,
        bodyBytes: 8,
        inputTokens: 2,
        maxTokens: Number.MAX_SAFE_INTEGER,
        texts: [],
      },
      document: null,
    });
    expect(factsOf({ messages: [] }, { opaque: true }).opaque).toBe(false);
  });

  it.each(['max_tokens', 'max_completion_tokens', 'n', 'temperature', 'stream', 'model'])(
    'has a setting of another type: %s',
    (name) => {
      expect(refused({ [name]: { '1': 1 } })).toBe(true);
      expect(refused({ [name]: [1] })).toBe(true);
      expect(refused({ [name]: null })).toBe(false);
    },
  );

  it('has a number as a string, a flag as a string, or a fraction of a token', () => {
    for (const body of [{ max_tokens: '100' }, { stream: 'true' }, { max_tokens: 1.5 }, { n: '3' }])
      expect(refused(body)).toBe(true);
    expect(refused('{"max_tokens":1e400}')).toBe(true);
    expect(refused('{"max_tokens":1e2}')).toBe(false);
  });
});
