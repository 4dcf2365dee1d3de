/** Amazon Bedrock: Converse and InvokeModel, whole and as AWS event streams. (docs.aws.amazon.com/bedrock, API reference) */

import { anthropic } from '../anthropic/anthropic.ts';
import { bedrockChunks } from './chunks.ts';
import { invokeStream } from './invoke-stream.ts';
import { BEDROCK_PLACES, bedrockSignature } from './places.ts';
import { isAnthropic, readBedrockRequest } from './request.ts';
import { bedrockUsage, converseStream } from './stream.ts';
import type { Codec, Operation } from '../codec.ts';
import { eventstream } from '../framing/eventstream.ts';
import { openai } from '../openai/openai.ts';
import { compileOperations, type Row } from '../operations.ts';
import { kindAt } from '../places.ts';
import { toldError } from '../told-error.ts';
import { member } from '../value.ts';
import { CONVERSE_CALLS, INVOKE_CALLS } from './tool-calls.ts';

const OPERATIONS: readonly Row[] = [
  { name: 'converse', method: 'POST', path: '/model/{model}/converse', body: 'json' },
  { name: 'converse-stream', method: 'POST', path: '/model/{model}/converse-stream', body: 'json' },
  { name: 'invoke', method: 'POST', path: '/model/{model}/invoke', body: 'json' },
  { name: 'invoke-stream', method: 'POST', path: '/model/{model}/invoke-with-response-stream', body: 'json' },
  { name: 'count-tokens', method: 'POST', path: '/model/{model}/count-tokens', body: 'json' },
  { name: 'apply-guardrail', method: 'POST', path: '/guardrail/*/version/*/apply', body: 'json' },
];

/** What AWS calls errors of these statuses; the SDKs make their classes of it. */
const EXCEPTIONS: Readonly<Record<number, string>> = {
  400: 'ValidationException',
  401: 'AccessDeniedException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  413: 'ValidationException',
  429: 'ThrottlingException',
  503: 'ServiceUnavailableException',
  504: 'ModelTimeoutException',
};

const isVendors = ({ name }: Operation): boolean => name.startsWith('invoke');

/** The vendor whose codec knows the places of a document of InvokeModel; null for Bedrock's own and those of others. */
const vendorOf = (operation: Operation, document: unknown): Codec | null => {
  if (!isVendors(operation)) return null;
  if (isAnthropic(document) || typeof member(document, 'type') === 'string') return anthropic;
  return Array.isArray(member(document, 'choices')) ? openai : null;
};

/** The codec of Bedrock's runtime API. */
export const bedrock: Codec = {
  protocol: 'bedrock',
  about: {
    title: 'Amazon Bedrock, runtime API',
    operations: OPERATIONS,
    model: 'path',
    reads:
      'every string of a request and of an answer, of Converse and of the vendors’ own documents: messages, prompts, tools and their input, reasoning',
    limits:
      'images, documents and video pass unseen and are counted; the signature of reasoning that was masked is emptied. The gateway signs upstream calls anew (SigV4) with `credential: { aws: … }`',
    clients: [
      {
        name: '@aws-sdk/client-bedrock-runtime, boto3',
        url: 'http://HOST/NAME',
        token: '`AWS_BEARER_TOKEN_BEDROCK`, with the URL as `endpoint`',
      },
    ],
    witness: {
      kind: 'proven',
      by: [
        'the official Node client (@aws-sdk/client-bedrock-runtime) against @copilotkit/aimock and a server written after the API reference, over HTTP/1.1 and HTTP/2',
        'the SigV4 signer of the AWS SDK',
      ],
    },
  },
  operation: compileOperations(OPERATIONS),
  request: ({ name }, value) => readBedrockRequest(name, value),
  usage: (operation, value) =>
    isVendors(operation) ? (anthropic.usage(operation, value) ?? openai.usage(operation, value)) : bedrockUsage(value),
  kind: (operation, path, text, document) =>
    vendorOf(operation, document)?.kind(operation, path, text, document) ??
    kindAt(BEDROCK_PLACES, path, text, document),
  leaks: (operation, path) => isVendors(operation) && openai.leaks(operation, path),
  signature: (operation, path) =>
    isVendors(operation) ? (anthropic.signature?.(operation, path) ?? null) : bedrockSignature(path),
  framings: ({ name }) => (name === 'invoke-stream' ? [bedrockChunks] : [eventstream]),
  counts: () => 'oken',
  stream({ name }) {
    if (name === 'converse-stream') return converseStream();
    return name === 'invoke-stream' ? invokeStream() : null;
  },
  toolCalls: (operation) => (isVendors(operation) ? INVOKE_CALLS : CONVERSE_CALLS),
  refusalType: () => 'application/json',
  refusal: (refusal) => ({
    __type: EXCEPTIONS[refusal.status] ?? (refusal.status >= 500 ? 'InternalServerException' : 'ValidationException'),
    message: toldError(refusal),
  }),
  streamFailure: (refusal) => ({ event: 'modelStreamErrorException', value: { message: toldError(refusal) } }),
};
