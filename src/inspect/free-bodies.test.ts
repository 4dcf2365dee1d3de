import { describe, expect, it } from 'vitest';
import { factsOf, type InspectCase, look, refused } from '../../test/kit/inspected.ts';
import { wordMasker } from '../../test/kit/word-masker.ts';
import { maskContent } from '../mask/request.ts';
import { codecs } from '../protocol/codecs.ts';
import type { Protocol } from '../protocol/codecs.ts';

const masked = (protocol: Protocol, body: unknown, options: InspectCase): string => {
  const { content } = look(body, { protocol, ...options });
  if (content === null) throw new Error('expected a content');
  return (maskContent(content, codecs[protocol], wordMasker, () => {})?.bytes ?? content.bytes).toString();
};
const TEXT: InspectCase = { protocol: 'http', path: '/x', contentType: 'text/plain; charset=utf-8' };
const LINES: InspectCase = { protocol: 'http', path: '/x', contentType: 'application/x-ndjson' };

describe('http: a plain text', () => {
  it('is one text, and is masked as one', () => {
    expect(factsOf('to a@b.co', TEXT)).toMatchObject({ findings: { email: 1 }, inputTokens: 3 });
    expect(masked('http', 'to bob@x.org\n', TEXT)).toBe('to <"X">\n');
  });

  it('is read as JSON when it is JSON: servers do not look at what it is called', () => {
    const body = '{"model":"m","prompt":"bob\\u0040x.org"}';
    expect(factsOf(body, TEXT)).toMatchObject({ model: 'm', findings: { email: 1 } });
    expect(JSON.parse(masked('http', body, TEXT))).toEqual({ model: 'm', prompt: '<"X">' });
    // and by its strings when it only begins like it
    const broken = '{"model":"a","model":"b","prompt":"bob\\u0040x.org"';
    expect(factsOf(broken, TEXT).findings).toEqual({ email: 1 });
    expect(masked('http', broken, TEXT)).not.toContain('bob');
  });

  it('is refused in another encoding', () => {
    expect(refused(Buffer.from([0xff, 0x61]), TEXT)).toBe(true);
    expect(refused('a', { ...TEXT, contentType: 'text/plain; charset=utf-16' })).toBe(true);
  });
});

describe('http: JSON lines', () => {
  const lines = '{"prompt":"to a@b.co","n":2}\r\n\n{"prompt":"x","model":"m"}';

  it('are one operation with the texts of all of them', () => {
    expect(factsOf(lines, LINES)).toMatchObject({ operations: 1, n: 3, findings: { email: 1 }, model: '' });
  });

  it('are masked line by line, and everything between them stays', () => {
    expect(masked('http', lines, LINES)).toBe(lines.replace('a@b.co', '<\\"X\\">'));
    const plain = '{"a": 1}\n  \n{"b":"c"}\n';
    const { content } = look(plain, LINES);
    expect(content && maskContent(content, codecs.http, wordMasker, () => {})).toBeNull();
  });

  it.each(['{"a":1}\n{"a":', '{"a":1}{"b":2}', '{"a":1,"a":2}\n'])(
    'are refused when a line is no document: %s',
    (body) => {
      expect(refused(body, LINES)).toBe(true);
    },
  );
});

it('http: more lines than anybody reads are refused', () => {
  expect(refused('1\n'.repeat(100_001), LINES)).toBe(true);
  expect(refused('1\n'.repeat(100_000), LINES)).toBe(false);
});

it('http: a body of another type is refused', () => {
  for (const contentType of ['', 'application/octet-stream', 'multipart/form-data; boundary=x'])
    expect(refused('{}', { protocol: 'http', path: '/x', contentType })).toBe(true);
});

