import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutAt, fragments, interleave, singleBytes, spelling } from '../../test/kit/event-stream.ts';
import {
  callArguments,
  cuts,
  cutText,
  expectSameBut,
  isRefused,
  joined,
  maskEvents,
  maskStream,
  readEvents,
  SECRETS,
  type TypedEvent,
  written,
} from '../../test/kit/masked-events.ts';
import { idleMasker, MASK, maskWords } from '../../test/kit/word-masker.ts';

const itemAt = (output_index: number): object => ({ item_id: `msg_${output_index}`, output_index });

const textEvents = (output: number, stem: string, member: string, parts: readonly string[]): TypedEvent[] => {
  const place = { ...itemAt(output), content_index: 0 };
  const type = stem.replace('response.', '');
  const text = parts.join('');
  return [
    { type: 'response.content_part.added', ...place, part: { type, [member]: '' } },
    ...parts.map((delta) => ({ type: `${stem}.delta`, ...place, delta })),
    { type: `${stem}.done`, ...place, [member]: text },
    { type: 'response.content_part.done', ...place, part: { type, [member]: text } },
    { type: 'response.output_item.done', output_index: output, item: { id: 'msg_1', content: [{ [member]: text }] } },
  ];
};

const callEvents = (output: number, json: string, at: readonly number[]): TypedEvent[] => {
  const item = (text: string): object => ({ item: { type: 'function_call', id: `msg_${output}`, arguments: text } });
  const stem = 'response.function_call_arguments';
  return [
    { type: 'response.output_item.added', output_index: output, ...item('') },
    ...cutText(json, at).map((delta) => ({ type: `${stem}.delta`, ...itemAt(output), delta })),
    { type: `${stem}.done`, ...itemAt(output), arguments: json },
    { type: 'response.output_item.done', output_index: output, ...item(json) },
  ];
};

const newThing = (delta: string): TypedEvent => ({ type: 'response.new_thing.delta', output_index: 0, delta });
const audio = (delta: string): TypedEvent => ({ type: 'response.audio.delta', delta });
const shell = (rest: object, kind = 'delta'): TypedEvent => ({
  type: `response.shell_call_output_content.${kind}`,
  item_id: 'sh',
  output_index: 0,
  command_index: 0,
  ...rest,
});

