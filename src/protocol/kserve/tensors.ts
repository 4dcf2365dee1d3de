/**
 * KServe v2: how the tensors of one document are described. (kserve/open-inference-protocol, inference_rest.md; Triton's
 * binary data and shared memory extensions)
 */

import type { Reason } from '../../reasons.ts';
import { badTensors, elementBytes, elementCount } from '../tensors.ts';
import { isObject, itemsOf, type JsonObject, member, stringMember } from '../value.ts';

/** Where the data of a tensor is. */
export type Place =
  /** In the document, or nowhere: a requested output. */
  | { readonly kind: 'document' }
  /** Behind the document, so many bytes. */
  | { readonly kind: 'binary'; readonly size: number }
  /** In shared memory, which no inspection sees. */
  | { readonly kind: 'shared'; readonly region: string; readonly offset: number; readonly size: number };

/** One tensor as its document describes it. */
export interface Described {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly place: Place;
}

const isSize = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

const isWhole = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value);

/**
 * Returns the shape. Of data in the document nothing hangs on it, and TorchServe's examples say -1 there; of any other
 * it says how much data there is.
 */
const shapeOf = (tensor: JsonObject, place: Place, reason: Reason): readonly number[] => {
  const { shape } = tensor;
  if (place.kind === 'document') return Array.isArray(shape) && shape.every(isWhole) ? shape : [];
  if (shape === undefined) return [];
  if (!Array.isArray(shape) || !shape.every(isSize)) throw badTensors(reason, 'a shape of whole numbers from 0');
  return shape;
};

const SHARED = ['shared_memory_region', 'shared_memory_offset', 'shared_memory_byte_size'] as const;

/** Returns where the data is. Two places at once would be two readings, so that is refused. */
const placeOf = (tensor: JsonObject, reason: Reason): Place => {
  const parameters = tensor['parameters'];
  const size = member(parameters, 'binary_data_size');
  const [region, offset = 0, bytes] = SHARED.map((name) => member(parameters, name));
  const isShared = SHARED.some((name) => member(parameters, name) !== undefined);
  const places = [tensor['data'] !== undefined, size !== undefined, isShared].filter(Boolean).length;
  if (places > 1) throw badTensors(reason, `the data of tensor in one place, found it in ${places}`);
  if (isShared) {
    if (typeof region !== 'string' || region === '' || !isSize(offset) || !isSize(bytes))
      throw badTensors(reason, 'a region of shared memory with an offset and a size');
    return { kind: 'shared', region, offset, size: bytes };
  }
  if (size === undefined) return { kind: 'document' };
  if (!isSize(size)) throw badTensors(reason, 'binary_data_size to be a whole number from 0');
  return { kind: 'binary', size };
};

const described = (tensor: unknown, reason: Reason): Described => {
  if (!isObject(tensor) || typeof tensor['name'] !== 'string') throw badTensors(reason, 'every tensor to have a name');
  const place = placeOf(tensor, reason);
  return {
    name: tensor['name'],
    datatype: stringMember(tensor, 'datatype'),
    shape: shapeOf(tensor, place, reason),
    place,
  };
};

/** Two tensors in the same bytes: which of them the server reads or writes first is nobody's to know. */
const checkOverlap = (tensors: readonly Described[], reason: Reason): void => {
  const shared = tensors.flatMap(({ place }) => (place.kind === 'shared' ? [place] : []));
  for (const [at, a] of shared.entries()) {
    const other = shared.slice(at + 1).find((b) => b.region === a.region && overlap(a, b));
    if (other !== undefined) throw badTensors(reason, 'tensors in shared memory that do not overlap');
  }
};

interface Range {
  readonly offset: number;
  readonly size: number;
}

const overlap = (a: Range, b: Range): boolean => a.offset < b.offset + b.size && b.offset < a.offset + a.size;

/** The most tensors of one document: a model has a few. */
const MOST = 4096;

/**
 * Returns the tensors under a member of a document (`inputs`, `outputs`). Throws Failure `reason` for a name that is
 * there twice, data in two places, and sizes that contradict type and shape.
 */
export const readTensors = (document: unknown, name: 'inputs' | 'outputs', reason: Reason): readonly Described[] => {
  const list = member(document, name);
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) throw badTensors(reason, `${name} to be a list`);
  if (list.length > MOST) throw badTensors(reason, `at most ${MOST} tensors`);
  const tensors = itemsOf(list).map((tensor) => described(tensor, reason));
  if (new Set(tensors.map((tensor) => tensor.name)).size !== tensors.length)
    throw badTensors(reason, `every tensor of ${name} to have a name of its own`);
  checkOverlap(tensors, reason);
  for (const { datatype, shape, place } of tensors) {
    const bytes = elementBytes(datatype);
    if (place.kind === 'document' || bytes === null) continue;
    if (place.size !== bytes * elementCount(shape))
      throw badTensors(
        reason,
        `${bytes * elementCount(shape)} bytes of ${datatype} for its shape, found ${place.size}`,
      );
  }
  return tensors;
};
