/** Bodies of KServe v2 with tensors in binary, put together as Triton's documentation describes them. */

/** Returns the data of a BYTES tensor: a length of four bytes, little-endian, in front of every element. */
export const bytesTensor = (...elements: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat(
    elements.flatMap((element) => {
      const data = typeof element === 'string' ? Buffer.from(element) : element;
      const length = Buffer.alloc(4);
      length.writeUInt32LE(data.length);
      return [length, data];
    }),
  );

/** A body and the header that tells its parts apart. */
export interface BinaryBody {
  readonly bytes: Buffer;
  readonly rawHeaders: readonly string[];
}

/** Returns a body of a document and the data behind it. */
export const binaryBody = (document: unknown, ...data: readonly Buffer[]): BinaryBody => {
  const head = Buffer.from(typeof document === 'string' ? document : JSON.stringify(document));
  return {
    bytes: Buffer.concat([head, ...data]),
    rawHeaders: ['Inference-Header-Content-Length', String(head.length)],
  };
};

/** Returns the description of a tensor whose data stands behind the document. */
export const inBinary = (name: string, datatype: string, shape: readonly number[], data: Buffer): object => ({
  name,
  shape,
  datatype,
  parameters: { binary_data_size: data.length },
});
