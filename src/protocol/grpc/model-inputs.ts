/** What model servers say of their inputs over gRPC: KServe's ModelMetadata, and TensorFlow Serving's GetModelMetadata. */

import type { InputSpec } from '../../call.ts';
import type { InputSets, MetadataCall } from '../model-inputs.ts';
import { readEntry } from './kserve-tensors.ts';
import { FieldReader, lengthField, packedIntegers, WIRE } from './protobuf.ts';
import { datatypeName, readShape } from './tfserving-types.ts';

/** Yields the values of one length-delimited field. Throws WireError. */
function* valuesOf(message: Buffer, no: number): Generator<Buffer> {
  const reader = new FieldReader(message);
  while (reader.next()) if (reader.no === no && reader.wire === WIRE.length) yield reader.value();
}

/** Returns the last of them, as a reader of proto3 takes it; empty for none. */
const lastOf = (message: Buffer, no: number): Buffer => [...valuesOf(message, no)].at(-1) ?? message.subarray(0, 0);

// inference.ModelMetadataResponse.TensorMetadata
const kserveInput = (bytes: Buffer): InputSpec => {
  const shape: number[] = [];
  const reader = new FieldReader(bytes);
  while (reader.next()) {
    if (reader.no === 3 && reader.wire === WIRE.varint) shape.push(Number(reader.integer()));
    else if (reader.no === 3) for (const size of packedIntegers(reader.value())) shape.push(Number(size));
  }
  return { name: lastOf(bytes, 1).toString(), datatype: lastOf(bytes, 2).toString(), shape };
};

/** Returns how to ask for the inputs of the model that a ModelInferRequest names. */
export const askKserve = (request: Buffer): MetadataCall => ({
  path: '/inference.GRPCInferenceService/ModelMetadata',
  message: Buffer.concat([lengthField(1, lastOf(request, 1)), lengthField(2, lastOf(request, 2))]),
  read(answer): InputSets {
    const inputs = [...valuesOf(answer, 4)].map(kserveInput);
    return inputs.length === 0 ? [] : [inputs];
  },
});

// tensorflow.TensorInfo
const tensorInfo = (name: string, bytes: Buffer): InputSpec => {
  let [type, shape]: [bigint, readonly number[] | null] = [0n, null];
  const reader = new FieldReader(bytes);
  while (reader.next()) {
    if (reader.no === 2 && reader.wire === WIRE.varint) type = reader.integer();
    if (reader.no === 3 && reader.wire === WIRE.length) shape = readShape(reader.value());
  }
  return { name, datatype: datatypeName(type), shape };
};

const signatureInputs = (signature: Buffer): readonly InputSpec[] =>
  [...valuesOf(signature, 1)].map((entry) => {
    const { key, value } = readEntry(entry);
    return tensorInfo(key, value);
  });

const FIELD = 'signature_def';

/** Returns how to ask for the signatures of the model that a PredictRequest names. */
export const askTfserving = (request: Buffer): MetadataCall => ({
  path: '/tensorflow.serving.PredictionService/GetModelMetadata',
  message: Buffer.concat([lengthField(1, lastOf(request, 1)), lengthField(2, FIELD)]),
  read(answer): InputSets {
    const entries = [...valuesOf(answer, 2)].map(readEntry).filter(({ key }) => key === FIELD);
    // google.protobuf.Any: the value of a SignatureDefMap
    return entries
      .flatMap(({ value }) => [...valuesOf(lastOf(value, 2), 1)])
      .map((entry) => signatureInputs(readEntry(entry).value))
      .filter(({ length }) => length > 0);
  },
});
