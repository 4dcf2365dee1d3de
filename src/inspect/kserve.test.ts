import { describe, expect, it } from 'vitest';
import { factsOf, type InspectCase, refused } from '../../test/kit/inspected.ts';
import { binaryBody, bytesTensor, inBinary } from '../../test/kit/open-inference.ts';
import type { Facts } from '../call.ts';

const INFER: InspectCase = { protocol: 'kserve', path: '/v2/models/mymodel/versions/3/infer' };
const facts = (body: unknown, options: InspectCase = {}): Facts => factsOf(body, { ...INFER, ...options });
const isRefused = (body: unknown, options: InspectCase = {}): boolean => refused(body, { ...INFER, ...options });

/** The example of Triton's docs/protocol/extension_binary_data.md. */
const UINT32 = Buffer.alloc(16);
const BOOL = Buffer.from([1, 0, 1]);
const EXAMPLE = binaryBody(
  {
    model_name: 'mymodel',
    inputs: [inBinary('input0', 'UINT32', [2, 2], UINT32), inBinary('input1', 'BOOL', [3], BOOL)],
    outputs: [{ name: 'output0', parameters: { binary_data: true } }],
  },
  UINT32,
  BOOL,
);

describe('tensors in JSON', () => {
  it('are facts, and the strings of BYTES are texts', () => {
    const body = {
      id: '42',
      inputs: [
        { name: 'input-0', shape: [2, 2], datatype: 'UINT32', data: [1, 2, 3, 4] },
        { name: 'text', shape: [1, 2], datatype: 'BYTES', data: [['to a@b.co', 'é']] },
      ],
    };
    expect(facts(body)).toMatchObject({
      operation: 'infer',
      model: 'mymodel',
      stream: false,
      tensors: [
        { name: 'input-0', datatype: 'UINT32', shape: [2, 2], bytes: 16, region: '' },
        { name: 'text', datatype: 'BYTES', shape: [1, 2], bytes: 11, region: '' },
      ],
      findings: { email: 1 },
    });
    expect(facts(body).texts.map(({ text }) => text)).toEqual(['to a@b.co', 'é']);
  });

  it('may hold NaN and infinities, which are read as what they are', () => {
    const body = '{"inputs":[{"name":"x","shape":[3],"datatype":"FP32","data":[NaN, -Infinity,Infinity]}]}';
    expect(facts(body).tensors).toMatchObject([{ bytes: 12 }]);
    expect(isRefused(body.replace('NaN', 'Nan'))).toBe(true);
  });

  it('are read whatever the request calls its body: Triton reads JSON all the same', () => {
    const body = '{"inputs":[{"name":"t","shape":[1],"datatype":"BYTES","data":["a@b.co"]}]}';
    for (const contentType of ['', 'application/x-www-form-urlencoded', 'application/octet-stream', 'text/plain'])
      expect(facts(body, { contentType }).findings).toEqual({ email: 1 });
  });

  it('of content that MLServer decodes are decoded', () => {
    const data = [Buffer.from('to a@b.co').toString('base64'), Buffer.from('c@d.co').toString('base64')];
    const input = { name: 't', shape: [2], datatype: 'BYTES', data };
    expect(facts({ inputs: [{ ...input, parameters: { content_type: 'base64' } }] }).findings).toEqual({ email: 2 });
    expect(facts({ parameters: { content_type: 'base64' }, inputs: [input] }).findings).toEqual({ email: 2 });
    expect(facts({ inputs: [input] }).findings).toEqual({});
  });
});

