/** Tensors of the Open Inference Protocol: how large their data is, and the elements of BYTES. */

import { Failure, type Reason } from '../reasons.ts';
import { MOST_ELEMENTS } from './bytes-tensor.ts';

/** Bytes of one element; BYTES elements say their own length. (kserve/open-inference-protocol, "Tensor Data Types") */
const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  BF16: 2,
  FP32: 4,
  FP64: 8,
};

/** Returns the bytes of one element, null for BYTES and for types that nobody knows. */
export const elementBytes = (datatype: string): number | null =>
  Object.hasOwn(ELEMENT_BYTES, datatype) ? (ELEMENT_BYTES[datatype] ?? null) : null;

/** Returns how many elements a tensor of this shape has. Beyond 2^53 the number is not exact, and no body is as large. */
export const elementCount = (shape: readonly number[]): number => shape.reduce((count, size) => count * size, 1);

const LENGTH_BYTES = 4;

/** Returns the error for tensors that are not what they say. */
export const badTensors = (reason: Reason, expected: string): Failure =>
  new Failure(reason, `expected ${expected}`, { detail: `Expected ${expected}.` });

/**
 * Returns the elements of a BYTES tensor: each is its length, four bytes little-endian, and so many bytes. Throws
 * Failure `reason` when a length runs over the end, or the elements are not `count`, or more than MOST_ELEMENTS.
 */
export const bytesElements = (data: Buffer, count: number, reason: Reason): readonly Buffer[] => {
  const elements: Buffer[] = [];
  if (count > MOST_ELEMENTS) throw badTensors(reason, `at most ${MOST_ELEMENTS} elements of BYTES`);
  for (let at = 0; at < data.length; ) {
    const from = at + LENGTH_BYTES;
    const end = from > data.length ? Number.POSITIVE_INFINITY : from + data.readUInt32LE(at);
    if (end > data.length) throw badTensors(reason, 'elements of BYTES that end within their tensor');
    if (elements.length === count) throw badTensors(reason, `${count} elements, found more`);
    elements.push(data.subarray(from, end));
    at = end;
  }
  if (elements.length !== count) throw badTensors(reason, `${count} elements, found ${elements.length}`);
  return elements;
};

/** Returns the data of a BYTES tensor with these elements. */
export const joinElements = (elements: readonly Buffer[]): Buffer => {
  const size = elements.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0);
  const data = Buffer.allocUnsafe(size);
  let at = 0;
  for (const element of elements) {
    at = data.writeUInt32LE(element.length, at);
    at += element.copy(data, at);
  }
  return data;
};
