import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cutAt,
  dispatched,
  fragments,
  frame,
  interleave,
  singleBytes,
  spell,
  spelling,
} from '../../test/kit/event-stream.ts';
import { parsedRecord, recordOf } from '../../test/kit/json.ts';
import { blockingMasker, idleMasker, MASK, maskWords, wordMasker } from '../../test/kit/word-masker.ts';
import type { Finding } from '../call.ts';
import { codecs, type Protocol } from '../protocol/codecs.ts';
import type { Operation } from '../protocol/codec.ts';
import { itemsOf } from '../protocol/value.ts';
import { Failure, type Reason } from '../reasons.ts';
import { type AnswerMask, createAnswerMask } from './answer.ts';
import type { TextMasker } from './text-masker.ts';

interface Masked {
  readonly text: string;
  readonly mask: AnswerMask;
  readonly found: Finding[];
}

interface Case {
  readonly protocol?: Protocol;
  readonly operation?: string;
  readonly contentType?: string;
  readonly masker?: TextMasker;
  readonly limit?: number;
}

const maskOf = (options: Case, found: (finding: Finding) => void = () => {}): AnswerMask => {
  const operation: Operation = { name: options.operation ?? 'chat', body: 'json' };
  return createAnswerMask({
    codec: codecs[options.protocol ?? 'openai'],
    operation,
    contentType: options.contentType ?? 'text/event-stream',
    masker: options.masker ?? wordMasker,
    found,
    limit: options.limit ?? 1_000_000,
  });
};

const run = (chunks: readonly Buffer[], options: Case = {}): Masked => {
  const found: Finding[] = [];
  const mask = maskOf(options, (finding) => found.push(finding));
  const out = chunks.flatMap((chunk) => mask.push(chunk));
  return { text: Buffer.concat([...out, ...mask.end()]).toString(), mask, found };
};

const reasonOf = (step: () => unknown): Reason | null => {
  try {
    step();
    return null;
  } catch (error) {
    if (error instanceof Failure) return error.reason;
    throw error;
  }
};

const refused = (text: string, options: Case = {}): Reason | null => reasonOf(() => run([Buffer.from(text)], options));