describe('tensors in binary', () => {
  it('are read as the documentation shows them', () => {
    expect(facts(EXAMPLE.bytes, { ...EXAMPLE, contentType: 'application/octet-stream' })).toMatchObject({
      model: 'mymodel',
      bodyBytes: EXAMPLE.bytes.length,
      tensors: [
        { name: 'input0', datatype: 'UINT32', shape: [2, 2], bytes: 16, region: '' },
        { name: 'input1', datatype: 'BOOL', shape: [3], bytes: 3, region: '' },
      ],
      files: 0,
    });
  });

  it('of BYTES are texts, element by element; what is no text is a file, searched for text all the same', () => {
    const hidden = Buffer.concat([Buffer.from([0xff]), Buffer.from('please write to anna@example.org')]);
    const data = bytesTensor('to a@b.co', '', 'c@d.co', hidden, Buffer.from([0xff, 0xd8, 0xff, 0xe0]));
    const body = binaryBody({ inputs: [inBinary('t', 'BYTES', [5, 1], data)] }, data);
    const found = facts(body.bytes, body);
    expect(found).toMatchObject({
      findings: { email: 3 },
      files: 2,
      tensors: [{ datatype: 'BYTES', bytes: data.length }],
    });
    expect(found.texts.map(({ text }) => text)).toEqual(['to a@b.co', 'c@d.co', 'please write to anna@example.org']);
  });

  it('of BYTES may hold JSON, whose strings are texts with their escapes decoded', () => {
    const data = bytesTensor('{"to":"a\\u0040b.co"}');
    const body = binaryBody({ inputs: [inBinary('t', 'BYTES', [1], data)] }, data);
    expect(facts(body.bytes, body).findings).toEqual({ email: 1 });
    const plain = { inputs: [{ name: 't', shape: [1], datatype: 'BYTES', data: ['{"to":"a\\u0040b.co"}'] }] };
    expect(facts(plain).findings).toEqual({ email: 1 });
  });

  const text = bytesTensor('ab', 'c');
  const good = inBinary('t', 'BYTES', [2], text);
  const withSize = (size: unknown): object => ({ ...good, parameters: { binary_data_size: size } });

  it.each<[string, ReturnType<typeof binaryBody>]>([
    ['a document longer than the body', { ...EXAMPLE, rawHeaders: ['Inference-Header-Content-Length', '9999'] }],
    ['a length that is no number', { ...EXAMPLE, rawHeaders: ['Inference-Header-Content-Length', '0x10'] }],
    ['no document', { ...EXAMPLE, rawHeaders: ['Inference-Header-Content-Length', '0'] }],
    ['a document that ends early', { ...EXAMPLE, rawHeaders: ['Inference-Header-Content-Length', '20'] }],
    ['two lengths', { ...EXAMPLE, rawHeaders: [...EXAMPLE.rawHeaders, ...EXAMPLE.rawHeaders] }],
    ['a length under another spelling', { ...EXAMPLE, rawHeaders: ['Inference_Header_Content_Length', '20'] }],
    ['less data than announced', binaryBody({ inputs: [good] }, text.subarray(1))],
    ['more data than announced', binaryBody({ inputs: [good] }, text, Buffer.from([0]))],
    ['data of nobody', binaryBody({ inputs: [] }, text)],
    ['a size that is no number', binaryBody({ inputs: [withSize('11')] }, text)],
    ['a negative size', binaryBody({ inputs: [withSize(-11)] }, text)],
    ['a size that is a fraction', binaryBody({ inputs: [withSize(10.5)] }, text)],
    [
      'an element that runs over the end',
      binaryBody({ inputs: [good] }, Buffer.from([2, 0, 0, 0, 97, 98, 4, 0, 0, 0, 99])),
    ],
    ['half a length', binaryBody({ inputs: [inBinary('t', 'BYTES', [1], text.subarray(0, 8))] }, text.subarray(0, 8))],
    ['fewer elements than its shape', binaryBody({ inputs: [inBinary('t', 'BYTES', [3], text)] }, text)],
    ['more elements than its shape', binaryBody({ inputs: [inBinary('t', 'BYTES', [1], text)] }, text)],
    ['fewer bytes than its shape', binaryBody({ inputs: [inBinary('t', 'FP32', [2], text)] }, text)],
    ['a shape that is negative', binaryBody({ inputs: [inBinary('t', 'BYTES', [-2], text)] }, text)],
    ['a datatype of no protocol', binaryBody({ inputs: [inBinary('t', 'STRING', [2], text)] }, text)],
    ['BYTES in small letters', binaryBody({ inputs: [inBinary('t', 'bytes', [2], text)] }, text)],
    [
      'more elements than anybody looks at',
      binaryBody({ inputs: [inBinary('t', 'BYTES', [100_001], Buffer.alloc(400_004))] }, Buffer.alloc(400_004)),
    ],
    ['two tensors of one name', binaryBody({ inputs: [good, good] }, text, text)],
    ['a tensor without a name', binaryBody({ inputs: [{ ...good, name: undefined }] }, text)],
    ['data in two places', binaryBody({ inputs: [{ ...good, data: ['ab', 'c'] }] }, text)],
    ['a document that is no JSON', binaryBody('{"inputs":[}', text)],
    ['a document that repeats a name', binaryBody('{"inputs":[],"inputs":[]}')],
  ])('are refused with %s', (_, body) => {
    expect(isRefused(body.bytes, body)).toBe(true);
  });

  it('are refused without the header that tells them from the document', () => {
    expect(isRefused({ inputs: [good] })).toBe(true);
    expect(isRefused(EXAMPLE.bytes)).toBe(true);
  });

  it('are refused where the operation has none', () => {
    expect(isRefused(EXAMPLE.bytes, { ...EXAMPLE, path: '/v2/models/mymodel/generate' })).toBe(true);
  });

  it('may be none', () => {
    const body = binaryBody({ inputs: [{ name: 't', shape: [1], datatype: 'BYTES', data: ['a@b.co'] }] });
    expect(facts(body.bytes, body).findings).toEqual({ email: 1 });
  });
});

