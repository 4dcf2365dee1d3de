/** BYTES tensors in raw form (Triton binary data extension): elements of four bytes of length, little-endian, and data. */

import { WireError } from './grpc/protobuf.ts';

const LENGTH = 4;
/** The most elements of one tensor: four bytes are enough for one, and each is looked at on its own. */
export const MOST_ELEMENTS = 100_000;

/**
 * Returns the tensor with its elements replaced; the very same buffer when none was. `edit` returns null for an element
 * that stays. Throws WireError when the elements do not fill the tensor exactly, or are more than MOST_ELEMENTS.
 */
export function editBytesTensor(tensor: Buffer, edit: (element: Buffer, index: number) => Buffer | null): Buffer {
  const pieces: Buffer[] = [];
  let kept = 0;
  let index = 0;
  for (let at = 0; at < tensor.length; index++) {
    if (index === MOST_ELEMENTS) throw new WireError(`at most ${MOST_ELEMENTS} elements of a BYTES tensor`);
    const from = at + LENGTH;
    const to = from > tensor.length ? Infinity : from + tensor.readUInt32LE(at);
    if (to > tensor.length) throw new WireError('the elements of a BYTES tensor to fill it exactly');
    const replaced = edit(tensor.subarray(from, to), index);
    if (replaced !== null) {
      const length = Buffer.allocUnsafe(LENGTH);
      length.writeUInt32LE(replaced.length);
      pieces.push(tensor.subarray(kept, at), length, replaced);
      kept = to;
    }
    at = to;
  }
  return kept === 0 ? tensor : Buffer.concat([...pieces, tensor.subarray(kept)]);
}
