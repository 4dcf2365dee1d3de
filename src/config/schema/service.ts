/** One model server, and what it may be asked. Descriptions are sentences for docs/config.md. */

import { z } from 'zod';
import { credential } from './credential.ts';
import { duration, name, secret, size } from './values.ts';

const grpc = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('Where the model server speaks gRPC, if not at `upstream.url`; `http` is h2c with prior knowledge.'),
    descriptors: z
      .union(
        [
          z.enum(['kserve', 'tfserving', 'reflection']),
          z.strictObject({
            file: z
              .string()
              .min(1)
              .describe('A FileDescriptorSet, as `protoc --include_imports --descriptor_set_out` writes it.'),
          }),
        ],
        { error: 'expected kserve, tfserving, reflection or { file: PATH }' },
      )
      .optional()
      .describe(
        'How messages are known: `kserve` (and Triton) or `tfserving`, built in; `{ file: PATH }`, a descriptor set; or `reflection`, asked of the model server. By default what the protocol of the service is, if it is built in; else only health and reflection can be inspected.',
      ),
    max_message: size()
      .prefault('64MiB')
      .describe('The longest message, in either direction, also once decompressed; at most 2147483647 bytes.'),
  })
  .describe('gRPC on this service, beside what its protocol speaks over HTTP.');

const toolName = z.string().min(1).max(256);

const tools = z
  .strictObject({
    offer: z
      .array(toolName)
      .optional()
      .describe(
        'Names of the tools that callers may offer to the model, those of the server included; `*` stands for any characters, `[]` allows none. Any when it is missing.',
      ),
    call: z
      .array(toolName)
      .optional()
      .describe(
        'Names of the tools that the model may call in its answers, that requests may tell of calls of, and that callers of an MCP server may call. Any when it is missing.',
      ),
    arguments: z
      .record(toolName, z.record(z.string(), z.unknown()))
      .optional()
      .describe(
        'By the name of a tool, the JSON Schema (2020-12) of what it is given; strict, without references to elsewhere, patterns in RE2. A streamed call is held until it is complete, and leaves when it fits.',
      ),
  })
  .describe(
    'Which tools may be offered and called; any other refuses the call, or ends the answer, as `policy-denied`.',
  );

const tensors = z
  .strictObject({
    check: z
      .literal('metadata')
      .describe(
        'Names, types and shapes of tensors must be those that the model server says of the model; what cannot be held against that is refused.',
      ),
    fresh: duration()
      .prefault('10s')
      .describe(
        'How long what the server says stands before it is asked again; what does not fit is asked about at once.',
      ),
  })
  .describe('Only with `kserve`, `tfserving` and their gRPC: whether tensors must be those that the model takes.');

export const service = z.strictObject({
  name: name().describe('Names the service in addresses, policies and records: it answers at `/NAME/…`.'),
  protocol: z
    .enum([
      'openai',
      'azure',
      'anthropic',
      'bedrock',
      'cohere',
      'gemini',
      'ollama',
      'tgi',
      'vllm',
      'llama-server',
      'kserve',
      'tfserving',
      'torchserve',
      'sagemaker',
      'mcp',
      'http',
      'grpc',
    ])
    .describe('The wire protocol; `http` is JSON, JSON lines or text over HTTP of any shape, `grpc` any gRPC service.'),
  host: z.string().min(1).optional().describe('Also answer at the root path for this Host.'),
  upstream: z
    .strictObject({
      url: z
        .url({ protocol: /^(?:https?|unix)$/ })
        .describe(
          'Origin of the model server, with a mount path if it has one; `unix:/PATH` or `unix:/PATH:/MOUNT` for a Unix socket.',
        ),
      http: z
        .literal([1.1, 2])
        .default(1.1)
        .describe(
          'The version of HTTP that the model server is spoken to in; `2` without TLS is HTTP/2 with prior knowledge.',
        ),
      credential: credential('Every call is signed anew for AWS (SigV4).')
        .default('none')
        .describe("What the gateway presents to the model server. The caller's own credential never goes there."),
      tls: z
        .strictObject({
          ca: secret
            .optional()
            .describe(
              'Certificate authorities in PEM, by reference: only they are believed, not those of the public web.',
            ),
          cert: secret
            .optional()
            .describe('A certificate chain in PEM, by reference, that the gateway proves itself with (mTLS).'),
          key: secret.optional().describe('Its private key in PEM, by reference.'),
          server_name: z
            .string()
            .regex(/^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/, 'expected a host name')
            .optional()
            .describe(
              'The name that is asked for (SNI) and that the certificate must be for, where it is not the host of `url`.',
            ),
        })
        .optional()
        .describe('How TLS to the model server differs from the usual; only with `https`.'),
      connections: z.int().min(1).max(65_535).default(256).describe('Connections to this upstream per data worker.'),
      connect_timeout: duration().prefault('5s').describe('How long a connection may take to open.'),
      answer_timeout: duration().prefault('10m').describe('How long the head of an answer may take.'),
      idle_timeout: duration().prefault('10m').describe('How long an answer may be silent between two chunks.'),
    })
    .describe('The model server behind the service.'),
  assume: z
    .strictObject({
      max_tokens: z.int().min(1).optional().describe('The output limit of the model server when the caller sets none.'),
    })
    .default({})
    .describe('What the model server does when the caller does not say.'),
  texts: z
    .array(z.string().min(1))
    .optional()
    .describe(
      'Only with `http`: which strings of requests and answers are text, as JSON Pointers (`/prompt`) or JSONPaths (`$.messages[*].content`). All are when it is missing; what it leaves out is neither inspected nor masked.',
    ),
  fragments: z
    .array(z.string().min(1))
    .optional()
    .describe(
      'Only with `http`: which strings of a stream go on from event to event, as selectors like those of `texts`; `[]` when each event is whole in itself. Masked streams are refused when it is missing.',
    ),
  max_body: size().prefault('16MiB').describe('The inspection limit: a larger request body is refused.'),
  opaque: z
    .enum(['refuse', 'allow'])
    .default('refuse')
    .describe(
      'What happens to a body or operation that cannot be inspected; `allow` passes it and the record says so.',
    ),
  durable: z
    .enum(['before_answer', 'before_forward'])
    .default('before_answer')
    .describe(
      'When the opening record of a call must be on disk: before the answer leaves, or before the call is forwarded.',
    ),
  grpc: grpc.optional(),
  tools: tools.optional(),
  tensors: tensors.optional(),
  websocket: z
    .enum(['refuse', 'allow'])
    .default('refuse')
    .describe('Whether operations that are a WebSocket (OpenAI Realtime) may be opened.'),
  abort_upstream: z.boolean().default(true).describe('Cancel the upstream call when the caller leaves.'),
});