describe('tensors in shared memory', () => {
  const at = (region: string, offset: number, size: number): object => ({
    shared_memory_region: region,
    shared_memory_offset: offset,
    shared_memory_byte_size: size,
  });
  const input = { name: 'x', shape: [4], datatype: 'FP32', parameters: at('r0', 0, 16) };
  const body = { inputs: [input], outputs: [{ name: 'y', parameters: at('r0', 16, 8) }] };

  it('are refused, because nobody can look at them', () => {
    expect(isRefused(body)).toBe(true);
    expect(
      isRefused({ inputs: [{ name: 'x', shape: [1], datatype: 'BYTES', data: [''] }], outputs: body.outputs }),
    ).toBe(true);
  });

  it('pass where the service takes what cannot be inspected, and the facts say where they are', () => {
    expect(facts(body, { opaque: true })).toMatchObject({
      opaque: true,
      tensors: [
        { name: 'x', bytes: 16, region: 'r0' },
        { name: 'y', bytes: 8, region: 'r0' },
      ],
    });
  });

  it.each<[string, object]>([
    ['a region and data', { ...input, data: [1, 2, 3, 4] }],
    ['a region and binary data', { ...input, parameters: { ...at('r0', 0, 16), binary_data_size: 16 } }],
    ['a region without a size', { ...input, parameters: { shared_memory_region: 'r0' } }],
    ['a size without a region', { ...input, parameters: { shared_memory_byte_size: 16 } }],
    ['an offset alone', { ...input, parameters: { shared_memory_offset: 0 } }],
    ['a region of no name', { ...input, parameters: at('', 0, 16) }],
    ['a negative offset', { ...input, parameters: at('r0', -1, 16) }],
    ['another size than its shape', { ...input, parameters: at('r0', 0, 12) }],
  ])('are not read with %s', (_, tensor) => {
    // an opaque service passes them unread, and then says nothing of them
    expect(facts({ inputs: [tensor] }, { opaque: true })).toMatchObject({ opaque: true, tensors: [] });
    expect(isRefused({ inputs: [tensor] })).toBe(true);
  });

  it('are not read when they overlap', () => {
    const second = { ...input, name: 'z', parameters: at('r0', 15, 16) };
    expect(facts({ inputs: [input, second] }, { opaque: true }).tensors).toEqual([]);
    const elsewhere = { ...input, name: 'z', parameters: at('r1', 15, 16) };
    expect(facts({ inputs: [input, elsewhere] }, { opaque: true }).tensors).toHaveLength(2);
  });
});

describe('generate', () => {
  const generate: InspectCase = { path: '/v2/models/mymodel/generate' };

  it('has its text, and the settings of its parameters', () => {
    const body = { text_input: 'client input', parameters: { stream: false, temperature: 0, max_tokens: 20 } };
    expect(facts(body, generate)).toMatchObject({
      operation: 'generate',
      temperature: 0,
      maxTokens: 20,
      stream: false,
    });
    expect(facts(body, generate).texts.map(({ text }) => text)).toEqual(['client input']);
    expect(facts({ text_input: '' }, { path: '/v2/models/m/generate_stream' }).stream).toBe(true);
  });

  it('may be an inference, as MLServer takes it', () => {
    const input = { name: 't', shape: [1], datatype: 'BYTES', data: ['a@b.co'] };
    expect(facts({ inputs: [input] }, generate)).toMatchObject({ findings: { email: 1 }, tensors: [{ name: 't' }] });
    expect(isRefused({ inputs: [{ ...input, data: undefined, parameters: { binary_data_size: 5 } }] }, generate)).toBe(
      true,
    );
  });
});

describe('what manages the server', () => {
  it.each([
    ['POST', '/v2/repository/index', 'repository.index'],
    ['POST', '/v2/repository/models/m/load', 'repository.load'],
    ['POST', '/v2/repository/models/m/unload', 'repository.unload'],
    ['POST', '/v2/systemsharedmemory/region/r/register', 'system_shared_memory.register'],
    ['POST', '/v2/cudasharedmemory/unregister', 'cuda_shared_memory.unregister'],
    ['POST', '/v2/models/m/trace/setting', 'trace.set'],
    ['POST', '/v2/logging', 'logging.set'],
  ])('%s %s is an operation of its own', (method, path, operation) => {
    expect(facts('{}', { method, path })).toMatchObject({ operation, management: true });
  });

  it('names the model that it loads, and shows what is in its configuration', () => {
    const body = { parameters: { config: '{"note":"a\\u0040b.co"}', 'file:1/model.onnx': 'AAAA' } };
    const path = '/v2/repository/models/org%2Fm/load';
    expect(facts(body, { path })).toMatchObject({ model: 'org/m', findings: { email: 1 } });
  });
});
