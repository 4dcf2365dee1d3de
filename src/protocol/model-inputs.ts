/** What a model server says of the inputs of its models: how it is asked, and how its answers read. */

import type { InputSpec } from '../call.ts';
import { isObject, itemsOf, type JsonObject, member, stringMember } from './value.ts';

/** Inputs that belong together; a model of TensorFlow Serving has several such sets. */
export type InputSets = readonly (readonly InputSpec[])[];

/** How a server is asked over HTTP: a GET. */
export interface MetadataQuestion {
  readonly path: string;
  /** Returns what the answer says; no set where it does not say. */
  readonly read: (document: unknown) => InputSets;
}

/** How a server is asked over gRPC. */
export interface MetadataCall {
  readonly path: string;
  readonly message: Buffer;
  /** Returns what the answer says; no set where it does not say. Throws WireError. */
  readonly read: (message: Buffer) => InputSets;
}

/**
 * What there is to ask for an operation: how; `unseen` where it hands over data that no metadata describes; null where it
 * hands over none.
 */
export type Asking<Question> = Question | 'unseen' | null;

const isWhole = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value);

const kserveInput = (input: unknown): InputSpec | null => {
  const shape = member(input, 'shape');
  const name = stringMember(input, 'name');
  if (name === '' || !Array.isArray(shape) || !shape.every(isWhole)) return null;
  return { name, datatype: stringMember(input, 'datatype'), shape };
};

/** Returns the inputs in a document of KServe v2. (inference_rest.md, "Model Metadata JSON Response Object") */
export const kserveInputs = (document: unknown): InputSets => {
  const inputs = itemsOf(member(document, 'inputs')).map(kserveInput);
  const known = inputs.filter((input) => input !== null);
  return known.length === 0 || known.length < inputs.length ? [] : [known];
};

/** ProtoJSON writes 64-bit integers as strings. */
const sizeOf = (dim: unknown): number | null => {
  const size = member(dim, 'size') ?? 0;
  const whole = typeof size === 'string' && /^-?\d{1,15}$/.test(size) ? Number(size) : size;
  return isWhole(whole) ? whole : null;
};

const tensorInfo = (name: string, info: unknown): InputSpec | null => {
  const shape = member(info, 'tensor_shape');
  const dims = itemsOf(member(shape, 'dim')).map(sizeOf);
  const known = dims.filter((dim) => dim !== null);
  const isAny = shape === undefined || member(shape, 'unknown_rank') === true;
  if (!isAny && known.length < dims.length) return null;
  return { name, datatype: stringMember(info, 'dtype'), shape: isAny ? null : known };
};

const signatureInputs = (signature: unknown): readonly InputSpec[] => {
  const inputs = member(signature, 'inputs');
  if (!isObject(inputs)) return [];
  const known = Object.entries(inputs).map(([name, info]) => tensorInfo(name, info));
  const whole = known.filter((input) => input !== null);
  return whole.length < known.length ? [] : whole;
};

/** Returns the inputs of every signature in a document of TensorFlow Serving. (g3doc/api_rest.md, "Model Metadata API") */
export const tfservingInputs = (document: unknown): InputSets => {
  const metadata = member(member(member(document, 'metadata'), 'signature_def'), 'signature_def');
  const signatures: JsonObject = isObject(metadata) ? metadata : {};
  return Object.values(signatures)
    .map(signatureInputs)
    .filter(({ length }) => length > 0);
};
