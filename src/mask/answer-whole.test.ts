import { describe, expect, it } from 'vitest';
import { singleBytes } from '../../test/kit/event-stream.ts';
import { type Case, maskOf, refused, run } from '../../test/kit/masked-answer.ts';
import { MASK } from '../../test/kit/word-masker.ts';

const maskedJson = (value: unknown, options: Case = {}): unknown =>
  JSON.parse(
    run([Buffer.from(JSON.stringify(value))], { contentType: 'application/json; charset=utf-8', ...options }).text,
  );

const resultOf = (type: string): unknown => ({ output: [{ type, result: '4111111111111111' }] });

const thinking = (text: string, signature: string): object => ({ type: 'thinking', thinking: text, signature });

describe('masking a whole answer', () => {
  it('masks every string that is not data, and withholds logprobs', () => {
    const answer = {
      id: 'chatcmpl-12345678901',
      object: 'chat.completion',
      created: 1719792000,
      model: 'm',
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: 'to bob@x.org',
            refusal: null,
            reasoning: 'bob@x.org?',
            tool_calls: [
              {
                id: 'call_12345678901',
                type: 'function',
                function: { name: 'mail', arguments: '{"to":"bob\\u0040x.org","n":12345678}' },
              },
            ],
          },
          logprobs: { content: [{ token: 'bob', bytes: [98], logprob: 0 }] },
          finish_reason: 'stop',
        },
      ],
      usage: { prompt_tokens: 1, completion_tokens: 2 },
      extra: { 'bob@x.org': ['bob@x.org'] },
    };
    expect(maskedJson(answer)).toEqual({
      ...answer,
      choices: [
        {
          ...answer.choices[0],
          message: {
            ...answer.choices[0]?.message,
            content: `to ${MASK}`,
            reasoning: `${MASK}?`,
            tool_calls: [
              {
                ...answer.choices[0]?.message.tool_calls[0],
                function: { name: 'mail', arguments: `{"to":${JSON.stringify(MASK)},"n":${JSON.stringify(MASK)}}` },
              },
            ],
          },
          logprobs: null,
        },
      ],
      extra: { [MASK]: [MASK] },
    });
  });

  it('comes out at the end, byte for byte when nothing is masked', () => {
    const bytes = Buffer.from(
      '{ "choices" : [ {"message":{"content":"caf\\u00e9 \\/ 1"}} ],\n"usage":{"prompt_tokens":3,"completion_tokens":4}}',
    );
    const mask = maskOf({ contentType: 'application/json' });
    expect(mask.kind).toBe('whole');
    for (const piece of singleBytes(bytes)) expect(mask.push(piece)).toEqual([]);
    expect(Buffer.concat([...mask.end()]).equals(bytes)).toBe(true);
    expect(mask.usage).toEqual({ input: 3, output: 4 });
  });

  it('masks the document of an error', () => {
    expect(maskedJson({ error: { message: 'no bob@x.org' } }, { contentType: 'application/problem+json' })).toEqual({
      error: { message: `no ${MASK}` },
    });
  });

  it('refuses more than the limit, what is no JSON, and what repeats a member', () => {
    const options = { contentType: 'application/json', limit: 50 };
    expect(refused(`"${'x'.repeat(60)}"`, options)).toBe('answer-unreadable');
    expect(refused('<html>', options)).toBe('answer-unreadable');
    expect(refused('{"a":1,"a":2}', options)).toBe('answer-unreadable');
    expect(refused('', options)).toBeNull();
  });

  it('refuses masked member names that come out alike', () => {
    const options = { contentType: 'application/json' };
    expect(refused('{"a@x.org":1,"b@x.org":2}', options)).toBe('answer-unreadable');
    expect(refused('{"a@x.org":1,"b":2}', options)).toBeNull();
  });

  it('leaves base64 alone and masks what only claims to be data', () => {
    const embedding = {
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: '41111111111111110000AAAA' }],
    };
    expect(maskedJson(embedding, { operation: 'embeddings' })).toEqual(embedding);
    expect(maskedJson({ data: [{ embedding: 'bob@x.org' }] }, { operation: 'embeddings' })).toEqual({
      data: [{ embedding: MASK }],
    });
    expect(maskedJson(resultOf('image_generation_call'), { operation: 'responses' })).toEqual(
      resultOf('image_generation_call'),
    );
    expect(maskedJson(resultOf('program_output'), { operation: 'responses' })).toEqual({
      output: [{ type: 'program_output', result: MASK }],
    });
  });

  it('takes the signature from masked thinking and leaves it on the rest', () => {
    const message = {
      type: 'message',
      content: [thinking('plain', 'c2lnbmVk'), thinking('ask bob@x.org', 'c2lnbmVk')],
    };
    expect(maskedJson(message, { protocol: 'anthropic', operation: 'messages' })).toEqual({
      type: 'message',
      content: [thinking('plain', 'c2lnbmVk'), thinking(`ask ${MASK}`, '')],
    });
  });
});