const sse = (...values: unknown[]): string =>
  values.map((value) => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`).join('');

const chunkOf = (delta: unknown, rest: object = {}): object => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1719792000,
  model: 'm-1',
  choices: [{ index: 0, delta, finish_reason: null, ...rest }],
});

/** Joins every string that a delta carries, by choice and place. */
const joined = (stream: string): Record<string, string> => {
  const texts: Record<string, string> = {};
  const walk = (value: unknown, place: string): void => {
    if (typeof value === 'string') texts[place] = (texts[place] ?? '') + value;
    else if (Array.isArray(value))
      value.forEach((item: { index?: number }, i) => walk(item, `${place}.${item.index ?? i}`));
    else if (typeof value === 'object' && value !== null)
      for (const [name, inner] of Object.entries(value))
        if (!['role', 'type', 'id', 'name'].includes(name)) walk(inner, `${place}.${name}`);
  };
  for (const { data } of dispatched(stream)) {
    if (data === '[DONE]') continue;
    for (const choice of itemsOf(parsedRecord(data)['choices']).map(recordOf)) {
      walk(choice['delta'], String(choice['index']));
      walk(choice['text'], `${String(choice['index'])} text`);
    }
  }
  return texts;
};

const bareChunk = (choices: unknown[]): object => ({
  id: 'c1',
  object: 'chat.completion.chunk',
  created: 7,
  model: 'm',
  choices,
});

/** Returns the event's data with its growing texts left out. */
const withoutTexts = (data: string): string =>
  data.replaceAll(/("(?:content|refusal|\w+_content|later_field)": ?)"(?:[^"\\]|\\.)*"/g, '$1""');

const fragment = (index: number, text: string): object =>
  chunkOf({ tool_calls: [{ index, function: { arguments: text } }] });

const completionPart = (text: string): object => ({
  id: 'c',
  object: 'text_completion',
  choices: [{ index: 0, text, logprobs: null }],
});

const maskedJson = (value: unknown, options: Case = {}): unknown =>
  JSON.parse(
    run([Buffer.from(JSON.stringify(value))], { contentType: 'application/json; charset=utf-8', ...options }).text,
  );

const resultOf = (type: string): unknown => ({ output: [{ type, result: '4111111111111111' }] });

const thinking = (text: string, signature: string): object => ({ type: 'thinking', thinking: text, signature });

describe('masking a chat stream', () => {
  it('masks what is split over events', () => {
    const text = sse(
      chunkOf({ role: 'assistant', content: '' }),
      chunkOf({ content: 'mail al' }),
      chunkOf({ content: 'ice@exa' }),
      chunkOf({ content: 'mple.com now' }),
      chunkOf({}, { finish_reason: 'stop' }),
      '[DONE]',
    );
    const { text: out, found } = run([Buffer.from(text)]);
    expect(joined(out)).toEqual({ '0.content': `mail ${MASK} now` });
    expect(found.map(({ kind }) => kind)).toEqual(['word']);
    expect(dispatched(out)).toHaveLength(7);
    expect(out).not.toContain('alice');
  });

  it('masks what is split over events, interleaved over choices and fields, for every cut of the bytes', () => {
    const field = fc.constantFrom('content', 'refusal', 'reasoning_content', 'later_field');
    const list = fc.tuple(fc.nat(2), field, fragments);
    let masked = 0;
    fc.assert(
      fc.property(
        fc.uniqueArray(list, { maxLength: 4, selector: ([choice, name]) => `${choice} ${name}` }),
        fc.array(fc.nat(), { minLength: 1, maxLength: 9 }),
        spelling,
        fc.array(fc.nat(), { maxLength: 5 }),
        fc.boolean(),
        fc.constantFrom('stop', 'done', 'cut'),
        (lists, picks, style, cuts, single, ending) => {
          const deltas = interleave(
            lists.map(([index, name, parts]) => parts.map((part) => ({ index, delta: { [name]: part } }))),
            picks,
          );
          const choices = [...new Set(lists.map(([index]) => index))];
          const events = [
            ...deltas.map((choice) => bareChunk([{ ...choice, logprobs: null, finish_reason: null }])),
            ...(ending === 'stop'
              ? choices.map((index) => bareChunk([{ index, delta: {}, finish_reason: 'stop' }]))
              : []),
          ];
          const stream =
            events.map((event) => frame('', spell(event, style), style)).join('') +
            (ending === 'cut' ? '' : frame('', '[DONE]', style));
          const bytes = Buffer.from(stream);
          const { text: out } = run(single ? singleBytes(bytes) : cutAt(bytes, cuts));

          const before = joined(stream);
          const expected = Object.fromEntries(Object.entries(before).map(([place, text]) => [place, maskWords(text)]));
          expect(joined(out)).toEqual(expected);
          for (const secret of ['alice@', 'bob@', '4111111111111111']) expect(out).not.toContain(secret);
          // All events are there, in order, as they were but for their texts; what is new carries only text.
          const sent = dispatched(out).map(({ data }) => withoutTexts(data));
          const want = dispatched(stream).map(({ data }) => withoutTexts(data));
          let at = 0;
          for (const data of sent) {
            if (data === want[at]) at++;
            else
              expect(JSON.parse(data)).toMatchObject({
                id: 'c1',
                created: 7,
                model: 'm',
                choices: [{ finish_reason: null }],
              });
          }
          expect(at).toBe(want.length);
          if (Object.values(expected).join('') !== Object.values(before).join('')) masked++;
        },
      ),
      { numRuns: 1500 },
    );
    expect(masked).toBeGreaterThan(300);
  });

  it('lets a stream pass byte for byte, in the call that brought it, when the masker holds and finds nothing', () => {
    fc.assert(
      fc.property(
        fc.array(fragments, { maxLength: 3 }),
        spelling,
        fc.array(fc.nat(), { maxLength: 5 }),
        (lists, style, cuts) => {
          const stream = lists
            .flatMap((parts, index) => parts.map((content) => ({ choices: [{ index, delta: { content } }] })))
            .map((event) => frame('', spell(event, style), style))
            .concat(': keep-alive\n\n', frame('', '[DONE]', style))
            .join('');
          const mask = maskOf({ masker: idleMasker });
          const bytes = Buffer.from(stream);
          let seen = 0;
          const out: Buffer[] = [];
          for (const chunk of cutAt(bytes, cuts)) {
            seen += chunk.length;
            out.push(...mask.push(chunk));
            // Whole frames are out; only an unfinished one is held.
            const whole = dispatched(bytes.subarray(0, seen).toString('latin1')).length;
            expect(dispatched(Buffer.concat(out).toString('latin1'))).toHaveLength(whole);
          }
          expect(Buffer.concat([...out, ...mask.end()]).equals(bytes)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('hands on untouched frames without a copy', () => {
    const bytes = Buffer.from(sse(chunkOf({ content: 'hello ' })));
    const [out] = maskOf({}).push(bytes);
    expect(out?.buffer).toBe(bytes.buffer);
  });

  it('does not flush on a switch of channels, and flushes ahead of the finish reason', () => {
    const text = sse(
      chunkOf({ content: 'ask bob@' }),
      chunkOf({ tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }] }),
      chunkOf({ tool_calls: [{ index: 0, function: { arguments: '{"to":"x"}' } }] }),
      chunkOf({ content: 'x.org' }),
      chunkOf({}, { finish_reason: 'tool_calls' }),
      '[DONE]',
    );
    const { text: out } = run([Buffer.from(text)]);
    expect(joined(out)['0.content']).toBe(`ask ${MASK}`);
    const events = dispatched(out).map(({ data }) => data);
    expect(events.at(-1)).toBe('[DONE]');
    expect(JSON.parse(events.at(-2) ?? '')).toMatchObject({ choices: [{ finish_reason: 'tool_calls' }] });
    expect(JSON.parse(events.at(-3) ?? '')).toEqual({
      ...chunkOf({ content: MASK }),
    });
  });

  it('puts the rest of a text into the event that ends it when that event carries the text', () => {
    const text = sse(
      chunkOf({ content: 'a bob@' }),
      chunkOf({ content: 'x.org' }, { finish_reason: 'stop' }),
      '[DONE]',
    );
    const { text: out } = run([Buffer.from(text)]);
    expect(dispatched(out)).toHaveLength(3);
    expect(joined(out)).toEqual({ '0.content': `a ${MASK}` });
  });

  it('masks tool arguments string by string, escapes decoded, keeping the JSON whole', () => {
    const inner = JSON.stringify({
      to: 'alice@example.com',
      n: 4111111111111111,
      keep: [1.5, true, 'é"\\'],
      'k@y.org': 1,
    });
    const json = inner.replace('@', '\\u0040').replace('é', '\\u00e9');
    const bytes = Array.from(json, (arguments_) =>
      chunkOf({ tool_calls: [{ index: 0, function: { arguments: arguments_ } }] }),
    );
    const { text: out } = run([Buffer.from(sse(...bytes, chunkOf({}, { finish_reason: 'tool_calls' }), '[DONE]'))]);
    const args = joined(out)['0.tool_calls.0.function.arguments'] ?? '';
    expect(JSON.parse(args)).toEqual({ to: MASK, n: MASK, keep: [1.5, true, 'é"\\'], [MASK]: 1 });
    expect(args).toContain('\\u00e9');
    expect(out).not.toContain('alice');
  });

  it('keeps tool calls of one choice apart by their index', () => {
    const text = sse(
      fragment(0, '{"a":"al'),
      fragment(1, '{"b":"bob@'),
      fragment(0, 'ice@x.org"}'),
      fragment(1, 'y.org"}'),
      '[DONE]',
    );
    const out = joined(run([Buffer.from(text)]).text);
    expect(JSON.parse(out['0.tool_calls.0.function.arguments'] ?? '')).toEqual({ a: MASK });
    expect(JSON.parse(out['0.tool_calls.1.function.arguments'] ?? '')).toEqual({ b: MASK });
  });

  it('withholds logprobs and token ids, which spell the text out beyond the reach of a mask', () => {
    const logprobs = { content: [{ token: 'alice', bytes: [97], logprob: 0, top_logprobs: [] }], refusal: null };
    const text = sse(chunkOf({ content: 'alice@x.org ' }, { logprobs, token_ids: [1, 2] }), '[DONE]');
    const { text: out } = run([Buffer.from(text)]);
    expect(JSON.parse(dispatched(out)[0]?.data ?? '')).toEqual(
      chunkOf({ content: `${MASK} ` }, { logprobs: null, token_ids: [] }),
    );
  });

  it('reads usage, also from a chunk without choices, and counts events', () => {
    const usage = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 };
    const { mask, text } = run([
      Buffer.from(sse(chunkOf({ content: 'x ' }), { ...chunkOf({}), choices: [], usage }, '[DONE]')),
    ]);
    expect(mask.usage).toEqual({ input: 5, output: 7 });
    expect(mask.events).toBe(3);
    expect(text).toContain('"choices":[]');
  });

  it('masks completions in their text', () => {
    const { text: out } = run([Buffer.from(sse(completionPart('to al'), completionPart('ice@x.org'), '[DONE]'))], {
      operation: 'completions',
    });
    expect(joined(out)).toEqual({ '0 text': `to ${MASK}` });
  });

  it('keeps the index of a part of a delta when it writes the rest of it', () => {
    const text = sse(chunkOf({ content: [{ type: 'text', text: 'to bob@x' }] }), '[DONE]');
    const events = dispatched(run([Buffer.from(text)]).text);
    expect(JSON.parse(events[1]?.data ?? '')).toEqual(chunkOf({ content: [{ type: 'text', text: MASK }] }));
  });

  it('lets audio pass that is base64 and masks its transcript', () => {
    const text = sse(chunkOf({ audio: { id: 'audio_1', data: 'UklGRg==', transcript: 'bob@x.org ' } }), '[DONE]');
    expect(JSON.parse(dispatched(run([Buffer.from(text)]).text)[0]?.data ?? '')).toEqual(
      chunkOf({ audio: { id: 'audio_1', data: 'UklGRg==', transcript: `${MASK} ` } }),
    );
  });
});

describe('where other gateways leak', () => {
  it('a masked stream is masked, not forwarded as it came (agentgateway #2956)', () => {
    expect(run([Buffer.from(sse(chunkOf({ content: 'bob@x.org ' })))]).text).not.toContain('bob');
  });

  it('every choice is read, not only the first', () => {
    const text = sse({ choices: [0, 1, 2].map((index) => ({ index, delta: { content: `bob${index}@x.org ` } })) });
    expect(joined(run([Buffer.from(text)]).text)).toEqual({
      '0.content': `${MASK} `,
      '1.content': `${MASK} `,
      '2.content': `${MASK} `,
    });
  });

  it('data over several lines is one document (aisix #1102)', () => {
    const text = 'data: {"choices":[{"index":0,\ndata: "delta":{"content":"bob@x.org "}}]}\n\n';
    const { text: out } = run([Buffer.from(text)]);
    expect(out).toBe(`data: {"choices":[{"index":0,\ndata: "delta":{"content":${JSON.stringify(`${MASK} `)}}}]}\n\n`);
  });

  it('an unfinished last frame is masked, and an unreadable one refused (aisix #1110)', () => {
    const whole = `data: ${JSON.stringify(chunkOf({ content: 'bob@x.org' }))}`;
    const { text } = run([Buffer.from(`${whole}\n`)]);
    expect(joined(`${text}\n\n`)).toEqual({ '0.content': MASK });
    expect(text).not.toContain('bob');
    expect(joined(run([Buffer.from(whole)]).text)).toEqual({ '0.content': MASK });
    expect(refused(whole.slice(0, -3))).toBe('answer-unreadable');
  });

  it('frames that are no JSON are refused (aisix #1098)', () => {
    for (const data of ['bob@x.org', '{"choices":[', '"bob@x.org"', '[1]', '7', '{"a":1}{"b":2}'])
      expect(refused(`data: ${data}\n\n`)).toBe('answer-unreadable');
  });

  it('comments, ids and names of events are masked too', () => {
    const text = ': to bob@x.org\nid: bob@x.org\nevent: bob@x.org\ndata: {"choices":[]}\n\n: bob@x.org\n\n';
    expect(run([Buffer.from(text)]).text).toBe(
      `: to ${MASK}\nid: ${MASK}\nevent: ${MASK}\ndata: {"choices":[]}\n\n: ${MASK}\n\n`,
    );
  });

  it('an escaped character is what it stands for', () => {
    const text = 'data: {"choices":[{"index":0,"delta":{"content":"bob\\u0040x.org "}}]}\n\n';
    expect(joined(run([Buffer.from(text)]).text)).toEqual({ '0.content': `${MASK} ` });
  });

  it('a repeated member is refused: which of the two counts is up to the reader', () => {
    const text = 'data: {"choices":[{"index":0,"delta":{"content":"bob@x.org","content":"x"}}]}\n\n';
    expect(refused(text)).toBe('answer-unreadable');
  });

  it('text in members that nobody knows is masked, also when it is split (mastra #23783)', () => {
    const text = sse(
      chunkOf({ thoughts: { deep: 'al' } }, { note: 'bob@x.org' }),
      chunkOf({ thoughts: { deep: 'ice@x.org' } }),
      '[DONE]',
    );
    const { text: out } = run([Buffer.from(text)]);
    expect(joined(out)).toEqual({ '0.thoughts.deep': MASK });
    expect(out).not.toContain('bob');
  });

  it('an event without choices may not bring text past the channels', () => {
    expect(refused(sse({ chunk: 'bob@' }))).toBe('answer-unreadable');
    expect(refused(sse({ id: 'c-1', object: 'chat.completion.chunk', usage: { prompt_tokens: 1 } }))).toBeNull();
  });

  it('text after the end of its choice is refused', () => {
    const text = sse(
      chunkOf({ content: 'bob@' }),
      chunkOf({}, { finish_reason: 'stop' }),
      chunkOf({ content: 'x.org' }),
    );
    expect(refused(text)).toBe('answer-unreadable');
    const empty = sse(
      chunkOf({ content: 'a' }),
      chunkOf({}, { finish_reason: 'stop' }),
      chunkOf({ content: '' }),
      '[DONE]',
    );
    expect(refused(empty)).toBeNull();
  });

  it('a stream that ends without a word leaves its rest masked', () => {
    expect(joined(run([Buffer.from(sse(chunkOf({ content: 'ask bob@x.org' })))]).text)).toEqual({
      '0.content': `ask ${MASK}`,
    });
  });

  it('an event over the limit is refused, and then nothing leaves', () => {
    const mask = maskOf({ limit: 100 });
    expect(reasonOf(() => mask.push(Buffer.from(`data: ${'x'.repeat(200)}`)))).toBe('answer-unreadable');
    expect(reasonOf(() => mask.push(Buffer.from('\n\n')))).toBe('answer-unreadable');
    expect(reasonOf(() => mask.end())).toBe('answer-unreadable');
  });

  it('a blocked text is a blocked answer, and what was held does not leave', () => {
    const mask = maskOf({ masker: blockingMasker });
    const out = mask.push(Buffer.from(sse(chunkOf({ content: 'ask bob@' }))));
    expect(Buffer.concat([...out]).toString()).not.toContain('bob');
    expect(reasonOf(() => mask.push(Buffer.from(sse(chunkOf({ content: 'x.org ' })))))).toBe('answer-blocked');
    expect(reasonOf(() => mask.end())).toBe('answer-blocked');
  });

  it('an error after the stream has begun is masked and ends it', () => {
    const text = sse(chunkOf({ content: 'ask bob@x.org' }), {
      error: { message: 'for bob@x.org', type: 'server_error' },
    });
    const events = dispatched(run([Buffer.from(text)]).text).map(({ data }) => parsedRecord(data));
    expect(events[1]).toEqual(chunkOf({ content: MASK }));
    expect(events[2]).toEqual({ error: { message: `for ${MASK}`, type: 'server_error' } });
  });

  it('bytes that are no UTF-8 are refused', () => {
    const bytes = Buffer.from(sse(chunkOf({ content: 'é ' })), 'latin1');
    expect(reasonOf(() => run([bytes]))).toBe('answer-unreadable');
  });

  it.each([
    ['index', '{"choices":[{"index":"0","delta":{"content":"x"}}]}'],
    ['delta', '{"choices":[{"delta":"x"}]}'],
    ['choice', '{"choices":["x"]}'],
  ])('refuses a stream whose %s is of another type', (_, data) => {
    expect(refused(`data: ${data}\n\n`)).toBe('answer-unreadable');
  });
});

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

describe('masking other answers', () => {
  it('masks plain text as it flows, for every cut of the bytes', () => {
    fc.assert(
      fc.property(fragments, fc.array(fc.nat(), { maxLength: 6 }), (parts, cuts) => {
        const text = parts.join('');
        const { text: out } = run(cutAt(Buffer.from(text), cuts), { contentType: 'text/plain' });
        expect(out).toBe(maskWords(text));
      }),
    );
  });

  it('refuses plain text that is no UTF-8, at once or at its end', () => {
    const options = { contentType: 'text/plain; charset=utf-8' };
    expect(reasonOf(() => run([Buffer.from([0x61, 0xff])], options))).toBe('answer-unreadable');
    expect(reasonOf(() => run([Buffer.from([0x61, 0xe2, 0x82])], options))).toBe('answer-unreadable');
  });

  it.each([
    ['application/octet-stream', 'openai', 'chat'],
    ['text/html', 'openai', 'chat'],
    ['application/json; charset=utf-16', 'openai', 'chat'],
    ['text/event-stream; charset=latin1', 'openai', 'chat'],
    ['application/x-ndjson', 'http', 'post'],
    ['text/event-stream', 'http', 'post'],
    ['text/event-stream', 'openai', 'embeddings'],
    ['nonsense', 'openai', 'chat'],
  ] as const)('refuses %s of %s %s', (contentType, protocol, operation) => {
    expect(reasonOf(() => maskOf({ contentType, protocol, operation }))).toBe('answer-unreadable');
  });

  it('lets an answer without content pass without a type, and nothing else', () => {
    expect(refused('', { contentType: '' })).toBeNull();
    expect(refused('bob', { contentType: '' })).toBe('answer-unreadable');
  });
});