describe('tfserving', () => {
  const at = (verb: string): InspectCase => ({ protocol: 'tfserving', path: `/v1/models/half_plus_three${verb}` });

  // every body is an example of tensorflow/serving, g3doc/api_rest.md
  it.each<[string, string, readonly object[]]>([
    [':predict', '{"instances": ["foo", "bar", "baz"]}', [{ name: '', datatype: 'DT_STRING', shape: [3], bytes: 9 }]],
    [':predict', '{"instances": [[[1, 2]], [[3, 4]]]}', [{ name: '', datatype: '', shape: [2, 1, 2] }]],
    [
      ':predict',
      '{"instances":[{"tag":"foo","signal":[1,2,3,4,5],"sensor":[[1,2],[3,4]]},{"tag":"bar","signal":[3,4,1,2,5],"sensor":[[4,5],[6,8]]}]}',
      [
        { name: 'tag', datatype: 'DT_STRING', shape: [2], bytes: 6 },
        { name: 'signal', shape: [2, 5] },
        { name: 'sensor', shape: [2, 2, 2] },
      ],
    ],
    [
      '/versions/123:predict',
      '{"inputs":{"tag":["foo","bar"],"signal":[[1,2,3,4,5],[3,4,1,2,5]]}}',
      [
        { name: 'tag', datatype: 'DT_STRING', shape: [2] },
        { name: 'signal', shape: [2, 5] },
      ],
    ],
    [
      ':classify',
      '{"signature_name":"classify_objects","examples":[{"image":{"b64":"aW1hZ2UgYnl0ZXM="},"caption":"seaside"},{"image":{"b64":"YXdlc29tZSBpbWFnZSBieXRlcw=="},"caption":"mountains"}]}',
      [
        { name: 'image', datatype: 'DT_STRING', shape: [2] },
        { name: 'caption', datatype: 'DT_STRING', shape: [2], bytes: 16 },
      ],
    ],
    [
      ':regress',
      '{"signature_name": "tensorflow/serving/regress", "examples": [{"x": 1.0}, {"x": 2.0}]}',
      [{ name: 'x', shape: [2] }],
    ],
  ])('%s %s', (verb, body, tensors) => {
    const facts = factsOf(body, { ...at(verb), contentType: 'application/x-www-form-urlencoded' });
    expect(facts).toMatchObject({ model: 'half_plus_three', operation: verb.split(':')[1], tensors });
  });

  it('decodes what is in base64, masks it, and encodes it again', () => {
    const b64 = Buffer.from('to bob@x.org').toString('base64');
    const body = `{"instances": [{"b64":"${b64}"}, NaN, -Infinity]}`;
    expect(factsOf(body, at(':predict')).findings).toEqual({ email: 1 });
    expect(masked('tfserving', body, at(':predict'))).toBe(
      body.replace(b64, Buffer.from('to <"X">').toString('base64')),
    );
    expect(factsOf('{"instances":[{"b64":"not base64, a@b.co"}]}', at(':predict')).findings).toEqual({ email: 1 });
  });

  it('is refused with rows and columns at once', () => {
    expect(refused('{"instances":[1],"inputs":[1]}', at(':predict'))).toBe(true);
    expect(refused('[1]', at(':predict'))).toBe(true);
    expect(refused('{"instances":[nan]}', at(':predict'))).toBe(true);
  });

  it('knows the model by its path, versions and labels', () => {
    const operation = (method: string, path: string) => codecs.tfserving.operation(method, path);
    expect(operation('GET', '/v1/models/m/labels/stable')).toMatchObject({
      name: 'model.status',
      names: { model: 'm' },
    });
    expect(operation('GET', '/v1/models/m/versions/1/metadata')?.name).toBe('model.metadata');
    expect(operation('POST', '/v1/models/m:delete')).toBeNull();
    expect(operation('GET', '/monitoring/prometheus/metrics')?.management).toBe(true);
  });
});

describe.each([
  ['torchserve', '/predictions/resnet-18/2.0', 'resnet-18'],
  ['sagemaker', '/endpoints/bert/invocations', 'bert'],
] as const)('%s', (protocol, path, model) => {
  const of = (contentType: string): InspectCase => ({ protocol, path, contentType });

  it('reads JSON and text by whatever name', () => {
    for (const contentType of ['application/json', 'text/plain', 'text/csv', '', 'application/octet-stream'])
      expect(factsOf('{"inputs":"to a@b.co"}', of(contentType))).toMatchObject({ model, findings: { email: 1 } });
    expect(masked(protocol, 'a,bob@x.org\n', of('text/csv'))).toBe('a,<"X">\n');
  });

  it('refuses a form, in which a text can be spelled otherwise', () => {
    const form = 'application/x-www-form-urlencoded';
    expect(refused('inputs=bob%40x.org', of(form))).toBe(true);
    expect(refused('--x\r\n\r\nbob=40x.org', of('multipart/form-data; boundary=x'))).toBe(true);
    // what curl -d sends under that name is JSON
    expect(factsOf('{"inputs":"to a@b.co"}', of(form)).findings).toEqual({ email: 1 });
  });

  it('refuses what nobody can see, unless the service takes it, and then counts it', () => {
    const image = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 0x10]);
    expect(refused(image, of('image/jpeg'))).toBe(true);
    expect(factsOf(image, { ...of('image/jpeg'), opaque: true })).toMatchObject({ model, files: 1, opaque: true });
  });
});

it('torchserve: has the protocols of KServe beside its own, and its management', () => {
  const operation = (method: string, path: string) => codecs.torchserve.operation(method, path);
  expect(operation('POST', '/v1/models/mnist:predict')?.name).toBe('predict');
  expect(operation('POST', '/v2/models/mnist/infer')?.name).toBe('infer');
  expect(operation('DELETE', '/models/mnist/1.0')).toMatchObject({ name: 'models.unregister', management: true });
  const { facts } = look('{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[NaN]}]}', {
    protocol: 'torchserve',
    path: '/v2/models/mnist/infer',
  });
  expect(facts.tensors).toMatchObject([{ name: 'x', bytes: 4 }]);
});

it("torchserve: takes the shape of TorchServe's own example, which is none", () => {
  // pytorch/serve, kubernetes/kserve/kf_request_json/v2/bert/bert_bytes_v2.json
  const input = { name: '4b7c7d4a', shape: -1, datatype: 'BYTES', data: 'this year business is good' };
  const options: InspectCase = { protocol: 'torchserve', path: '/v2/models/bert/infer' };
  const facts = factsOf({ id: 'd3b15cad', inputs: [input] }, options);
  expect(facts.tensors).toEqual([{ name: '4b7c7d4a', datatype: 'BYTES', shape: [], bytes: 26, region: '' }]);
  expect(facts.texts.map(({ text }) => text)).toContain('this year business is good');
});

it('sagemaker: what an endpoint is told to use is a part of the model', () => {
  const options: InspectCase = { protocol: 'sagemaker', path: '/endpoints/many/invocations' };
  const rawHeaders = ['X-Amzn-SageMaker-Target-Model', 'a.tar.gz'];
  expect(factsOf('{}', { ...options, rawHeaders }).model).toBe('many/a.tar.gz');
  expect(refused('{}', { ...options, rawHeaders: [...rawHeaders, ...rawHeaders] })).toBe(true);
  expect(factsOf('{"inputs":"x"}', { protocol: 'sagemaker', path: '/invocations' }).operation).toBe('invoke');
});
