/** The messages of the gRPC bench: KServe inference with a prompt of about 1 KB and an answer of about 600 bytes. */

import { editBytesTensor } from '../../src/protocol/bytes-tensor.ts';
import { frameOf } from '../../src/protocol/grpc/grpc.ts';
import { lengthField } from '../../src/protocol/grpc/protobuf.ts';

/** Path of the method that is called. */
export const INFER = '/inference.GRPCInferenceService/ModelInfer';

const PROMPT = 'Summarise what the committee decided about the harbour, and who has to do what by when. '.repeat(12);
const REPLY = 'The committee decided to dredge the northern basin first and to move the pilots. '.repeat(7);

const bytesTensor = (text: string): Buffer => {
  const empty = Buffer.alloc(4);
  return editBytesTensor(empty, () => Buffer.from(text));
};

const tensor = (name: string): Buffer =>
  Buffer.concat([lengthField(1, name), lengthField(2, 'BYTES'), Buffer.from([0x18, 1])]);

/** The frame of a request. */
export const REQUEST = frameOf(
  Buffer.concat([lengthField(1, 'chat'), lengthField(5, tensor('text_input')), lengthField(7, bytesTensor(PROMPT))]),
);

/** The frame of an answer, which holds an e-mail address. */
export const ANSWER = frameOf(
  Buffer.concat([
    lengthField(1, 'chat'),
    lengthField(5, tensor('text_output')),
    lengthField(6, bytesTensor(`${REPLY}Write to anna.long@example.com.`)),
  ]),
);
