/**
 * TensorFlow Serving over REST, and KServe v1, which is like it: predict, classify, regress, explain.
 * (tensorflow/serving, g3doc/api_rest.md; KServe, "V1 Inference Protocol")
 */

import type { JsonStep, RequestReading, Tensor } from '../call.ts';
import { Failure } from '../reasons.ts';
import { isBase64 } from './bytes-text.ts';
import { type Codec, type Operation, PROBLEM_JSON, type Refusal, type StringKind } from './codec.ts';
import { alwaysJson } from './free-body.ts';
import { tfservingInputs } from './model-inputs.ts';
import { compileOperations, type Row } from './operations.ts';
import { collectTexts, type TextRules } from './texts.ts';
import { isObject, itemsOf, type JsonObject } from './value.ts';

/** A row for the model, one for a version of it, one for a label. */
const ofModel = (name: string, method: string, rest: string, body: Row['body']): readonly Row[] =>
  ['', '/versions/{version}', '/labels/{label}'].map((of) => ({
    name,
    method,
    path: `/v1/models/{model}${of}${rest}`,
    body,
  }));

const OPERATIONS: readonly Row[] = [
  ...ofModel('predict', 'POST', ':predict', 'json'),
  ...ofModel('classify', 'POST', ':classify', 'json'),
  ...ofModel('regress', 'POST', ':regress', 'json'),
  ...ofModel('explain', 'POST', ':explain', 'json'),
  ...ofModel('model.metadata', 'GET', '/metadata', 'none'),
  { name: 'models.list', method: 'GET', path: '/v1/models', body: 'none' },
  ...ofModel('model.status', 'GET', '', 'none'),
  { name: 'health.live', method: 'GET', path: '/', body: 'none' },
  { name: 'metrics', method: 'GET', path: '/monitoring/prometheus/metrics', body: 'none', management: true },
];

const operation = compileOperations(OPERATIONS);

/** `{"b64": …}` stands for bytes, in requests and in answers ("Encoding binary values"). */
const kind = (_: Operation, path: readonly JsonStep[], text: string): StringKind =>
  path.at(-1) === 'b64' && isBase64(text) ? 'base64' : 'json';

const RULES: TextRules = {
  kind: (path, text) => kind({ name: '', body: 'json' }, path, text),
  role: () => '',
  attachment: () => null,
  holdsTokenIds: () => false,
};

/** The first value at the bottom of nested lists: all others are like it, or the server refuses them. */
const leafOf = (value: unknown): unknown => (Array.isArray(value) ? leafOf(itemsOf(value)[0]) : value);

const shapeOf = (value: unknown): readonly number[] =>
  Array.isArray(value) ? [value.length, ...shapeOf(itemsOf(value)[0])] : [];

const datatypeOf = (leaf: unknown): string => {
  if (typeof leaf === 'string' || isObject(leaf)) return 'DT_STRING';
  if (typeof leaf === 'boolean') return 'DT_BOOL';
  return '';
};

/** Bytes of strings; of numbers, nothing says how many each takes. */
const bytesOf = (value: unknown): number => {
  if (typeof value === 'string') return Buffer.byteLength(value);
  const inner = isObject(value) ? Object.values(value) : itemsOf(value);
  return inner.reduce<number>((sum, item) => sum + bytesOf(item), 0);
};

const tensorOf = (name: string, value: unknown): Tensor => ({
  name,
  datatype: datatypeOf(leafOf(value)),
  shape: shapeOf(value),
  bytes: bytesOf(value),
  region: '',
});

const isNamed = (value: unknown): value is JsonObject => isObject(value) && !Object.hasOwn(value, 'b64');

/** Rows of named values, turned into a tensor for each name. */
const columnsOf = (rows: readonly unknown[]): readonly Tensor[] => {
  const columns = new Map<string, unknown[]>();
  for (const row of rows)
    if (isNamed(row))
      for (const name in row) {
        const column = columns.get(name);
        if (column === undefined) columns.set(name, [row[name]]);
        else column.push(row[name]);
      }
  return [...columns].map(([name, values]) => tensorOf(name, values));
};

const tensorsOf = (body: JsonObject): readonly Tensor[] => {
  const { inputs } = body;
  if (isNamed(inputs)) return Object.entries(inputs).map(([name, value]) => tensorOf(name, value));
  if (inputs !== undefined) return [tensorOf('', inputs)];
  const rows = body['instances'] ?? body['examples'];
  if (rows === undefined) return [];
  return itemsOf(rows).some(isNamed) ? columnsOf(itemsOf(rows)) : [tensorOf('', rows)];
};

const read = (value: unknown): RequestReading => {
  if (!isObject(value))
    throw new Failure('body-unreadable', 'expected an object', { detail: 'Expected a JSON object.' });
  // either of them, but not both: which one counts would be the server's to choose
  if (value['instances'] !== undefined && value['inputs'] !== undefined)
    throw new Failure('body-unreadable', 'expected instances or inputs, found both', {
      detail: 'Expected instances or inputs, found both.',
    });
  return {
    model: '',
    stream: false,
    maxTokens: null,
    n: 1,
    temperature: null,
    tools: [],
    tensors: tensorsOf(value),
    ...collectTexts(value, RULES),
  };
};

const errorOf = ({ title, detail, reason, session }: Refusal): string =>
  `${title}${detail === '' ? '' : ` ${detail}`} (${reason}${session === '' ? '' : `, session ${session}`})`;

/** The codec of TensorFlow Serving and of KServe v1. */
export const tfserving: Codec = {
  protocol: 'tfserving',
  about: {
    title: 'TensorFlow Serving and KServe v1 over REST',
    operations: OPERATIONS,
    model: 'the path',
    reads: 'every string of a document; `{"b64": …}` is decoded, masked and encoded again where it holds text',
    limits:
      'numbers; NaN and infinities are read and pass as they are spelled; tensors are described in `call.tensors`',
    clients: [
      {
        name: 'curl, requests',
        url: 'http://HOST/NAME/v1/models/MODEL:predict',
        token: '`Authorization: Bearer TOKEN`',
      },
      {
        name: 'kserve InferenceRESTClient (protocol v1)',
        url: 'http://HOST/NAME',
        token: '`headers={"Authorization": "Bearer TOKEN"}`',
      },
    ],
    witness: {
      kind: 'proven',
      by: [
        'predict and regress: the examples of tensorflow/serving, g3doc/api_rest.md; no server of it was run',
        'predict of KServe v1: kserve (Python), client and server',
      ],
    },
  },
  operation,
  request: (_, value) => read(value),
  content: (operation, body) =>
    operation.body === 'json' ? alwaysJson({ operation, nonFinite: true, read }, body) : null,
  nonFinite: true,
  metadata({ name, body }, path) {
    // what examples are made of, and what explains, no signature says
    if (name !== 'predict') return body === 'json' ? 'unseen' : null;
    return { path: `${path.slice(0, path.lastIndexOf(':'))}/metadata`, read: tfservingInputs };
  },
  usage: () => null,
  kind,
  leaks: () => false,
  framings: () => [],
  counts: () => '',
  stream: () => null,
  refusalType: () => PROBLEM_JSON,
  refusal: (refusal) => ({ error: errorOf(refusal) }),
  streamFailure: (refusal) => ({ event: '', value: { error: errorOf(refusal) } }),
};
