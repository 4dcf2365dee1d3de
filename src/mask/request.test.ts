import { scannerOf } from '../../test/kit/scanner-of.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockingMasker, MASK, maskWords, wordMasker } from '../../test/kit/word-masker.ts';
import type { Finding } from '../call.ts';
import { inspect } from '../inspect/inspect.ts';
import { codecs, type Protocol } from '../protocol/codecs.ts';
import { readJson } from '../protocol/json/json.ts';
import { Failure, type Reason } from '../reasons.ts';
import { maskContent, maskRequest } from './request.ts';
import type { TextMasker } from './text-masker.ts';

const mask = (
  body: unknown,
  protocol: Protocol = 'openai',
  masker: TextMasker = wordMasker,
  found: Finding[] = [],
): Buffer => {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return maskRequest(readJson(bytes), codecs[protocol], { name: 'chat', body: 'json' }, masker, (finding) =>
    found.push(finding),
  );
};
const masked = (body: unknown, protocol?: Protocol): unknown => JSON.parse(mask(body, protocol).toString());

const bodyWith = (text: string, json: string): object => ({
  model: 'm',
  user: text,
  messages: [
    { role: 'system', content: text },
    {
      role: 'user',
      content: [
        { type: 'text', text },
        { type: 'image_url', image_url: { url: `https://x.org/?q=${text}` } },
      ],
    },
    {
      role: 'assistant',
      tool_calls: [{ id: 'call_12345678', type: 'function', function: { name: 'f', arguments: json } }],
    },
    { role: 'tool', tool_call_id: 'call_12345678', content: text },
  ],
  tools: [{ type: 'function', function: { name: 'f', description: text, parameters: { enum: [text] } } }],
  unknown: { deep: [text] },
});

const reasonOf = (step: () => unknown): Reason | null => {
  try {
    step();
    return null;
  } catch (error) {
    if (error instanceof Failure) return error.reason;
    throw error;
  }
};

describe('masking a request', () => {
  it('returns the very same bytes when nothing is masked', () => {
    const document = readJson(Buffer.from('{"messages":[{"content":"caf\\u00e9"}]}'));
    expect(maskRequest(document, codecs.openai, { name: 'chat', body: 'json' }, wordMasker, () => {})).toBe(
      document.bytes,
    );
  });

  it('changes the masked strings and not one other character', () => {
    const found: Finding[] = [];
    const body =
      '{ "model":"m",\n "messages" : [ {"role":"user","content":"to bob\\u0040x.org \\/ \\u00e9"} ], "seed":1.50 }';
    expect(mask(body, 'openai', wordMasker, found).toString()).toBe(
      `{ "model":"m",\n "messages" : [ {"role":"user","content":${JSON.stringify(`to ${MASK} / é`)}} ], "seed":1.50 }`,
    );
    expect(found).toHaveLength(1);
  });

  it('masks text in every role and place, tool results and arguments too (agentgateway #2955)', () => {
    expect(masked(bodyWith('bob@x.org', '{"to":"bob\\u0040x.org"}'))).toEqual(
      bodyWith(MASK, `{"to":${JSON.stringify(MASK)}}`),
    );
  });

  it('leaves data alone: ids, base64, signatures', () => {
    const openai = {
      model: 'm-20240513',
      previous_response_id: 'resp_1234567890',
      input: [
        { type: 'reasoning', id: 'rs_12345678', encrypted_content: 'gAAAAA12345678==' },
        { role: 'user', content: [{ type: 'input_image', image_url: 'data:image/png;base64,iVBORw0KGgo12345678' }] },
      ],
    };
    expect(masked(openai)).toEqual(openai);
    const anthropic = {
      messages: [
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'hm', signature: 'Eo8B12345678==' },
            { type: 'tool_use', id: 'toolu_12345678', name: 'f', input: {} },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: '12345678' } },
          ],
        },
      ],
    };
    expect(masked(anthropic, 'anthropic')).toEqual(anthropic);
  });

  it('masks member names, and refuses those that come out alike', () => {
    expect(masked({ metadata: { 'bob@x.org': 'x' } })).toEqual({ metadata: { [MASK]: 'x' } });
    expect(reasonOf(() => mask({ metadata: { 'bob@x.org': 'x', 'al@x.org': 'y' } }))).toBe('mask-blocked');
  });

  it('refuses what a rule blocks', () => {
    const body = { messages: [{ role: 'user', content: 'bob@x.org' }] };
    expect(reasonOf(() => mask(body, 'openai', blockingMasker))).toBe('mask-blocked');
  });

  it('masks nothing where inspection with the same entities finds nothing, whatever the document', () => {
    const secrets = fc.constantFrom(
      'bob@x.org',
      '4111111111111111',
      'plain',
      'id',
      'call_1',
      '{"a":"bob\\u0040x.org"}',
      'role',
      '',
    );
    const key = fc.constantFrom(
      'messages',
      'content',
      'id',
      'arguments',
      'metadata',
      'type',
      'url',
      'data',
      'bob@x.org',
      'input',
    );
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        secrets,
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(key, tie('value'), { maxKeys: 3 }),
      ),
    }));
    const scanner = scannerOf((text): Finding[] =>
      maskWords(text) === text ? [] : [{ kind: 'word', start: 0, end: 1, score: 1 }],
    );
    let clean = 0;
    fc.assert(
      fc.property(
        fc.dictionary(key, value),
        fc.constantFrom<Protocol>('openai', 'anthropic', 'http'),
        (body, protocol) => {
          const bytes = Buffer.from(JSON.stringify(body));
          const call = {
            codec: codecs[protocol],
            operation: { name: 'chat', body: 'json' } as const,
            body: { bytes, contentType: 'application/json', rawHeaders: [] },
            assumeMaxTokens: null,
            opaque: false,
          };
          const { facts, content } = inspect(call, scanner);
          if (content === null) throw new Error('no content');
          const out = maskContent(content, call.codec, wordMasker, () => {});
          const found = Object.keys(facts.findings).length > 0;
          if (!found) clean++;
          expect(out === null).toBe(!found);
        },
      ),
      { numRuns: 1500 },
    );
    expect(clean).toBeGreaterThan(200);
  });
});
