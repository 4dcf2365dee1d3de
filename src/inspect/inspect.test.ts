import { scannerOf } from '../../test/kit/scanner-of.ts';
import { describe, expect, it } from 'vitest';
import { factsOf, type InspectCase, look, refused } from '../../test/kit/inspected.ts';
import type { Codec } from '../protocol/codec.ts';
import { codecs } from '../protocol/codecs.ts';
import { jsonContent, MAX_OPERATIONS } from '../protocol/content.ts';
import { readJson } from '../protocol/json/json.ts';
import { itemsOf, stringMember } from '../protocol/value.ts';
import { inspect } from './inspect.ts';

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
      management: false,
      operations: 1,
      findings: {},
      closer: {
        toolCalls: [],
        commands: [],
        injection: { score: 0, evidence: [] },
        looked: expect.any(Function),
        prepare: expect.any(Function),
      },
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
    const { content } = look(bytes);
    expect(content?.bytes).toBe(bytes);
    expect(content?.pieces).toMatchObject([{ kind: 'json', document: { bytes, value: { messages: [] } } }]);
  });

  it('exist for an operation without a body, and refuse one that it has', () => {
    const options = { method: 'GET', path: '/v1/models' };
    expect(look('', options)).toMatchObject({ facts: { operation: 'models.list', bodyBytes: 0 }, content: null });
    expect(refused('{}', options)).toBe(true);
  });

  it('exist for a body that may be left out', () => {
    const options: InspectCase = { protocol: 'http', path: '/any' };
    expect(look('', options)).toMatchObject({ facts: { operation: 'post' }, content: null });
    expect(factsOf('["to a@b.co"]', options)).toMatchObject({ findings: { email: 1 }, opaque: false });
  });
});

describe('several operations in one body', () => {
  /** A protocol whose bodies are lists of chats. */
  const codec: Codec = {
    ...codecs.openai,
    content(operation, { bytes }) {
      const document = readJson(bytes);
      const asked = itemsOf(document.value).map((value) => ({
        operation: { ...operation, name: stringMember(value, 'as') || operation.name },
        document: value,
        reading: codecs.openai.request(operation, value),
      }));
      return jsonContent(operation, document, asked);
    },
  };
  const operation = { name: 'chat', body: 'json' } as const;
  const inspected = (body: readonly unknown[]) =>
    inspect(
      {
        codec,
        operation,
        body: { bytes: Buffer.from(JSON.stringify(body)), contentType: 'application/json', rawHeaders: [] },
        assumeMaxTokens: 10,
        opaque: false,
      },
      scannerOf((text) =>
        [...text.matchAll(/@/g)].map(({ index }) => ({ kind: 'at', start: index, end: index + 1, score: 1 })),
      ),
    );
  const asking = (content: string, more: object = {}) => ({
    model: 'm',
    messages: [{ role: 'user', content }],
    ...more,
  });

  it('each have their facts, and the call has what adds up', () => {
    const { facts, each } = inspected([asking('a@b', { n: 2 }), asking('four@', { max_tokens: 5, stream: true })]);
    expect(each).toMatchObject([
      { operation: 'chat', n: 2, maxTokens: 10, stream: false, findings: { at: 1 }, operations: 2 },
      { operation: 'chat', n: 1, maxTokens: 5, stream: true, findings: { at: 1 }, operations: 2 },
    ]);
    expect(facts).toMatchObject({ operation: 'chat', model: 'm', n: 3, maxTokens: 15, stream: true, operations: 2 });
    expect(facts.findings).toEqual({ at: 2 });
    expect(facts.texts.map(({ text }) => text)).toEqual(['a@b', 'four@']);
  });

  it('are a batch of no model where they differ', () => {
    const { facts } = inspected([asking('', { as: 'embeddings' }), asking('', { model: 'other' })]);
    expect(facts).toMatchObject({ operation: 'batch', model: '' });
  });

  it('add up to no more than a number can hold', () => {
    const limit = Number.MAX_SAFE_INTEGER;
    expect(inspected([asking('', { max_tokens: limit }), asking('', { max_tokens: 1 })]).facts.maxTokens).toBe(limit);
  });

  it('are refused when they are none, or too many', () => {
    expect(() => inspected([])).toThrow('at least one operation');
    const many = Array.from({ length: MAX_OPERATIONS + 1 }, () => ({}));
    expect(() => inspected(many)).toThrow(`at most ${MAX_OPERATIONS} operations`);
    expect(inspected(many.slice(1)).each).toHaveLength(MAX_OPERATIONS);
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
      content: null,
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
