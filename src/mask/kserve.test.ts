import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reasonOf, refused, run, sse } from '../../test/kit/masked-answer.ts';
import { type BinaryBody, binaryBody, bytesTensor, inBinary } from '../../test/kit/open-inference.ts';
import { MASK, maskWords, wordMasker } from '../../test/kit/word-masker.ts';
import type { Content, Rendering } from '../protocol/content.ts';
import { kserve } from '../protocol/kserve/kserve.ts';
import { createAnswerMask } from './answer.ts';
import { maskContent } from './request.ts';

const operation = kserve.operation('POST', '/v2/models/m/infer')!;

const contentOf = ({ bytes, rawHeaders }: BinaryBody): Content => {
  const content = kserve.content?.(operation, { bytes, rawHeaders, contentType: 'application/octet-stream' });
  if (content === undefined || content === null) throw new Error('expected a content');
  return content;
};
const maskBody = (body: BinaryBody): Rendering | null => maskContent(contentOf(body), kserve, wordMasker, () => {});

const maskAnswer = ({ bytes, rawHeaders }: BinaryBody, cut = bytes.length) => {
  const mask = createAnswerMask({
    codec: kserve,
    operation,
    contentType: 'application/octet-stream',
    rawHeaders,
    masker: wordMasker,
    found: () => {},
    limit: 100_000,
  });
  const early = [...mask.push(bytes.subarray(0, cut)), ...mask.push(bytes.subarray(cut))];
  expect(early).toEqual([]);
  const out = Buffer.concat(mask.end());
  return { out, fields: mask.fields ?? [] };
};

const FP32 = Buffer.from(new Float32Array([1, Number.NaN, -0]).buffer);
/** A body with text in both parts, and data between that is none. */
const bodyOf = (list: 'inputs' | 'outputs', words: readonly string[], note: string): BinaryBody => {
  const text = bytesTensor(...words);
  const numbers = inBinary('n', 'FP32', [3], FP32);
  const more = bytesTensor('end@x.org');
  return binaryBody(
    {
      [list]: [inBinary('t', 'BYTES', [words.length], text), numbers, inBinary('u', 'BYTES', [1], more)],
      parameters: { note },
    },
    text,
    FP32,
    more,
  );
};

