/** KServe v2 and Triton's generate: what a request says. */

import type { JsonStep, RequestReading, Tensor, Text } from '../../call.ts';
import { Failure } from '../../reasons.ts';
import { isBase64, textsInBytes } from '../bytes-text.ts';
import type { Operation, StringKind } from '../codec.ts';
import type { Binary } from './binary.ts';
import { type Described, readTensors } from './tensors.ts';
import { finiteNumber, flag, outputLimit } from '../numbers.ts';
import { looksLikeData } from '../strings.ts';
import { elementBytes } from '../tensors.ts';
import { collectTexts, type TextRules } from '../texts.ts';
import { isObject, itemsOf, type JsonObject, member, stringMember, valueAt } from '../value.ts';

/** Members of a document, and of one of its tensors, that name something. */
const NAMES: ReadonlySet<JsonStep> = new Set(['id', 'model_name', 'model_version']);
const TENSOR_NAMES: ReadonlySet<JsonStep> = new Set(['name', 'datatype']);

const isList = (step: JsonStep | undefined): boolean => step === 'inputs' || step === 'outputs';

/** MLServer decodes the strings of a tensor that calls its content base64. */
const isBase64Tensor = (path: readonly JsonStep[], document: unknown): boolean => {
  const tensor = valueAt(document, path, 2);
  const own = stringMember(member(tensor, 'parameters'), 'content_type');
  return (own || stringMember(member(document, 'parameters'), 'content_type')) === 'base64';
};

/** Returns what the string at this place of a request or an answer is. */
export const kserveKind = (
  { name }: Operation,
  path: readonly JsonStep[],
  text: string,
  document: unknown,
): StringKind => {
  const [first, at, third, fourth] = path;
  if (name === 'repository.load' && first === 'parameters') {
    if (at === 'config') return 'json';
    return typeof at === 'string' && at.startsWith('file:') && looksLikeData(text) ? 'data' : 'json';
  }
  if (path.length === 1 && first !== undefined && NAMES.has(first)) return looksLikeData(text) ? 'data' : 'text';
  // a model may take JSON in a string: then what its own strings say is said
  if (!isList(first)) return 'json';
  if (third !== undefined && TENSOR_NAMES.has(third) && path.length === 3) return looksLikeData(text) ? 'data' : 'text';
  if (third === 'parameters' && fourth === 'shared_memory_region') return looksLikeData(text) ? 'data' : 'text';
  if (third === 'data' && isBase64(text) && isBase64Tensor(path, document)) return 'base64';
  return 'json';
};

const rulesFor = (operation: Operation): TextRules => ({
  kind: (path, text, document) => kserveKind(operation, path, text, document),
  role: () => '',
  attachment: () => null,
  holdsTokenIds: ([first]) => first === 'input_ids',
});

const objectOf = (value: unknown): JsonObject => {
  if (isObject(value)) return value;
  throw new Failure('body-unreadable', 'expected an object', { detail: 'Expected a JSON object.' });
};

/** Bytes of the data that stands in the document: of strings their UTF-8, of numbers what they take in binary. */
const dataBytes = (tensor: unknown, { datatype }: Described): number => {
  const data = member(tensor, 'data');
  if (data === undefined) return 0;
  const each = elementBytes(datatype);
  return each === null ? stringBytes(data) : each * elementsIn(data);
};

const elementsIn = (data: unknown): number =>
  Array.isArray(data) ? itemsOf(data).reduce<number>((sum, item) => sum + elementsIn(item), 0) : 1;

const stringBytes = (data: unknown): number => {
  if (typeof data === 'string') return Buffer.byteLength(data);
  return itemsOf(data).reduce<number>((sum, item) => sum + stringBytes(item), 0);
};

const factOf = ({ name, datatype, shape, place }: Described, bytes: number): Tensor => ({
  name,
  datatype,
  shape,
  bytes,
  region: place.kind === 'shared' ? place.region : '',
});

