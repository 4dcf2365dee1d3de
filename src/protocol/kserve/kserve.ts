/**
 * KServe v2, the Open Inference Protocol, over REST: inference with tensors in JSON or binary, Triton's and MLServer's
 * generation and streams, and what manages the server. (kserve/open-inference-protocol, inference_rest.md and
 * generate_rest.yaml; triton-inference-server/server, docs/protocol)
 */

import { type Codec, type Operation, PROBLEM_JSON, type Refusal } from '../codec.ts';
import { type Content, jsonContent, type RawBody } from '../content.ts';
import { headField } from '../head-field.ts';
import { readJson } from '../json/json.ts';
import { binaryContent, HEADER_LENGTH, readBinary } from './binary.ts';
import { kserveKind, readGenerate, readInfer, readManagement } from './request.ts';
import { kserveStream } from './stream.ts';
import { kserveInputs } from '../model-inputs.ts';
import { compileOperations, type Row } from '../operations.ts';
import { sse } from '../framing/sse.ts';
import { badTensors } from '../tensors.ts';

/** A row for the model, and one for a version of it. */
const ofModel = (row: Omit<Row, 'path'>, rest: string): readonly Row[] => [
  { ...row, path: `/v2/models/{model}${rest}` },
  { ...row, path: `/v2/models/{model}/versions/{version}${rest}` },
];

const post = (name: string) => ({ name, method: 'POST', body: 'json' }) as const;
const get = (name: string) => ({ name, method: 'GET', body: 'none' }) as const;
const managing = { management: true } as const;

/** Regions of system and of CUDA memory: whoever registers one hands data past every inspection. */
const memory = (kind: 'system' | 'cuda'): readonly Row[] => {
  const at = `/v2/${kind}sharedmemory`;
  const name = `${kind}_shared_memory`;
  return [
    { ...get(`${name}.status`), ...managing, path: `${at}/status` },
    { ...get(`${name}.status`), ...managing, path: `${at}/region/{region}/status` },
    { ...post(`${name}.register`), ...managing, path: `${at}/region/{region}/register` },
    { ...post(`${name}.unregister`), ...managing, body: 'optional', path: `${at}/unregister` },
    { ...post(`${name}.unregister`), ...managing, body: 'optional', path: `${at}/region/{region}/unregister` },
  ];
};

const OPERATIONS: readonly Row[] = [
  ...ofModel(post('infer'), '/infer'),
  ...ofModel(post('infer_stream'), '/infer_stream'),
  ...ofModel(post('generate'), '/generate'),
  ...ofModel(post('generate_stream'), '/generate_stream'),
  { ...get('health.live'), path: '/v2/health/live' },
  { ...get('health.ready'), path: '/v2/health/ready' },
  ...ofModel(get('model.ready'), '/ready'),
  { ...get('server.metadata'), path: '/v2' },
  { ...get('models.list'), path: '/v2/models' },
  ...ofModel(get('model.metadata'), ''),
  ...ofModel({ ...get('model.config'), ...managing }, '/config'),
  { ...get('statistics'), ...managing, path: '/v2/models/stats' },
  ...ofModel({ ...get('statistics'), ...managing }, '/stats'),
  { ...post('repository.index'), ...managing, body: 'optional', path: '/v2/repository/index' },
  { ...post('repository.load'), ...managing, body: 'optional', path: '/v2/repository/models/{model}/load' },
  { ...post('repository.unload'), ...managing, body: 'optional', path: '/v2/repository/models/{model}/unload' },
  { ...get('trace.get'), ...managing, path: '/v2/trace/setting' },
  { ...post('trace.set'), ...managing, body: 'optional', path: '/v2/trace/setting' },
  { ...get('trace.get'), ...managing, path: '/v2/models/{model}/trace/setting' },
  { ...post('trace.set'), ...managing, body: 'optional', path: '/v2/models/{model}/trace/setting' },
  { ...get('logging.get'), ...managing, path: '/v2/logging' },
  { ...post('logging.set'), ...managing, path: '/v2/logging' },
  ...memory('system'),
  ...memory('cuda'),
];
const operation = compileOperations(OPERATIONS);

