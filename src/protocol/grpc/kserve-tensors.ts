/** The tensors of one inference message: what they are named and typed, and which raw contents belong to which. */

import type { Tensor } from '../../call.ts';
import { FieldReader, packedIntegers, WIRE, WireError } from './protobuf.ts';

/** Where a message keeps its tensors, by field number. */
export interface TensorPlaces {
  readonly tensors: number;
  readonly raw: number;
  /** Outputs that a request asks for. */
  readonly requested: number;
}

/** The tensors of a message in their order. */
export interface Tensors {
  readonly tensors: readonly Tensor[];
  /** Which tensor the n-th raw content belongs to. */
  readonly ofRaw: readonly number[];
  /** Outputs that the model is asked to write into shared memory, where no mask reaches them. */
  readonly regions: readonly Tensor[];
}

interface Draft {
  name: string;
  datatype: string;
  shape: number[];
  bytes: number;
  region: string;
}

/** Parameters are field 4 of a tensor, and field 2 of a requested output. */
const OF_TENSOR = 4;
const OF_REQUESTED = 2;

/**
 * Returns the tensors of a message, wherever its fields stand. Raw contents are those of the tensors that are not in
 * shared memory, in order; a message must have none or one for each of these. Throws WireError.
 */
export function readTensors(message: Buffer, places: TensorPlaces): Tensors {
  const tensors: Draft[] = [];
  const requested: Draft[] = [];
  const raw: number[] = [];
  const reader = new FieldReader(message);
  while (reader.next()) {
    if (reader.wire !== WIRE.length) continue;
    if (reader.no === places.tensors) tensors.push(readTensor(reader.value(), OF_TENSOR));
    if (reader.no === places.requested) requested.push(readTensor(reader.value(), OF_REQUESTED));
    if (reader.no === places.raw) raw.push(reader.to - reader.from);
  }
  const regions = requested.filter(({ region }) => region !== '');
  if (raw.length === 0) return { tensors, ofRaw: [], regions };
  const inline = tensors.flatMap(({ region }, at) => (region === '' ? [at] : []));
  if (inline.length !== raw.length) throw new WireError('one raw content for each tensor');
  for (const [at, tensor] of inline.entries()) {
    const draft = tensors[tensor];
    if (draft !== undefined) draft.bytes += raw[at] ?? 0;
  }
  return { tensors, ofRaw: inline, regions };
}

function readTensor(bytes: Buffer, parameters: number): Draft {
  const tensor: Draft = { name: '', datatype: '', shape: [], bytes: 0, region: '' };
  const reader = new FieldReader(bytes);
  while (reader.next()) {
    if (reader.no === 1) tensor.name = reader.value().toString();
    else if (reader.no === parameters) readParameter(reader.value(), tensor);
    else if (parameters === OF_TENSOR) readOther(reader, tensor);
  }
  return tensor;
}

function readOther(reader: FieldReader, tensor: Draft): void {
  if (reader.no === 2) tensor.datatype = reader.value().toString();
  // dimensions stand packed in one field, or each in its own
  if (reader.no === 3 && reader.wire === WIRE.varint) tensor.shape.push(Number(reader.integer()));
  else if (reader.no === 3) for (const size of packedIntegers(reader.value())) tensor.shape.push(Number(size));
  if (reader.no === 5) tensor.bytes += reader.to - reader.from;
}

const REGION = 'shared_memory_region';
const REGION_SIZE = 'shared_memory_byte_size';

/** Reads one entry of a tensor's parameters. */
function readParameter(entry: Buffer, tensor: Draft): void {
  const { key, value } = readEntry(entry);
  if (key !== REGION && key !== REGION_SIZE) return;
  const inner = new FieldReader(value);
  while (inner.next()) {
    if (key === REGION && inner.no === 3) tensor.region = inner.value().toString();
    if (key === REGION_SIZE && inner.no === 2) tensor.bytes += Number(inner.integer());
  }
  // a region whose name is no string is one that nobody could look into either
  if (key === REGION && tensor.region === '') tensor.region = '?';
}

/** One entry of a map. */
export interface MapEntry {
  readonly key: string;
  readonly value: Buffer;
}

/** Returns an entry of a map of strings to messages. */
export function readEntry(entry: Buffer): MapEntry {
  let key = '';
  let value: Buffer = Buffer.alloc(0);
  const reader = new FieldReader(entry);
  while (reader.next()) {
    if (reader.no === 1) key = reader.value().toString();
    if (reader.no === 2) value = reader.value();
  }
  return { key, value };
}