describe.each(['inputs', 'outputs'] as const)('masking a body with %s in binary', (list) => {
  const mask = (body: BinaryBody): { readonly bytes: Buffer; readonly fields: readonly string[] } => {
    if (list === 'inputs') return maskBody(body) ?? { bytes: body.bytes, fields: [] };
    const { out, fields } = maskAnswer(body);
    return { bytes: out, fields };
  };

  it('writes every length anew: of elements, of tensors, of the document', () => {
    const words = ['to bob@x.org now', '', 'plain'];
    const masked = mask(bodyOf(list, words, 'note for eve@x.org'));
    const text = bytesTensor(`to ${MASK} now`, '', 'plain');
    const end = bytesTensor(MASK);
    const expected = binaryBody(
      {
        [list]: [inBinary('t', 'BYTES', [3], text), inBinary('n', 'FP32', [3], FP32), inBinary('u', 'BYTES', [1], end)],
        parameters: { note: `note for ${MASK}` },
      },
      text,
      FP32,
      end,
    );
    expect(masked.bytes.toString('latin1')).toBe(expected.bytes.toString('latin1'));
    expect(masked.fields).toEqual(expected.rawHeaders);
  });

  it('promise 9: transparent — leaves everything as it came when nothing is masked', () => {
    const text = bytesTensor('hello', Buffer.from([0xff, 0xfe, 0x00]));
    const spaced = `{ "${list}" : [ {"name":"t","shape":[ 2 ],"datatype":"BYTES","parameters":{"binary_data_size":${text.length}.0}} ]\n}  `;
    const body = binaryBody(spaced, text);
    expect(mask(body)).toEqual({ bytes: body.bytes, fields: [] });
  });

  it('masks text in what is no text as a whole, and nothing else of it', () => {
    const odd = Buffer.from([0xff, 0xd8]);
    const data = bytesTensor(Buffer.concat([odd, Buffer.from(' mail to bob@x.org please '), odd]));
    const masked = mask(binaryBody({ [list]: [inBinary('t', 'BYTES', [1], data)] }, data));
    expect(masked.bytes.subarray(-2)).toEqual(odd);
    expect(masked.bytes.toString('latin1')).toContain(`\xff\xd8 mail to ${MASK} please \xff\xd8`);
  });

  it('masks JSON in an element by its strings, escapes and all', () => {
    const data = bytesTensor('{"to": "bob\\u0040x.org", "n": 1}');
    const masked = mask(binaryBody({ [list]: [inBinary('t', 'BYTES', [1], data)] }, data));
    expect(masked.bytes.toString()).toContain(`{"to": ${JSON.stringify(MASK)}, "n": 1}`);
  });

  it('masks the elements as it masks texts, whatever they are, and what comes out reads again', () => {
    const word = fc.oneof(fc.constantFrom('bob@x.org', ' ', '12345678', 'é', '\u0000'), fc.string());
    fc.assert(
      fc.property(
        fc.array(
          // what begins as JSON is masked by its strings, which is another test's
          fc.array(word).map((parts) => parts.join('').replace(/^(\s*)["{[]/, '$1-')),
          { maxLength: 6 },
        ),
        fc.string(),
        (words, note) => {
          const wellFormed = words.map((text) => text.toWellFormed());
          const body = bodyOf(list, wellFormed, note.toWellFormed());
          const masked = mask(body);
          const again = {
            bytes: masked.bytes,
            rawHeaders: masked.fields.length === 0 ? body.rawHeaders : masked.fields,
          };
          const texts =
            list === 'inputs'
              ? contentOf(again).pieces
              : kserve.answerContent?.(operation, again.rawHeaders)?.(again.bytes).pieces;
          const elements = texts?.flatMap((piece) => (piece.kind === 'bytes' ? [piece.bytes.toString()] : []));
          expect(elements).toEqual([...wellFormed, 'end@x.org'].map(maskWords));
        },
      ),
    );
  });
});

describe('an answer with tensors in binary', () => {
  it('is masked alike wherever it is cut', () => {
    const body = bodyOf('outputs', ['to bob@x.org now'], 'x');
    const { out } = maskAnswer(body);
    for (let cut = 0; cut <= body.bytes.length; cut++) expect(maskAnswer(body, cut).out).toEqual(out);
  });

  it.each<[string, BinaryBody]>([
    ['ends early', { ...bodyOf('outputs', ['a'], ''), bytes: bodyOf('outputs', ['a'], '').bytes.subarray(0, -1) }],
    ['goes on', { ...bodyOf('outputs', ['a'], ''), bytes: Buffer.concat([bodyOf('outputs', ['a'], '').bytes, FP32]) }],
    ['says another length', { ...bodyOf('outputs', ['a'], ''), rawHeaders: ['inference-header-content-length', '3'] }],
  ])('is unreadable when it %s', (_, body) => {
    expect(reasonOf(() => maskAnswer(body))).toBe('answer-unreadable');
  });

  it('is masked in its JSON where it has no binary part', () => {
    const answer = { model_name: 'm', outputs: [{ name: 't', shape: [1], datatype: 'BYTES', data: ['bob@x.org'] }] };
    const { text } = run([Buffer.from(JSON.stringify(answer))], {
      protocol: 'kserve',
      operation: 'infer',
      contentType: 'application/json',
    });
    expect(JSON.parse(text)).toEqual({ ...answer, outputs: [{ ...answer.outputs[0], data: [MASK] }] });
  });

  it('keeps NaN and infinities as they are spelled', () => {
    const answer =
      '{"outputs":[{"name":"y","shape":[3],"datatype":"FP32","data":[NaN,-Infinity, 1e400]}],"note":"bob@x.org"}';
    const { text } = run([Buffer.from(answer)], {
      protocol: 'kserve',
      operation: 'infer',
      contentType: 'application/json',
    });
    expect(text).toBe(answer.replace('bob@x.org', MASK.replaceAll('"', '\\"')));
  });
});

describe('a stream of generate_stream', () => {
  const stream = { protocol: 'kserve', operation: 'generate_stream' } as const;
  const event = (text: string): object => ({ model_name: 'm', model_version: '1', text_output: text });
  const textOf = (answer: string): string =>
    answer
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .map((line) => String(JSON.parse(line.slice(6)).text_output))
      .join('');

  it('promise 4: streams mask exactly like whole texts, cut into events and bytes anywhere', () => {
    const text = 'Write to bob@x.org or eve.long@y.org, call 12345678.';
    for (const size of [1, 3, 7]) {
      const bytes = Buffer.from(sse(...(text.match(new RegExp(`.{1,${size}}`, 'g')) ?? []).map(event)));
      for (const cut of [1, 5, bytes.length]) {
        const chunks = Array.from({ length: Math.ceil(bytes.length / cut) }, (_, i) =>
          bytes.subarray(i * cut, (i + 1) * cut),
        );
        expect(textOf(run(chunks, stream).text)).toBe(maskWords(text));
      }
    }
  });

  it('tells further tensors apart', () => {
    const events = sse({ ...event('bob@'), other: 'eve@' }, { ...event('x.org'), other: 'y.org' });
    const { text } = run([Buffer.from(events)], stream);
    expect(text).not.toContain('bob');
    expect(text).not.toContain('eve');
    expect(text.split('X').length).toBe(3);
  });

  it('is masked in the shape of MLServer', () => {
    const output = (text: string): object => ({
      model_name: 'm',
      id: 'x-1',
      outputs: [{ name: 'out', datatype: 'BYTES', shape: [1], data: [text] }],
    });
    const { text } = run([Buffer.from(sse(output('to bob@'), output('x.org')))], {
      ...stream,
      operation: 'infer_stream',
    });
    expect(text).not.toContain('bob');
    expect(text).toContain('X');
  });

  it('passes an error as it came', () => {
    const events = sse(event('a '), { error: 'out of memory' });
    expect(run([Buffer.from(events)], stream).text).toBe(events);
  });

  it('is refused when every event repeats what was said: what one event begins another would end', () => {
    const text = 'Write to bob@x.org';
    const events = sse(...Array.from(text, (_, end) => event(text.slice(0, end + 1))));
    expect(refused(events, stream)).toBe('answer-unreadable');
  });
});
