/** What a service that speaks only gRPC is to callers who come with plain HTTP: it has no operation for them. */

import { NOTHING_ASKED } from '../content.ts';
import { type Codec, PROBLEM_JSON } from '../codec.ts';

/** The HTTP codec of a gRPC service. */
export const grpcOnly: Codec = {
  protocol: 'grpc',
  about: {
    title: 'Any gRPC service',
    operations: [],
    model: 'fields `model`, `model_name`, `model_id`, `model_spec.name`',
    reads:
      'every string of every message, and bytes that are text, known by descriptors (`grpc.descriptors`): a file, reflection, or built in for KServe, Triton and TensorFlow Serving',
    limits:
      'methods that no descriptor knows are refused unless the service says `opaque: allow`; bytes that are no text pass and are counted as files; groups of proto2 are refused',
    clients: [
      {
        name: 'any gRPC client',
        url: 'HOST, with metadata `sallyport-service: NAME`, or by the `host` of the service',
        token: 'metadata `authorization: Bearer TOKEN`',
      },
    ],
    witness: {
      kind: 'proven',
      by: ['@grpc/grpc-js, client and server', 'the gRPC specification (PROTOCOL-HTTP2.md)', 'protoc'],
    },
  },
  operation: () => null,
  request: () => NOTHING_ASKED,
  usage: () => null,
  kind: () => 'text',
  leaks: () => false,
  stream: () => null,
  framings: () => [],
  counts: () => '',
  refusalType: () => PROBLEM_JSON,
  refusal: () => ({}),
  streamFailure: ({ reason }) => ({ event: 'error', value: { reason } }),
};