describe('masking a stream of responses', () => {
  it('masks deltas like the whole texts that repeat them, for every cut of the bytes', () => {
    const stems = fc.constantFrom(
      { stem: 'response.output_text', member: 'text' },
      { stem: 'response.refusal', member: 'refusal' },
      { stem: 'response.reasoning_text', member: 'text' },
    );
    let changed = 0;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(stems, fragments), { maxLength: 3 }),
        fc.array(fc.tuple(callArguments, cuts), { maxLength: 2 }),
        fc.array(fc.nat(), { minLength: 1, maxLength: 9 }),
        spelling,
        cuts,
        fc.boolean(),
        (texts, calls, picks, style, byteCuts, single) => {
          const lists = [
            ...texts.map(([{ stem, member }, parts], i) => textEvents(i, stem, member, parts)),
            ...calls.map(([{ json }, at], i) => callEvents(texts.length + i, json, at)),
          ];
          const output = texts.map(([, parts]) => ({ content: [{ type: 'output_text', text: parts.join('') }] }));
          const events = [
            { type: 'response.created', response: { id: 'resp_1', output: [] } },
            ...interleave(lists, picks),
            { type: 'response.completed', response: { id: 'resp_1', output, usage: { input_tokens: 3 } } },
          ].map((event, sequence_number) => ({ ...event, sequence_number }));
          const bytes = Buffer.from(written(events, style));
          const out = maskStream(single ? singleBytes(bytes) : cutAt(bytes, byteCuts), 'openai');
          for (const secret of SECRETS) expect(out).not.toContain(secret);
          const sent = readEvents(out);
          expectSameBut(events, sent, ({ type, ...rest }) => type.endsWith('.delta') && rest['item_id'] !== undefined);
          const numbers = sent.map((event) => Number(event['sequence_number']));
          expect(numbers.every((number, i) => number >= (numbers[i - 1] ?? 0))).toBe(true);
          texts.forEach(([{ stem, member }, parts], i) => {
            const mine = sent.filter((event) => event['output_index'] === i);
            const done = mine.findIndex((event) => event.type === `${stem}.done`);
            const whole = maskWords(parts.join(''));
            // Everything has grown before the text is repeated, and both are the masked whole.
            expect(joined(mine.slice(0, done), 'delta')).toBe(whole);
            expect(joined(mine.slice(done), 'delta')).toBe('');
            expect(mine[done]?.[member]).toBe(whole);
            expect(sent.at(-1)).toHaveProperty(`response.output.${i}.content.0.text`, whole);
            if (whole !== parts.join('')) changed++;
          });
          calls.forEach(([{ masked }], i) => {
            const mine = sent.filter((event) => event['output_index'] === texts.length + i);
            expect(JSON.parse(joined(mine, 'delta'))).toEqual(masked);
            expect(JSON.parse(joined(mine, 'arguments'))).toEqual(masked);
          });
        },
      ),
      { numRuns: 800 },
    );
    expect(changed).toBeGreaterThan(200);
  });

  it('lets every event pass byte for byte when nothing is held or found', () => {
    fc.assert(
      fc.property(fragments, callArguments, spelling, (parts, { json }, style) => {
        const events = [...textEvents(0, 'response.output_text', 'text', parts), ...callEvents(1, json, [])];
        const stream = written(events, style);
        expect(maskStream(singleBytes(Buffer.from(stream)), 'openai', idleMasker)).toBe(stream);
      }),
      { numRuns: 200 },
    );
  });

  it('follows texts of kinds that it does not know, by their type', () => {
    const events = maskEvents(
      [newThing('to bob@'), newThing('x.org'), { type: 'response.new_thing.done', output_index: 0 }],
      'openai',
    );
    expect(joined(events, 'delta')).toBe(`to ${MASK}`);
    const grown = 'response.new_thing.delta';
    expect(events.map(({ type }) => type)).toEqual([grown, grown, grown, 'response.new_thing.done']);
  });

  it('refuses events of kinds that it does not know when they hold text', () => {
    expect(isRefused([{ type: 'response.new_thing', words: 'to bob@' }], 'openai')).toBe(true);
    expect(isRefused([{ type: 'response.new_thing', item_id: 'msg_1', status: 'searching' }], 'openai')).toBe(false);
  });

  it('masks the outputs of a shell, each stream by itself', () => {
    const events = maskEvents(
      [
        shell({ delta: { stdout: 'bob@' } }),
        shell({ delta: { stderr: 'al' } }),
        shell({ delta: { stdout: 'x.org' } }),
        shell({ output: [{ stdout: 'bob@x.org', stderr: 'al' }] }, 'done'),
      ],
      'openai',
    );
    expect(joined(events, 'delta', 'stdout')).toBe(MASK);
    expect(joined(events, 'delta', 'stderr')).toBe('al');
    expect(events.at(-1)?.['output']).toEqual([{ stdout: MASK, stderr: 'al' }]);
  });

  it('masks a text that begins with the event that adds it', () => {
    const place = { item_id: 'msg_1', output_index: 0, content_index: 0 };
    const text = maskEvents(
      [
        { type: 'response.content_part.added', ...place, part: { type: 'output_text', text: 'bob@' } },
        { type: 'response.output_text.delta', ...place, delta: 'x.org' },
        { type: 'response.output_text.done', ...place, text: 'bob@x.org' },
      ],
      'openai',
    );
    expect(text[0]?.['part']).toEqual({ type: 'output_text', text: '' });
    expect(joined(text, 'delta')).toBe(MASK);

    const item = { type: 'custom_tool_call', id: 'msg_1', input: 'bob@' };
    const call = maskEvents(
      [
        { type: 'response.output_item.added', output_index: 0, item },
        { type: 'response.custom_tool_call_input.delta', item_id: 'msg_1', output_index: 0, delta: 'x.org' },
        { type: 'response.output_item.done', output_index: 0, item: { ...item, input: 'bob@x.org' } },
      ],
      'openai',
    );
    expect(joined(call, 'item', 'input') + joined(call, 'delta')).toBe(MASK + MASK);
  });

  it('masks JSON in a string that was harmless as a text before', () => {
    const json = '{"to":"bob\\u0040x.org"}';
    const events = maskEvents(
      [
        { type: 'response.created', response: { note: json } },
        { type: 'response.function_call_arguments.done', output_index: 0, arguments: json },
      ],
      'openai',
    );
    expect(events[0]).toHaveProperty('response.note', json);
    expect(JSON.parse(joined(events, 'arguments'))).toEqual({ to: MASK });
  });

  it('withholds logprobs as the empty list that the schema wants', () => {
    const logprobs = [{ token: 'bob@x.org', logprob: -1 }];
    const delta = { type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: 'hi ', logprobs };
    expect(maskEvents([delta], 'openai')).toEqual([{ ...delta, logprobs: [] }]);
  });

  it('lets audio pass and refuses audio that is none', () => {
    expect(maskEvents([audio('UklGRg==')], 'openai')).toEqual([audio('UklGRg==')]);
    expect(isRefused([audio('bob@x.org')], 'openai')).toBe(true);
  });
});
