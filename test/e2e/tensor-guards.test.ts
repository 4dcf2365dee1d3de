/** Tensors held against what their model says that it takes: KServe and TensorFlow Serving, over HTTP and gRPC. */

import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  type ServiceDefinition,
  status,
} from '@grpc/grpc-js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { binaryBody, bytesTensor as binaryBytes, inBinary } from '../kit/open-inference.ts';
import { recordOf } from '../kit/json.ts';
import { loadProto } from '../kit/proto.ts';
import { bytesTensor, INFERENCE, type InferenceServer, startInference } from '../support/grpc-inference.ts';
import { json } from '../support/model-answers.ts';
import type { SeenRequest } from '../support/model-server.ts';
import { type Places, startWorld, UPSTREAM_KEY, type World } from '../support/world.ts';

const PREDICTION = loadProto('tfserving')['tensorflow.serving.PredictionService'];
const isService = (found: unknown): found is ServiceDefinition =>
  typeof found === 'object' && found !== null && 'Predict' in found;
if (!isService(PREDICTION)) throw new Error('expected tensorflow.serving.PredictionService');

const config = (inference: number, prediction: number, { issuer, model }: Places): string => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
workers: 1
identity: { issuers: [{ issuer: ${issuer}, audience: sallyport }] }
services:
  - name: triton
    protocol: kserve
    upstream: { url: ${model}/mount, credential: { bearer: { env: UPSTREAM_KEY } } }
    grpc: { url: http://127.0.0.1:${inference} }
    tensors: { check: metadata, fresh: 1h }
  - name: tf
    protocol: tfserving
    upstream: { url: ${model}, credential: { bearer: { env: UPSTREAM_KEY } } }
    grpc: { url: http://127.0.0.1:${prediction} }
    tensors: { check: metadata, fresh: 1h }
  - { name: unchecked, protocol: kserve, upstream: { url: ${model} } }
policies:
  - { name: ml-may, when: '"ml" in caller.groups', then: allow }
  - { name: ml-manage, when: '"ml" in caller.groups && call.operation.startsWith("repository.")', then: allow }
  - name: known-tensors
    when: 'call.service == "unchecked" && !call.tensors.all(t, t.name in ["iris"] && t.datatype == "FP32" && t.shape[1] == 4)'
    then: deny
`;

const IRIS = { name: 'iris', datatype: 'FP32', shape: [-1, 4] };
let inference: InferenceServer;
let prediction: Server;
let world: World;
let gateway: Client;
const predicted: unknown[] = [];

beforeAll(async () => {
  inference = await startInference();
  prediction = new Server();
  prediction.addService(PREDICTION, {
    Predict(call: ServerUnaryCall<object, object>, done: sendUnaryData<object>) {
      predicted.push(call.request);
      done(null, { outputs: {} });
    },
    GetModelMetadata(_: unknown, done: sendUnaryData<object>) {
      const tensor_shape = { dim: [{ size: '-1' }, { size: '2' }] };
      const inputs = { x: { name: 'x:0', dtype: 'DT_FLOAT', tensor_shape } };
      const value = { signature_def: { serving_default: { inputs } } };
      done(null, {
        metadata: { signature_def: { type_url: 'type.googleapis.com/tensorflow.serving.SignatureDefMap', value } },
      });
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    prediction.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  world = await startWorld((places) => config(inference.port, port, places));
  gateway = new Client(new URL(world.url).host, credentials.createInsecure());
});
afterAll(async () => {
  gateway.close();
  await world.close();
  inference.close();
  prediction.forceShutdown();
});

/** What the server says of its model `m`; null for a server that says nothing. */
let metadata: object | null = null;
beforeEach(() => {
  metadata = { name: 'm', inputs: [IRIS] };
  world.model.always(({ method }: SeenRequest) => {
    if (method === 'GET') return metadata === null ? json({ error: 'no such model' }, 404) : json(metadata);
    return json({ model_name: 'm', outputs: [] });
  });
});

const post = async (path: string, body: unknown, more: Readonly<Record<string, string>> = {}) => {
  const got = await fetch(`${world.url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await world.idp.token('carol')}`,
      'content-type': 'application/json',
      ...more,
    },
    body: body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body),
  });
  return { status: got.status, body: recordOf(JSON.parse(await got.text())) };
};

const input = (more: object = {}) => ({ inputs: [{ ...IRIS, shape: [1, 4], data: [1, 2, 3, 4], ...more }] });
const asked = (path: string): readonly SeenRequest[] =>
  world.model.requests.filter(({ method, target }) => method === 'GET' && target === path);
const forwarded = (): number => world.model.requests.filter(({ method }) => method === 'POST').length;

describe('a KServe service over HTTP', () => {
  it('takes the tensors that its model takes, and asks for them once', async () => {
    const before = forwarded();
    const all = await Promise.all([1, 2, 3, 4].map(() => post('/triton/v2/models/once/infer', input())));
    expect(all.map((each) => each.status)).toEqual([200, 200, 200, 200]);
    expect(forwarded()).toBe(before + 4);
    const [question, ...more] = asked('/mount/v2/models/once');
    expect(more).toEqual([]);
    expect(question?.header('authorization')).toBe(`Bearer ${UPSTREAM_KEY}`);
  });

  it.each<[string, object]>([
    ['another name', { name: 'IRIS' }],
    ['another type', { datatype: 'INT64' }],
    ['another shape', { shape: [1, 5], data: [1, 2, 3, 4, 5] }],
    ['a shape that is not that of its data', { data: [1, 2, 3, 4, 5, 6, 7, 8] }],
    ['a rank of its own', { shape: [4] }],
  ])('refuses %s, and forwards nothing', async (_, more) => {
    const before = forwarded();
    const got = await post('/triton/v2/models/m/infer', input(more));
    expect(got.status).toBe(403);
    expect(got.body).toMatchObject({ reason: 'policy-denied' });
    expect(got.body['detail']).toMatch(/^The tensors are not what the model takes: /);
    expect(forwarded()).toBe(before);
  });

  it('looks at tensors in binary alike', async () => {
    const data = Buffer.alloc(16);
    const binary = (name: string, datatype: string) =>
      binaryBody({ inputs: [inBinary(name, datatype, [1, 4], data)] }, data);
    const send = ({ bytes, rawHeaders: [name = '', value = ''] }: ReturnType<typeof binaryBody>) =>
      post('/triton/v2/models/m/infer', bytes, { [name]: value });
    expect((await send(binary('iris', 'FP32'))).status).toBe(200);
    expect((await send(binary('iris', 'INT32'))).status).toBe(403);
    const words = binaryBytes('x');
    expect((await send(binaryBody({ inputs: [inBinary('iris', 'BYTES', [1], words)] }, words))).status).toBe(403);
  });

  it('refuses what cannot be held against anything', async () => {
    for (const verb of ['generate', 'generate_stream'])
      expect((await post(`/triton/v2/models/m/${verb}`, { text_input: 'x' })).body).toMatchObject({
        reason: 'policy-denied',
      });
  });

  it('fails closed while the server does not say what a model takes', async () => {
    const before = forwarded();
    for (const said of [null, { name: 'm' }, { name: 'm', inputs: [] }, { inputs: [{ name: 'iris' }] }, []]) {
      metadata = said;
      const got = await post(`/triton/v2/models/silent-${JSON.stringify(said).length}/infer`, input());
      expect(got.status).toBe(503);
      expect(got.body).toMatchObject({ reason: 'metadata-unavailable' });
    }
    expect(forwarded()).toBe(before);
  });

  it('asks anew once a model was loaded through the gateway', async () => {
    expect((await post('/triton/v2/models/reloaded/infer', input())).status).toBe(200);
    metadata = { name: 'm', inputs: [{ ...IRIS, shape: [-1, 8] }] };
    // it stands for an hour
    expect((await post('/triton/v2/models/reloaded/infer', input())).status).toBe(200);
    expect((await post('/triton/v2/repository/models/reloaded/load', {})).status).toBe(200);
    expect((await post('/triton/v2/models/reloaded/infer', input())).status).toBe(403);
    expect(asked('/mount/v2/models/reloaded').length).toBe(2);
  });

  it('asks for the version that is asked', async () => {
    expect((await post('/triton/v2/models/org%2Fm/versions/3/infer', input())).status).toBe(200);
    expect(asked('/mount/v2/models/org%2Fm/versions/3').length).toBe(1);
  });

  it('leaves to rules what no service checks', async () => {
    expect((await post('/unchecked/v2/models/m/infer', input())).status).toBe(200);
    expect((await post('/unchecked/v2/models/m/infer', input({ name: 'mask' }))).status).toBe(403);
    expect(asked('/v2/models/m').length).toBe(0);
  });
});

describe('a TensorFlow Serving service over HTTP', () => {
  const signature = (dtype: string, ...sizes: readonly string[]) => ({
    inputs: {
      x: { dtype, tensor_shape: { dim: sizes.map((size) => ({ size, name: '' })), unknown_rank: false }, name: 'x:0' },
    },
    outputs: {},
    method_name: 'tensorflow/serving/predict',
  });
  const said = (signatures: object) => ({
    model_spec: { name: 'm', signature_name: '', version: '1' },
    metadata: { signature_def: { signature_def: signatures } },
  });

  it('takes what one of the signatures takes, by rows and by columns', async () => {
    metadata = said({ serving_default: signature('DT_FLOAT', '-1', '2'), words: signature('DT_STRING', '-1') });
    const send = async (body: object) => (await post('/tf/v1/models/m:predict', body)).status;
    expect(
      await send({
        instances: [
          [1, 2],
          [3, 4],
        ],
      }),
    ).toBe(200);
    expect(await send({ instances: [{ x: [1, 2] }] })).toBe(200);
    expect(await send({ inputs: { x: [[1, 2]] } })).toBe(200);
    expect(await send({ inputs: ['a', 'b'] })).toBe(200);
    for (const wrong of [
      { instances: [[1, 2, 3]] },
      { inputs: { y: [[1, 2]] } },
      { inputs: [['a', 'b']] },
      { inputs: 1 },
    ])
      expect(await send(wrong)).toBe(403);
    expect(asked('/v1/models/m/metadata').length).toBe(1);
  });

  it('refuses examples, of which no signature says what they are made of', async () => {
    metadata = said({ serving_default: signature('DT_STRING', '-1') });
    expect((await post('/tf/v1/models/m:classify', { examples: [{ x: 1 }] })).status).toBe(403);
  });
});

interface Ended {
  readonly code: number;
  readonly details: string;
}

const unary = async (
  service: string,
  definition: ServiceDefinition,
  method: string,
  message: object,
): Promise<Ended> => {
  const headers = new Metadata();
  headers.set('authorization', `Bearer ${await world.idp.token('carol')}`);
  headers.set('sallyport-service', service);
  const { path, requestSerialize, responseDeserialize } = definition[method]!;
  return new Promise((resolve) => {
    const call = gateway.makeUnaryRequest(path, requestSerialize, responseDeserialize, message, headers, () => {});
    call.on('status', ({ code, details }) => resolve({ code, details }));
  });
};

describe('over gRPC', () => {
  const infer = (model_name: string, more: object = {}) =>
    unary('triton', INFERENCE, 'ModelInfer', {
      model_name,
      inputs: [{ name: 'text_input', datatype: 'BYTES', shape: ['1'], ...more }],
      raw_input_contents: [bytesTensor('hello')],
    });

  it('a KServe service takes what its model takes, and nothing else', async () => {
    expect((await infer('chat')).code).toBe(status.OK);
    const before = inference.requests.length;
    for (const more of [{ name: 'x' }, { datatype: 'UINT8' }, { shape: ['1', '1'] }]) {
      const { code, details } = await infer('chat', more);
      expect(code).toBe(status.PERMISSION_DENIED);
      expect(details).toContain('not what the model takes');
    }
    expect(inference.requests.length).toBe(before);
    expect(inference.described).toEqual(['chat']);
  });

  it('fails closed where the server does not know the model', async () => {
    const before = inference.requests.length;
    expect((await infer('unknown')).code).toBe(status.UNAVAILABLE);
    expect(inference.requests.length).toBe(before);
  });

  it('a TensorFlow Serving service takes what a signature takes, and nothing else', async () => {
    const predict = (more: object = {}, name = 'x') =>
      unary('tf', PREDICTION, 'Predict', {
        model_spec: { name: 'm' },
        inputs: {
          [name]: {
            dtype: 'DT_FLOAT',
            tensor_shape: { dim: [{ size: '1' }, { size: '2' }] },
            float_val: [1, 2],
            ...more,
          },
        },
      });
    expect((await predict()).code).toBe(status.OK);
    expect(predicted.length).toBe(1);
    expect((await predict({ dtype: 'DT_INT64' })).code).toBe(status.PERMISSION_DENIED);
    expect((await predict({ tensor_shape: { dim: [{ size: '2' }] } })).code).toBe(status.PERMISSION_DENIED);
    expect((await predict({ tensor_shape: { unknown_rank: true } })).code).toBe(status.PERMISSION_DENIED);
    expect((await predict({}, 'y')).code).toBe(status.PERMISSION_DENIED);
    expect((await unary('tf', PREDICTION, 'Classify', { model_spec: { name: 'm' } })).code).toBe(
      status.PERMISSION_DENIED,
    );
    expect(predicted.length).toBe(1);
  });
});