const isShared = ({ place }: Described): boolean => place.kind === 'shared';

/** Inputs, and those outputs that the server is to write where nobody sees them. */
const tensorsOf = (document: unknown, inputs: readonly Described[]): readonly Tensor[] => {
  const given = itemsOf(member(document, 'inputs'));
  const outputs = readTensors(document, 'outputs', 'body-unreadable').filter(isShared);
  return [
    ...inputs.map((input, at) =>
      factOf(input, input.place.kind === 'document' ? dataBytes(given[at], input) : input.place.size),
    ),
    ...outputs.map((output) => factOf(output, output.place.kind === 'shared' ? output.place.size : 0)),
  ];
};

const NOT_SAID = { n: 1, tools: [], images: 0, audios: 0 } as const;

/** Returns what a request for inference says; `binary` is what stands behind its document, null for nothing. */
export const readInfer = (operation: Operation, value: unknown, binary: Binary | null): RequestReading => {
  const body = objectOf(value);
  const inputs = binary?.tensors ?? readTensors(body, 'inputs', 'body-unreadable');
  if (binary === null && inputs.some(({ place }) => place.kind === 'binary'))
    throw new Failure('body-unreadable', 'expected the length of the document', {
      detail: 'Tensors in binary need the header Inference-Header-Content-Length.',
    });
  const collected = collectTexts(body, rulesFor(operation));
  const elements = textsOf(binary);
  const tensors = tensorsOf(body, inputs);
  return {
    ...NOT_SAID,
    model: '',
    stream: operation.name === 'infer_stream',
    maxTokens: null,
    temperature: null,
    texts: [...collected.texts, ...elements.texts],
    tensors,
    files: elements.binaries,
    tokenIds: collected.tokenIds,
    unseen: tensors.some(({ region }) => region !== ''),
  };
};

/** Texts of BYTES behind the document, and how many of its elements are no text as a whole. */
const textsOf = (binary: Binary | null): { readonly texts: readonly Text[]; readonly binaries: number } => {
  const texts: Text[] = [];
  let binaries = 0;
  for (const { at, elements } of binary?.sections ?? [])
    for (const [index, element] of (elements ?? []).entries()) {
      const found = textsInBytes(element);
      if (element.length > 0 && found[0]?.length !== element.toString('utf8').length) binaries++;
      for (const text of found) texts.push({ path: ['inputs', at, 'data', index], text, role: '' });
    }
  return { texts, binaries };
};

/** Returns what a request to generate says: `text_input`, and whatever its model takes beside it. */
export const readGenerate = (operation: Operation, value: unknown): RequestReading => {
  const body = objectOf(value);
  const parameters = member(body, 'parameters');
  const settings = [body, ...(isObject(parameters) ? [parameters] : [])];
  const limits = settings.map(outputLimit).filter((limit) => limit !== null);
  // MLServer takes the document of an inference here.
  const isInfer = itemsOf(body['inputs']).some(isObject);
  const tensors = isInfer ? readInfer(operation, body, null) : null;
  const heat = settings.map((holder) => finiteNumber(holder, 'temperature')).find((found) => found !== null);
  return {
    ...NOT_SAID,
    model: '',
    stream: operation.name === 'generate_stream' || settings.some((holder) => flag(holder, 'stream')),
    maxTokens: limits.length === 0 ? null : Math.max(...limits),
    temperature: heat ?? null,
    tensors: tensors?.tensors ?? [],
    unseen: tensors?.unseen === true,
    ...collectTexts(body, rulesFor(operation)),
  };
};

/** Returns what any other request says: all its strings are texts. */
export const readManagement = (operation: Operation, value: unknown): RequestReading => ({
  ...NOT_SAID,
  model: '',
  stream: false,
  maxTokens: null,
  temperature: null,
  ...collectTexts(value, rulesFor(operation)),
});
