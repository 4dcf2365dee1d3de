import { describe, expect, it } from 'vitest';
import type { Facts } from '../call.ts';
import { factsOf, type InspectCase, said } from '../../test/kit/inspected.ts';

const embedFacts = (input: unknown): Facts => factsOf({ input }, { path: '/v1/embeddings' });

describe('what an OpenAI request says', () => {
  it('is read everywhere a model reads it', () => {
    const facts = factsOf({
      model: 'm-1',
      messages: [
        { role: 'system', content: 'be kind' },
        { role: 'developer', content: [{ type: 'text', text: 'be short' }] },
        {
          role: 'user',
          name: 'Ann B',
          content: [
            { type: 'text', text: 'see' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: 'https://x.org/a b.png' } },
            { type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } },
            { type: 'file', file: { file_data: 'data:application/pdf;base64,JVBERg==', filename: 'plan 1.pdf' } },
          ],
        },
        {
          role: 'assistant',
          content: null,
          refusal: 'I will not',
          reasoning_content: 'hmm',
          tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'shell', arguments: '{"cmd":"ls"}' } }],
        },
        { role: 'tool', tool_call_id: 'call_1', content: 'file.txt' },
      ],
      prediction: { type: 'content', content: 'guess so' },
      tools: [
        {
          type: 'function',
          function: {
            name: 'shell',
            description: 'runs it',
            parameters: {
              type: 'object',
              properties: { cmd: { type: 'string', description: 'the command', enum: ['a 1'] }, 'odd key': {} },
            },
          },
        },
      ],
      response_format: { type: 'json_schema', json_schema: { name: 'out', schema: { description: 'the form' } } },
      documents: [{ text: 'extra doc' }],
      stream: true,
      temperature: 0.5,
      n: 2,
    });
    expect(said(facts)).toEqual([
      'system: be kind',
      'developer: be short',
      'user: Ann B',
      'user: see',
      'user: https://x.org/a b.png',
      'user: plan 1.pdf',
      'assistant: I will not',
      'assistant: hmm',
      'assistant: shell',
      'assistant: {"cmd":"ls"}',
      'tool: file.txt',
      'assistant: guess so',
      'tool-definition: shell',
      'tool-definition: runs it',
      'tool-definition: the command',
      'tool-definition: a 1',
      'tool-definition: odd key',
      'system: out',
      'system: the form',
      ': extra doc',
    ]);
    expect(facts).toMatchObject({ model: 'm-1', stream: true, temperature: 0.5, n: 2, images: 2, audios: 1, files: 1 });
    expect(facts.tools).toEqual([{ name: 'shell', type: 'function' }]);
    expect(facts.texts[1]?.path).toEqual(['messages', 1, 'content', 0, 'text']);
  });

  it('is read in the input of responses', () => {
    const facts = factsOf(
      {
        instructions: 'be kind',
        input: [
          {
            role: 'user',
            content: [
              { type: 'input_text', text: 'hello you' },
              { type: 'input_image', file_id: 'file-1' },
            ],
          },
          { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{"a":"b c"}' },
          { type: 'function_call_output', call_id: 'c1', output: 'done it' },
          { type: 'mcp_call', id: 'm1', name: 'g', server_label: 's', arguments: '{}', output: 'from mcp' },
          {
            type: 'reasoning',
            id: 'r1',
            summary: [{ type: 'summary_text', text: 'thought so' }],
            encrypted_content: 'gAAA',
          },
          {
            type: 'additional_tools',
            role: 'developer',
            tools: [{ type: 'function', name: 'late', description: 'late tool' }],
          },
        ],
        tools: [
          { type: 'web_search' },
          { type: 'mcp', server_label: 'deep', server_url: 'https://x.org' },
          { type: 'namespace', name: 'ns', tools: [{ type: 'function', name: 'inner' }] },
        ],
        max_output_tokens: 9,
      },
      { path: '/v1/responses' },
    );
    expect(said(facts)).toEqual([
      'system: be kind',
      'user: hello you',
      'assistant: f',
      'assistant: {"a":"b c"}',
      'tool: done it',
      'assistant: g',
      'assistant: s',
      'assistant: {}',
      'tool: from mcp',
      'assistant: thought so',
      'tool-definition: late',
      'tool-definition: late tool',
      'tool-definition: deep',
      'tool-definition: https://x.org',
      'tool-definition: ns',
      'tool-definition: inner',
    ]);
    expect(facts.tools).toEqual([
      { name: 'web_search', type: 'web_search' },
      { name: 'deep', type: 'mcp' },
      { name: 'ns', type: 'namespace' },
      { name: 'inner', type: 'function' },
      { name: 'late', type: 'function' },
    ]);
    expect(facts).toMatchObject({ maxTokens: 9, images: 1 });
    expect(said(factsOf({ input: 'just this' }, { path: '/v1/responses' }))).toEqual(['user: just this']);
  });

  it('counts token ids, which hide text from inspection', () => {
    expect(embedFacts([1, 2, 3])).toMatchObject({ tokenIds: 3, texts: [] });
    expect(embedFacts([[1, 2], [3]])).toMatchObject({ tokenIds: 3 });
    expect(embedFacts(['a', 7, 8]).tokenIds).toBe(2);
    expect(embedFacts(['one', 'two']).texts.map(({ text }) => text)).toEqual(['one', 'two']);
  });

  it.each([
    'max_tokens',
    'max_completion_tokens',
    'max_output_tokens',
    'max_new_tokens',
    'max_tokens_to_sample',
    'maxOutputTokens',
    'n_predict',
    'num_predict',
  ])('may spell its limit %s', (name) => {
    for (const options of [{}, { path: '/v1/responses' }, { protocol: 'http', path: '/x' }] as const)
      expect(factsOf({ [name]: 77 }, options).maxTokens).toBe(77);
  });

  it('has the largest of several limits, and none when one says so', () => {
    expect(factsOf({ max_tokens: 5, max_completion_tokens: 9000 }).maxTokens).toBe(9000);
    expect(factsOf({ max_tokens: 5, n_predict: -1 }).maxTokens).toBe(Number.MAX_SAFE_INTEGER);
    expect(factsOf({ max_tokens: 0 }, { assume: 10 }).maxTokens).toBe(0);
  });

  it('cannot hide a tool behind a second name', () => {
    const { tools } = factsOf({ tools: [{ type: 'function', name: 'shell', function: { name: 'ls' } }] });
    expect(tools.map(({ name }) => name)).toContain('shell');
    expect(tools.map(({ name }) => name)).toContain('ls');
    expect(factsOf({ functions: [{ name: 'shell' }] }).tools).toEqual([{ name: 'shell', type: 'function' }]);
  });

  it('counts best_of as answers asked for', () => {
    expect(factsOf({ prompt: 'x', n: 1, best_of: 4 }, { path: '/v1/completions' }).n).toBe(4);
  });

  it('is text where it only claims to be data', () => {
    expect(
      factsOf({ messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'a@b.co' } }] }] })
        .findings,
    ).toEqual({ email: 1 });
    expect(factsOf({ model: 'a@b.co' })).toMatchObject({ model: 'a@b.co', findings: { email: 1 } });
    expect(factsOf({ metadata: { id: 'x', 'a@b.co': 'y' } }).findings).toEqual({ email: 1 });
  });

  it('counts attachments whose part has no type', () => {
    expect(factsOf({ messages: [{ role: 'user', content: [{ image_url: { url: 'https://x.org' } }] }] }).images).toBe(
      1,
    );
  });
});

