/** TensorFlow's types and shapes on the wire. (tensorflow/core/framework: types.proto, tensor_shape.proto) */

import { FieldReader, WIRE } from './protobuf.ts';

/** By number; a reference to a type is that type plus 100. */
const DATATYPES: readonly string[] =
  'INVALID FLOAT DOUBLE INT32 UINT8 INT16 INT8 STRING COMPLEX64 INT64 BOOL QINT8 QUINT8 QINT32 BFLOAT16 QINT16 QUINT16 UINT16 COMPLEX128 HALF RESOURCE VARIANT UINT32 UINT64'.split(
    ' ',
  );

/** Returns the name of a type, such as `DT_FLOAT`. */
export const datatypeName = (type: bigint): string => `DT_${DATATYPES[Number(type)] ?? String(type)}`;

/** Returns the sizes of a TensorShapeProto, null where it says that any rank will do. Throws WireError. */
export function readShape(bytes: Buffer): readonly number[] | null {
  const shape: number[] = [];
  let isAny = false;
  const reader = new FieldReader(bytes);
  while (reader.next()) {
    if (reader.no === 3 && reader.wire === WIRE.varint) isAny = reader.integer() !== 0n;
    if (reader.no !== 2 || reader.wire !== WIRE.length) continue;
    const dim = new FieldReader(reader.value());
    let size = 0;
    while (dim.next()) if (dim.no === 1 && dim.wire === WIRE.varint) size = Number(dim.integer());
    shape.push(size);
  }
  return isAny ? null : shape;
}
