import { describe, expect, it } from 'vitest';
import { loadProto, messageKit } from '../../../test/kit/proto.ts';
import { kserveGrpc } from './kserve.ts';
import { lengthField } from './protobuf.ts';

const definitions = loadProto('inference');
const kit = (name: string) => messageKit(definitions, `inference.${name}`);
const method = (name: string) => {
  const found = kserveGrpc.method(`/inference.GRPCInferenceService/${name}`);
  if (found === null) throw new Error(`no method ${name}`);
  return found;
};
const infer = method('ModelInfer');
const stream = method('ModelStreamInfer');

const raw = (...elements: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat(
    elements.map((element) => {
      const bytes = Buffer.from(element);
      const head = Buffer.alloc(4);
      head.writeUInt32LE(bytes.length);
      return Buffer.concat([head, bytes]);
    }),
  );
const toBob = (text: string): string => text.replaceAll('anna', 'bob the longer');

const request = {
  model_name: 'chat',
  model_version: '3',
  id: 'r1',
  parameters: { max_tokens: { int64_param: '99' }, system: { string_param: 'be kind to anna' } },
  inputs: [
    { name: 'INPUT0', datatype: 'FP32', shape: ['1', '2'] },
    { name: 'text_input', datatype: 'BYTES', shape: ['2'] },
  ],
  outputs: [{ name: 'text_output' }],
  raw_input_contents: [Buffer.alloc(8, 'anna'), raw('hello anna', 'again')],
};

describe('ModelInfer', () => {
  it('reads the model, the tensors, the limit and the texts of raw BYTES tensors', () => {
    const reading = infer.request.read(kit('ModelInferRequest').write(request));
    expect(reading).toMatchObject({ model: 'chat', maxTokens: 99 });
    expect(reading.texts.map(({ text }) => text)).toEqual(['be kind to anna', 'hello anna', 'again']);
    expect(reading.texts.at(-1)?.path).toEqual(['raw_input_contents', 1, 1]);
    expect(reading.tensors).toEqual([
      { name: 'INPUT0', datatype: 'FP32', shape: [1, 2], bytes: 8, region: '' },
      { name: 'text_input', datatype: 'BYTES', shape: [2], bytes: 23, region: '' },
    ]);
  });

  it('refuses a tensor of more elements than may be looked at, as over REST: four bytes are enough for one', () => {
    const tensorOf = (elements: number): Buffer =>
      kit('ModelInferRequest').write({
        model_name: 'm',
        inputs: [{ name: 'x', datatype: 'BYTES', shape: [String(elements)] }],
        raw_input_contents: [Buffer.alloc(4 * elements)],
      });
    expect(infer.request.read(tensorOf(100_000)).model).toBe('m');
    expect(() => infer.request.read(tensorOf(100_001))).toThrow('at most 100000 elements');
  });

  it('reads and edits bytes_contents', () => {
    const bytes = kit('ModelInferRequest').write({
      model_name: 'm',
      inputs: [
        { name: 'x', datatype: 'BYTES', shape: ['1'], contents: { bytes_contents: [Buffer.from('hello anna')] } },
        { name: 'y', datatype: 'INT64', shape: ['2'], contents: { int64_contents: ['1', '2'] } },
      ],
    });
    expect(infer.request.read(bytes).texts.map(({ text }) => text)).toEqual(['hello anna']);
    expect(kit('ModelInferRequest').read(infer.request.edit(bytes, toBob))).toMatchObject({
      inputs: [{ contents: { bytes_contents: [Buffer.from('hello bob the longer')] } }, { name: 'y' }],
    });
  });

  it('edits raw tensors, recomputes their lengths, and leaves numbers that look like text', () => {
    const bytes = kit('ModelInferRequest').write(request);
    expect(infer.request.edit(bytes, (text) => text)).toBe(bytes);
    expect(kit('ModelInferRequest').read(infer.request.edit(bytes, toBob))).toMatchObject({
      parameters: { system: { string_param: 'be kind to bob the longer' } },
      raw_input_contents: [Buffer.alloc(8, 'anna'), raw('hello bob the longer', 'again')],
    });
  });

  it('edits answers, in order of the outputs wherever their fields stand', () => {
    const answer = kit('ModelInferResponse').write({
      model_name: 'chat',
      outputs: [
        { name: 'score', datatype: 'FP32', shape: ['1'] },
        { name: 'text_output', datatype: 'BYTES', shape: ['1'] },
      ],
    });
    const contents = Buffer.concat([lengthField(6, Buffer.alloc(4, 'anna')), lengthField(6, raw('dear anna'))]);
    for (const bytes of [Buffer.concat([answer, contents]), Buffer.concat([contents, answer])]) {
      expect(kit('ModelInferResponse').read(infer.answer.edit(bytes, toBob))).toMatchObject({
        raw_output_contents: [Buffer.alloc(4, 'anna'), raw('dear bob the longer')],
      });
    }
  });

  it('sees that a tensor is in shared memory, input or output', () => {
    const region = { shared_memory_region: { string_param: 'r1' }, shared_memory_byte_size: { int64_param: '64' } };
    const reading = infer.request.read(
      kit('ModelInferRequest').write({
        inputs: [
          { name: 'a', datatype: 'BYTES', shape: ['1'], parameters: region },
          { name: 'b', datatype: 'BYTES', shape: ['1'] },
        ],
        outputs: [{ name: 'out', parameters: region }],
        raw_input_contents: [raw('b is here')],
      }),
    );
    expect(reading.tensors).toMatchObject([
      { name: 'a', region: 'r1', bytes: 64 },
      { name: 'b', region: '', bytes: 13 },
      { name: 'out', region: 'r1', bytes: 64 },
    ]);
    expect(reading.texts.map(({ text }) => text)).toContain('b is here');
  });

  it('refuses raw contents that belong to no tensor, and BYTES that are none', () => {
    const write = (value: object): Buffer => kit('ModelInferRequest').write(value);
    expect(() => infer.request.read(write({ ...request, inputs: [] }))).toThrow('one raw content for each tensor');
    expect(() => infer.request.read(write({ ...request, raw_input_contents: [raw('x'), Buffer.from('abc')] }))).toThrow(
      'fill it exactly',
    );
  });

  it('looks into raw contents of a datatype that is not one of the protocol', () => {
    const bytes = kit('ModelInferRequest').write({
      inputs: [{ name: 'x', datatype: 'TEXT', shape: ['1'] }],
      raw_input_contents: [Buffer.from('hello anna')],
    });
    expect(infer.request.read(bytes).texts.map(({ text }) => text)).toEqual(['hello anna']);
    expect(() => infer.request.edit(bytes, toBob)).toThrow('unknown meaning');
  });
});

describe('ModelStreamInfer', () => {
  it('edits what an answer carries and its error message', () => {
    const answer = kit('ModelStreamInferResponse');
    const bytes = answer.write({
      error_message: 'anna is unknown',
      infer_response: {
        outputs: [{ name: 'o', datatype: 'BYTES', shape: ['1'] }],
        raw_output_contents: [raw('hi anna')],
      },
    });
    expect(stream.answer.edit(bytes, (text) => text)).toBe(bytes);
    expect(answer.read(stream.answer.edit(bytes, toBob))).toMatchObject({
      error_message: 'bob the longer is unknown',
      infer_response: { raw_output_contents: [raw('hi bob the longer')] },
    });
  });
});

describe('the other methods', () => {
  it('names the model of a question about it', () => {
    expect(method('ModelReady').request.read(kit('ModelReadyRequest').write({ name: 'chat' })).model).toBe('chat');
    expect(
      method('RepositoryModelLoad').request.read(kit('RepositoryModelLoadRequest').write({ model_name: 'chat' })).model,
    ).toBe('chat');
  });

  it('tells management from asking', () => {
    const management = ['RepositoryModelLoad', 'RepositoryModelUnload', 'SystemSharedMemoryRegister', 'LogSettings'];
    expect(management.map((name) => method(name).operation.management === true)).toEqual([true, true, true, true]);
    expect(
      ['ModelInfer', 'ServerLive', 'ModelMetadata'].map((name) => method(name).operation.management === true),
    ).toEqual([false, false, false]);
    expect(kserveGrpc.method('/inference.GRPCInferenceService/modelInfer')).toBeNull();
    expect(kserveGrpc.method('/inference.GRPCInferenceService/ModelInfer/')).toBeNull();
  });
});
