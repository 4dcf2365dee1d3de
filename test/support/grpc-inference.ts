/** A small model server that speaks KServe v2 over gRPC (grpc-js): it says back what it was asked, in raw BYTES tensors. */

import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  type ServiceDefinition,
  status,
} from '@grpc/grpc-js';
import { loadProto } from '../kit/proto.ts';

/** Messages of inference.proto as far as the server reads them. */
export interface InferRequest {
  readonly model_name?: string;
  readonly id?: string;
  readonly inputs?: readonly object[];
  readonly raw_input_contents?: readonly Buffer[];
}

/** Returns a raw BYTES tensor. */
export const bytesTensor = (...elements: readonly string[]): Buffer =>
  Buffer.concat(
    elements.map((element) => {
      const head = Buffer.alloc(4);
      head.writeUInt32LE(Buffer.byteLength(element));
      return Buffer.concat([head, Buffer.from(element)]);
    }),
  );

/** Returns the elements of a raw BYTES tensor. */
export function elementsOf(tensor: Buffer): string[] {
  const elements: string[] = [];
  for (let at = 0; at < tensor.length; ) {
    const end = at + 4 + tensor.readUInt32LE(at);
    elements.push(tensor.subarray(at + 4, end).toString());
    at = end;
  }
  return elements;
}

const service = loadProto('inference')['inference.GRPCInferenceService'];
const isService = (found: unknown): found is ServiceDefinition =>
  typeof found === 'object' && found !== null && 'ModelInfer' in found;
if (!isService(service)) throw new Error('expected inference.GRPCInferenceService');
/** The methods of the service. */
export const INFERENCE: ServiceDefinition = service;

/** The server. */
export interface InferenceServer {
  readonly port: number;
  readonly requests: InferRequest[];
  /** Names of the models that were loaded. */
  readonly loaded: string[];
  /** Questions for the metadata of models. */
  readonly described: string[];
  close(): void;
}

const textsOf = ({ raw_input_contents: [tensor = Buffer.alloc(0)] = [] }: InferRequest): string[] => elementsOf(tensor);

/** What the server adds to what it was asked, so that answers hold what requests do not. */
export const SIGNATURE = 'Yours, anna.long@example.com';

const answerTo = (request: InferRequest, ...texts: readonly string[]): object => ({
  model_name: request.model_name,
  id: request.id,
  outputs: [
    { name: 'score', datatype: 'FP32', shape: ['1'] },
    { name: 'text_output', datatype: 'BYTES', shape: [String(texts.length)] },
  ],
  raw_output_contents: [Buffer.from([0, 0, 128, 63]), bytesTensor(...texts)],
});

/** Starts the server on a free port of 127.0.0.1. */
export async function startInference(): Promise<InferenceServer> {
  const requests: InferRequest[] = [];
  const loaded: string[] = [];
  const described: string[] = [];
  const server = new Server();
  server.addService(INFERENCE, {
    ServerLive: (_: unknown, done: sendUnaryData<object>) => done(null, { live: true }),
    ModelReady: (_: unknown, done: sendUnaryData<object>) => done(null, { ready: true }),
    RepositoryModelLoad(call: ServerUnaryCall<InferRequest, object>, done: sendUnaryData<object>) {
      loaded.push(call.request.model_name ?? '');
      done(null, {});
    },
    ModelMetadata(call: ServerUnaryCall<{ readonly name?: string }, object>, done: sendUnaryData<object>) {
      const { name = '' } = call.request;
      described.push(name);
      if (name === 'unknown') done({ code: status.NOT_FOUND, details: 'no such model' });
      else done(null, { name, inputs: [{ name: 'text_input', datatype: 'BYTES', shape: ['-1'] }] });
    },
    ModelInfer(call: ServerUnaryCall<InferRequest, object>, done: sendUnaryData<object>) {
      requests.push(call.request);
      done(null, answerTo(call.request, ...textsOf(call.request), SIGNATURE));
    },
    ModelStreamInfer(call: ServerDuplexStream<InferRequest, object>) {
      call.on('data', (request: InferRequest) => {
        requests.push(request);
        // many answers to one request, and errors beside a status of OK
        for (const text of textsOf(request))
          call.write(
            text === 'fail' ? { error_message: `no ${SIGNATURE}` } : { infer_response: answerTo(request, text) },
          );
        const last = { parameters: { triton_final_response: { bool_param: true } } };
        call.write({ infer_response: { ...answerTo(request, SIGNATURE), ...last } });
      });
      call.on('end', () => call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return { port, requests, loaded, described, close: () => server.forceShutdown() };
}
