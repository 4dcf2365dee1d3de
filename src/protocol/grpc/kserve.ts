/** KServe v2 and Triton over gRPC: texts are the elements of BYTES tensors, in `contents` or raw, and string parameters. */

import type { JsonStep, RequestReading } from '../../call.ts';
import { editBytesTensor } from '../bytes-tensor.ts';
import {
  BIDI,
  builtIn,
  type Continued,
  type EditText,
  type GrpcMethod,
  operationOf,
  type RequestCodec,
  UNARY,
} from './codec.ts';
import { COMMON_METHODS } from './common.ts';
import { editText, type Places, plannedMethod, Reading } from './generic.ts';
import { INFER_ANSWER, INFER_REQUEST, PLAIN_METHODS, STREAM_ANSWER } from './kserve-plans.ts';
import { readEntry, readTensors, type TensorPlaces } from './kserve-tensors.ts';
import { askKserve } from './model-inputs.ts';
import { editLeaf } from './text.ts';
import { editMessage, type Leaf } from './protobuf-edit.ts';
import { FieldReader, WIRE } from './protobuf.ts';
import type { MessagePlan } from './protobuf-plan.ts';

const SERVICE = '/inference.GRPCInferenceService/';

/** One of the two inference messages. */
interface InferMessage {
  readonly plan: MessagePlan;
  readonly list: 'inputs' | 'outputs';
  readonly raw: 'raw_input_contents' | 'raw_output_contents';
  readonly places: TensorPlaces;
}

const PARAMETERS = 4;
const REQUEST: InferMessage = {
  plan: INFER_REQUEST,
  list: 'inputs',
  raw: 'raw_input_contents',
  places: { tensors: 5, raw: 7, requested: 6 },
};
const ANSWER: InferMessage = {
  plan: INFER_ANSWER,
  list: 'outputs',
  raw: 'raw_output_contents',
  places: { tensors: 5, raw: 6, requested: -1 },
};

/** Values that name something: the model, tensors, datatypes, keys of parameters. Text in their place counts as text. */
const NAMES: ReadonlySet<JsonStep> = new Set(['model_name', 'model_version', 'id', 'name', 'datatype', 'key']);
const INFER: Places = {
  isName: (path) => NAMES.has(path.at(-1) ?? ''),
  isModel: (path) => path.length === 1 && path[0] === 'model_name',
};
/** Requests about a model call it `name`, those to the repository `model_name`. */
const ABOUT: Places = {
  isName: INFER.isName,
  isModel: (path) => path.length === 1 && (path[0] === 'name' || path[0] === 'model_name'),
};
/** In requests about shared memory, `name` is a region. */
const isAboutMemory = (operation: string): boolean => operation.includes('shared_memory');

/** Datatypes whose raw contents are numbers (Open Inference Protocol "Tensor Data Types"; BF16 is Triton's). */
const NUMERIC = /^(?:BOOL|U?INT(?:8|16|32|64)|FP(?:16|32|64)|BF16)$/;

/** Sees every leaf of an inference message, elements of raw BYTES tensors among them, each with `bytes` of its own. */
function walk(bytes: Buffer, message: InferMessage, leaf: (leaf: Leaf) => Buffer | null): Buffer {
  const { tensors, ofRaw } = readTensors(bytes, message.places);
  return editMessage(bytes, message.plan, {
    leaf(found) {
      const [first, at] = found.path;
      if (first !== message.raw || typeof at !== 'number') return leaf(found);
      const datatype = tensors[ofRaw[at] ?? -1]?.datatype ?? '';
      if (NUMERIC.test(datatype)) return null;
      if (datatype !== 'BYTES') return leaf({ ...found, kind: 'unknown' });
      const edited = editBytesTensor(found.bytes, (element, index) =>
        leaf({ kind: 'bytes', path: [first, at, index], bytes: element }),
      );
      return edited === found.bytes ? null : edited;
    },
  });
}

const editInfer = (bytes: Buffer, message: InferMessage, edit: EditText): Buffer => {
  const { tensors, ofRaw } = readTensors(bytes, message.places);
  const tensorAt = ([first, at]: readonly JsonStep[]): string => {
    if (typeof at !== 'number') return '';
    if (first === message.raw) return tensors[ofRaw[at] ?? -1]?.name ?? '';
    return first === message.list ? (tensors[at]?.name ?? '') : '';
  };
  return walk(bytes, message, (leaf) => editText(leaf, INFER, (text, path) => edit(text, path, tensorAt(path))));
};

