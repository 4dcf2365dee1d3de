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
import { chunkOf, joined, maskOf, run, sse } from '../../test/kit/masked-answer.ts';
import { idleMasker, MASK, maskWords } from '../../test/kit/word-masker.ts';

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
