/** TensorFlow Serving over gRPC: texts are the strings of tensors (`string_val`) and of examples (`bytes_list`). */

import type { JsonStep, Tensor } from '../../call.ts';
import { builtIn, type EditText, type GrpcMethod, operationOf, SERVER_STREAM, UNARY } from './codec.ts';
import { COMMON_METHODS } from './common.ts';
import { editText, type IsPlace, type Places, plannedMethod, Reading } from './generic.ts';
import {
  CLASSIFY_ANSWER,
  EXAMPLES_REQUEST,
  METADATA_ANSWER,
  METADATA_REQUEST,
  MULTI_ANSWER,
  MULTI_REQUEST,
  PREDICT_ANSWER,
  PREDICT_REQUEST,
  REGRESS_ANSWER,
  RELOAD_ANSWER,
  RELOAD_REQUEST,
  STATUS_ANSWER,
  STATUS_REQUEST,
} from './tfserving-plans.ts';
import { readEntry } from './kserve-tensors.ts';
import { askTfserving } from './model-inputs.ts';
import { datatypeName, readShape } from './tfserving-types.ts';
import { FieldReader, WIRE, WireError } from './protobuf.ts';
import { editMessage } from './protobuf-edit.ts';
import type { MessagePlan } from './protobuf-plan.ts';

const STRING = 'DT_STRING';
/** No model takes a tensor without sizes of its own. */
const UNKNOWN_RANK: readonly number[] = [-1];

/** Names of the model and its signature, of tensors, features and methods. */
const NAMES: ReadonlySet<JsonStep> = new Set(['key', 'method_name', 'signature_name', 'version_label']);
const PLACES: Places = {
  isName: (path) => NAMES.has(path.at(-1) ?? '') || path[0] === 'output_filter' || PLACES.isModel(path),
  // MultiInference names the model in every task, and it must be the same one
  isModel: (path) => path.at(-1) === 'name' && path.at(-2) === 'model_spec',
};
/** Numbers in serialized form are no text, whatever their bytes look like. */
const isNumbers: IsPlace = (path) => path.at(-1) === 'tensor_content';

/** Yields the tensors of a map field. Throws WireError for a string tensor in serialized form: only TensorFlow reads it. */
function* tensorsOf(message: Buffer, field: number): Generator<Tensor> {
  const reader = new FieldReader(message);
  while (reader.next()) {
    if (reader.no !== field || reader.wire !== WIRE.length) continue;
    const { key, value } = readEntry(reader.value());
    yield readTensor(key, value);
  }
}

function readTensor(name: string, bytes: Buffer): Tensor {
  let datatype = 'DT_INVALID';
  let shape: readonly number[] = [];
  let size = 0;
  let serialized = false;
  const reader = new FieldReader(bytes);
  while (reader.next()) {
    if (reader.no === 1) datatype = datatypeName(reader.integer());
    else if (reader.no === 2) shape = readShape(reader.value()) ?? UNKNOWN_RANK;
    else if (reader.no !== 3) size += reader.to - reader.from;
    if (reader.no === 4 && reader.to > reader.from) serialized = true;
  }
  if (serialized && datatype === STRING) throw new WireError('strings of a tensor in string_val');
  return { name, datatype, shape, bytes: size, region: '' };
}

/** Where a message keeps its tensors: a map by their names. */
interface TensorMap {
  readonly field: number;
  readonly name: 'inputs' | 'outputs';
}

/** Edits texts, and no numbers. Throws WireError for a tensor that nobody can look into. */
const editTexts = (bytes: Buffer, plan: MessagePlan, { field, name }: TensorMap, edit: EditText): Buffer => {
  const names = Array.from(tensorsOf(bytes, field), (tensor) => tensor.name);
  const tensorAt = ([first, at]: readonly JsonStep[]): string =>
    first === name && typeof at === 'number' ? (names[at] ?? '') : '';
  return editMessage(bytes, plan, {
    leaf: (leaf) =>
      isNumbers(leaf.path) ? null : editText(leaf, PLACES, (text, path) => edit(text, path, tensorAt(path))),
  });
};

const INPUTS: TensorMap = { field: 2, name: 'inputs' };
const OUTPUTS: TensorMap = { field: 1, name: 'outputs' };

const predict: GrpcMethod = {
  operation: operationOf('predict'),
  streams: UNARY,
  request: {
    edit: (bytes, edit) => editTexts(bytes, PREDICT_REQUEST, INPUTS, edit),
    read(bytes) {
      const tensors = [...tensorsOf(bytes, INPUTS.field)];
      const reading = new Reading(PLACES);
      editMessage(bytes, PREDICT_REQUEST, { leaf: (leaf) => (isNumbers(leaf.path) ? null : reading.leaf(leaf)) });
      return { ...reading.done(), tensors };
    },
  },
  answer: { edit: (bytes, edit) => editTexts(bytes, PREDICT_ANSWER, OUTPUTS, edit) },
  metadata: askTfserving,
};

/** One request, whose answer comes piece by piece. */
const predictStream: GrpcMethod = {
  ...predict,
  operation: operationOf('predict.stream'),
  streams: SERVER_STREAM,
  answer: { ...predict.answer, continued: { part: () => '', isLast: () => false } },
};

const asking = (operation: string, request: MessagePlan, answer: MessagePlan): GrpcMethod =>
  plannedMethod(operation, UNARY, request, answer, { places: PLACES });

/** What examples are made of, no signature says. */
const unseen = (method: GrpcMethod): GrpcMethod => ({ ...method, metadata: () => 'unseen' });

const PREDICTION = '/tensorflow.serving.PredictionService/';
const MODEL = '/tensorflow.serving.ModelService/';

const METHODS: ReadonlyMap<string, GrpcMethod> = new Map([
  ...COMMON_METHODS,
  [`${PREDICTION}Predict`, predict],
  [`${PREDICTION}PredictStreamed`, predictStream],
  [`${PREDICTION}Classify`, unseen(asking('classify', EXAMPLES_REQUEST, CLASSIFY_ANSWER))],
  [`${PREDICTION}Regress`, unseen(asking('regress', EXAMPLES_REQUEST, REGRESS_ANSWER))],
  [`${PREDICTION}MultiInference`, unseen(asking('multi_inference', MULTI_REQUEST, MULTI_ANSWER))],
  [`${PREDICTION}GetModelMetadata`, asking('model.metadata', METADATA_REQUEST, METADATA_ANSWER)],
  [`${MODEL}GetModelStatus`, asking('model.status', STATUS_REQUEST, STATUS_ANSWER)],
  [
    `${MODEL}HandleReloadConfigRequest`,
    plannedMethod('model.reload', UNARY, RELOAD_REQUEST, RELOAD_ANSWER, { management: true }),
  ],
]);

/** The codec of TensorFlow Serving. */
export const tfservingGrpc = builtIn(METHODS);