const isInfer = ({ name }: Operation): boolean => name === 'infer' || name === 'infer_stream';
const isGenerate = ({ name }: Operation): boolean => name === 'generate' || name === 'generate_stream';

/** Model servers of this family read JSON whatever the request calls it, and so does this: there is no other reading. */
const content = (operation: Operation, { bytes, rawHeaders }: RawBody): Content => {
  const line = headField(rawHeaders, HEADER_LENGTH, 'body-unreadable');
  if (line === null) {
    const document = readJson(bytes, 'body-unreadable', { loneSurrogates: 'refuse', nonFinite: true });
    const reading = kserve.request(operation, document.value);
    return jsonContent(operation, document, [{ operation, document: document.value, reading }]);
  }
  if (!isInfer(operation)) throw badTensors('body-unreadable', `no ${HEADER_LENGTH} with ${operation.name}`);
  const binary = readBinary(bytes, line, 'inputs', { reason: 'body-unreadable', nonFinite: true });
  const reading = readInfer(operation, binary.document.value, binary);
  return binaryContent(binary, 'inputs', operation, [{ operation, document: binary.document.value, reading }]);
};

/** The clients of this family show their users this one string. */
const errorOf = ({ title, detail, reason, session }: Refusal): string =>
  `${title}${detail === '' ? '' : ` ${detail}`} (${reason}${session === '' ? '' : `, session ${session}`})`;

/** The codec of KServe v2 as KServe, Triton and MLServer serve it. */
export const kserve: Codec = {
  protocol: 'kserve',
  about: {
    title: 'KServe v2 (Open Inference Protocol) over REST, with the extensions of Triton and MLServer',
    operations: OPERATIONS,
    model: 'the path',
    reads:
      'every string of a document; BYTES tensors element by element, in JSON and in binary; text and other tensors of generate; lengths are set right after an edit',
    limits:
      'numbers in tensors, which are described in `call.tensors`; elements of BYTES that are no UTF-8 are searched for longer runs of ASCII and counted as files; tensors in shared memory are refused unless the service says `opaque: allow`; compressed bodies are refused',
    clients: [
      { name: 'tritonclient.http (Python)', url: 'HOST/NAME', token: '`headers={"Authorization": "Bearer TOKEN"}`' },
      {
        name: 'kserve InferenceRESTClient (Python)',
        url: 'http://HOST/NAME',
        token: '`headers={"Authorization": "Bearer TOKEN"}`',
      },
    ],
    witness: {
      kind: 'proven',
      by: ['tritonclient and kserve (Python) against MLServer', "the examples of Triton's docs/protocol"],
    },
  },
  operation,
  request(operation: Operation, value) {
    if (isInfer(operation)) return readInfer(operation, value, null);
    return isGenerate(operation) ? readGenerate(operation, value) : readManagement(operation, value);
  },
  content,
  nonFinite: true,
  answerContent(operation, rawHeaders) {
    const line = headField(rawHeaders, HEADER_LENGTH, 'answer-unreadable');
    if (line === null) return null;
    return (bytes) => {
      const binary = readBinary(bytes, line, 'outputs', { reason: 'answer-unreadable', nonFinite: true });
      return binaryContent(binary, 'outputs', operation, []);
    };
  },
  metadata(operation, path) {
    if (isGenerate(operation)) return 'unseen';
    if (!isInfer(operation)) return null;
    return { path: path.slice(0, path.lastIndexOf('/')), read: kserveInputs };
  },
  usage: () => null,
  kind: kserveKind,
  leaks: () => false,
  framings: () => [sse],
  counts: () => '',
  refusalType: () => PROBLEM_JSON,
  stream: ({ name }) => (name === 'generate_stream' || name === 'infer_stream' ? kserveStream() : null),
  refusal: (refusal) => ({ error: errorOf(refusal) }),
  streamFailure: (refusal) => ({ event: '', value: { error: errorOf(refusal) } }),
};
