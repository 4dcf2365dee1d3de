import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadProto, messageKit } from '../../test/kit/proto.ts';
import { recordOf, stringAt } from '../../test/kit/json.ts';
import { bytesTensor, elementsOf } from '../../test/support/grpc-inference.ts';
import { kserveGrpc } from '../protocol/grpc/kserve.ts';
import { ContinuedTexts } from './message-stream.ts';
import { compileTextMasker } from './text-masker.ts';

const kit = messageKit(loadProto('inference'), 'inference.ModelStreamInferResponse');
const codec = kserveGrpc.method('/inference.GRPCInferenceService/ModelStreamInfer')!.answer;
const rules = [
  { entities: ['email'], with: 'replace' as const },
  { entities: ['credit_card'], with: 'mask' as const },
];
const masker = compileTextMasker(rules, Buffer.alloc(32));
const texts = () => new ContinuedTexts(codec, codec.continued!, masker.session(), () => {});

const piece = (text: string, { id = '1', last = false, raw = true } = {}): Buffer =>
  kit.write({
    infer_response: {
      id,
      model_name: 'chat',
      parameters: last ? { triton_final_response: { bool_param: true } } : {},
      outputs: [
        {
          name: 'text_output',
          datatype: 'BYTES',
          shape: ['1'],
          ...(raw ? {} : { contents: { bytes_contents: [Buffer.from(text)] } }),
        },
      ],
      ...(raw ? { raw_output_contents: [bytesTensor(text)] } : {}),
    },
  });

/** Returns the text of a message and the request that it belongs to. */
const heard = (message: Buffer): { readonly id: string; readonly text: string } => {
  const response = recordOf(recordOf(kit.read(message))['infer_response']);
  const raw: unknown = response['raw_output_contents'];
  const tensor: unknown = Array.isArray(raw) ? raw[0] : undefined;
  const id = stringAt(response, 'id');
  if (Buffer.isBuffer(tensor)) return { id, text: elementsOf(tensor).join('') };
  const [output]: unknown[] = Array.isArray(response['outputs']) ? response['outputs'] : [];
  const contents: unknown = recordOf(recordOf(output)['contents'])['bytes_contents'];
  return { id, text: Array.isArray(contents) ? Buffer.concat(contents).toString() : '' };
};

const TEXT = 'Write to anna.long@example.com, pay with 4111 1111 1111 1111, or ask bob@example.com';
const MASKED = masker.session().whole(TEXT, () => {});

describe('a stream of messages whose texts continue one another', () => {
  it.each([true, false])('promise 4: is masked like the whole text, however it is cut (raw tensors: %s)', (raw) => {
    for (let size = 1; size <= TEXT.length; size++) {
      const masks = texts();
      const out: Buffer[] = [];
      for (let at = 0; at < TEXT.length; at += size) out.push(...masks.push(piece(TEXT.slice(at, at + size), { raw })));
      out.push(...masks.end());
      expect(out.map((message) => heard(message).text).join('')).toBe(MASKED);
    }
  });

  it('promise 4: is so for any text and any cuts, and for requests that take turns', () => {
    const word = fc.constantFrom(
      'anna@example.com',
      '4111111111111111',
      'hello ',
      '@',
      ' ',
      'a.b',
      'x'.repeat(30),
      'é',
      '😀',
    );
    const spoken = fc.array(word, { maxLength: 12 }).map((words) => words.join(''));
    fc.assert(
      fc.property(spoken, spoken, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (one, two, sizes) => {
        const masks = texts();
        const out: Buffer[] = [];
        let turn = 0;
        const left = { '1': Array.from(one), '2': Array.from(two) };
        while (left['1'].length > 0 || left['2'].length > 0) {
          const id = turn % 2 === 0 ? '1' : '2';
          const taken = left[id].splice(0, sizes[turn++ % sizes.length]);
          if (taken.length > 0) out.push(...masks.push(piece(taken.join(''), { id })));
        }
        out.push(...masks.end());
        for (const [id, whole] of [
          ['1', one],
          ['2', two],
        ] as const) {
          const got = out
            .map(heard)
            .filter((message) => message.id === id)
            .map(({ text }) => text)
            .join('');
          expect(got).toBe(masker.session().whole(whole, () => {}));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('lets everything of a request go with the piece that is its last', () => {
    const masks = texts();
    const first = masks.push(piece('see anna@exam'));
    const last = masks.push(piece('ple.com or ann', { last: true }));
    expect([...first, ...last].map((message) => heard(message).text).join('')).toBe('see <EMAIL> or ann');
    expect(masks.end()).toEqual([]);
  });

  it('lets what is held go ahead of a last piece that has no text of its own', () => {
    const masks = texts();
    masks.push(piece('that is all, ann'));
    const empty = kit.write({
      infer_response: { id: '1', parameters: { triton_final_response: { bool_param: true } } },
    });
    const out = masks.push(empty);
    expect(out).toHaveLength(2);
    expect(heard(out[0]!).text).toBe('ann');
    expect(out[1]).toBe(empty);
  });

  it('promise 4: is so for answers without an envelope, as MLServer sends them', () => {
    const bare = messageKit(loadProto('inference'), 'inference.ModelInferResponse');
    const masks = texts();
    const out: Buffer[] = [];
    for (const part of TEXT.match(/.{1,4}/g) ?? []) {
      const outputs = [
        { name: 'said', datatype: 'BYTES', shape: ['1'], contents: { bytes_contents: [Buffer.from(part)] } },
      ];
      out.push(...masks.push(bare.write({ model_name: 'echo', model_version: 'v1', id: '7', outputs })));
    }
    out.push(...masks.end());
    const said = out.map((message) => {
      const { outputs } = recordOf(bare.read(message));
      const [output]: unknown[] = Array.isArray(outputs) ? outputs : [];
      const contents = recordOf(recordOf(output)['contents'])['bytes_contents'];
      return Array.isArray(contents) ? Buffer.concat(contents).toString() : '';
    });
    expect(said.join('')).toBe(MASKED);
  });

  it('leaves a message as it came where nothing is held and nothing masked', () => {
    const masks = texts();
    const message = piece('Good morning. ');
    expect(masks.push(message)[0]).toBe(message);
    expect(masks.end()).toEqual([]);
  });
});