describe('what an Anthropic request says', () => {
  const messages: InspectCase = { protocol: 'anthropic', path: '/v1/messages' };

  it('is read everywhere a model reads it', () => {
    const facts = factsOf(
      {
        model: 'claude-x',
        max_tokens: 100,
        system: [{ type: 'text', text: 'be kind' }],
        messages: [
          { role: 'user', content: 'hello you' },
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 'let me see', signature: 'c2ln' },
              { type: 'tool_use', id: 'toolu_1', name: 'shell', input: { cmd: 'ls -l', id: 'a b' } },
            ],
          },
          {
            role: 'user',
            content: [
              { type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: 'file.txt' }] },
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } },
              { type: 'document', source: { type: 'text', media_type: 'text/plain', data: '12345678' } },
            ],
          },
        ],
        tools: [
          { name: 'shell', description: 'runs it', input_schema: { type: 'object' } },
          { type: 'web_search_20250305', name: 'web_search' },
        ],
        mcp_servers: [{ type: 'url', name: 'deep', url: 'https://x.org' }],
      },
      messages,
    );
    expect(said(facts)).toEqual([
      'system: be kind',
      'user: hello you',
      'assistant: let me see',
      'assistant: shell',
      'assistant: ls -l',
      'assistant: a b',
      'tool: file.txt',
      'user: base64',
      'user: image/png',
      'user: text/plain',
      'user: 12345678',
      'tool-definition: shell',
      'tool-definition: runs it',
      'tool-definition: web_search_20250305',
      'tool-definition: web_search',
      'tool-definition: deep',
      'tool-definition: https://x.org',
    ]);
    expect(facts).toMatchObject({ model: 'claude-x', maxTokens: 100, images: 1, files: 1, operation: 'messages' });
    expect(facts.tools).toEqual([
      { name: 'shell', type: 'function' },
      { name: 'web_search', type: 'web_search_20250305' },
      { name: 'deep', type: 'mcp' },
    ]);
  });

  it('is read when it only counts tokens', () => {
    const options: InspectCase = { protocol: 'anthropic', path: '/v1/messages/count_tokens' };
    expect(factsOf({ system: 'a b', messages: [] }, options)).toMatchObject({
      operation: 'messages.count_tokens',
      texts: [{ role: 'system', text: 'a b' }],
    });
  });
});

describe('what any other JSON says', () => {
  const any: InspectCase = { protocol: 'http', path: '/predict' };

  it('is every string and every telling name', () => {
    const facts = factsOf(
      { model: 'm 1', instances: [{ q: 'a b', 'k 1': null }], stream: true, n: 3, temperature: 0 },
      any,
    );
    expect(said(facts)).toEqual([': m 1', ': a b', ': k 1']);
    expect(facts).toMatchObject({ model: 'm 1', stream: true, n: 3, temperature: 0 });
  });

  it('may have members of any type under the names of settings', () => {
    expect(factsOf({ model: { a: 1 }, stream: 'x', n: [], max_tokens: 'many', temperature: {} }, any)).toMatchObject({
      model: '',
      stream: false,
      n: 1,
      temperature: 1,
      maxTokens: Number.MAX_SAFE_INTEGER,
    });
  });
});