const inferRequest: RequestCodec = {
  edit: (bytes, edit) => editInfer(bytes, REQUEST, edit),
  read(bytes): RequestReading {
    const reading = new Reading(INFER);
    walk(bytes, REQUEST, (leaf) => reading.leaf(leaf));
    const { tensors, regions } = readTensors(bytes, REQUEST.places);
    for (const { key, number } of parametersOf(bytes)) reading.limit(key, number);
    return { ...reading.done(), tensors: [...tensors, ...regions] };
  },
};

/** Yields the whole numbers among the parameters of a request. */
function* parametersOf(bytes: Buffer): Generator<{ readonly key: string; readonly number: bigint }> {
  const reader = new FieldReader(bytes);
  while (reader.next()) {
    if (reader.no !== PARAMETERS || reader.wire !== WIRE.length) continue;
    const { key, value } = readEntry(reader.value());
    const parameter = new FieldReader(value);
    while (parameter.next()) if (parameter.wire === WIRE.varint) yield { key, number: parameter.integer() };
  }
}

const infer: GrpcMethod = {
  operation: operationOf('infer'),
  streams: UNARY,
  request: inferRequest,
  metadata: askKserve,
  answer: { edit: (bytes, edit) => editInfer(bytes, ANSWER, edit) },
};

/** Model servers that say an answer piece by piece name the request in each piece; Triton says which is the last. */
const continued: Continued = {
  part: (message) => word(responseIn(message), ID),
  isLast(message) {
    const response = responseIn(message);
    // an error is told whole
    if (response.length === 0) return true;
    for (const { key, number } of parametersOf(response)) if (key === 'triton_final_response') return number === 1n;
    return false;
  },
};

const ID = 3;
const INFER_RESPONSE = 2;

/** Returns true for an answer without its envelope: MLServer's streams carry ModelInferResponse itself (dataplane.proto). */
function isBare(message: Buffer): boolean {
  const reader = new FieldReader(message);
  while (reader.next()) if (reader.no > INFER_RESPONSE) return true;
  return false;
}

/** Returns what an answer of a stream carries; empty for an error. */
function responseIn(message: Buffer): Buffer {
  if (isBare(message)) return message;
  const reader = new FieldReader(message);
  while (reader.next()) if (reader.no === INFER_RESPONSE && reader.wire === WIRE.length) return reader.value();
  return message.subarray(0, 0);
}

function word(message: Buffer, no: number): string {
  const reader = new FieldReader(message);
  while (reader.next()) if (reader.no === no && reader.wire === WIRE.length) return reader.value().toString();
  return '';
}

const inferStream: GrpcMethod = {
  ...infer,
  operation: operationOf('infer_stream'),
  streams: BIDI,
  answer: {
    continued,
    edit(bytes, edit) {
      if (isBare(bytes)) return editInfer(bytes, ANSWER, edit);
      return editMessage(bytes, STREAM_ANSWER, {
        leaf(leaf) {
          if (leaf.path[0] !== 'infer_response') return editLeaf(leaf, (text) => edit(text, leaf.path, ''));
          const edited = editInfer(leaf.bytes, ANSWER, (text, path, tensor) =>
            edit(text, ['infer_response', ...path], tensor),
          );
          return edited === leaf.bytes ? null : edited;
        },
      });
    },
  },
};

const METHODS: ReadonlyMap<string, GrpcMethod> = new Map([
  ...COMMON_METHODS,
  [`${SERVICE}ModelInfer`, infer],
  [`${SERVICE}ModelStreamInfer`, inferStream],
  ...Object.entries(PLAIN_METHODS).map(([name, { operation, request, answer, management }]): [string, GrpcMethod] => [
    SERVICE + name,
    plannedMethod(operation, UNARY, request, answer, {
      management: management === true,
      places: isAboutMemory(operation) ? INFER : ABOUT,
    }),
  ]),
]);

/** The codec of KServe v2 and Triton. */
export const kserveGrpc = builtIn(METHODS);
