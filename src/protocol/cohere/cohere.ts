/** Cohere: chat, embeddings, reranking. (docs.cohere.com, API v2) */

import type { Codec, Refusal } from '../codec.ts';
import { COHERE_PLACES, readCohereRequest } from './request.ts';
import { cohereStream, cohereUsage } from './stream.ts';
import { compileOperations, type Row } from '../operations.ts';
import { kindAt } from '../places.ts';
import { sse } from '../framing/sse.ts';
import { COHERE_CALLS } from './tool-calls.ts';

const OPERATIONS: readonly Row[] = [
  { name: 'chat', method: 'POST', path: '/v2/chat', body: 'json' },
  { name: 'embed', method: 'POST', path: '/v2/embed', body: 'json' },
  { name: 'rerank', method: 'POST', path: '/v2/rerank', body: 'json' },
  { name: 'tokenize', method: 'POST', path: '/v1/tokenize', body: 'json' },
  { name: 'detokenize', method: 'POST', path: '/v1/detokenize', body: 'json' },
  { name: 'models.list', method: 'GET', path: '/v1/models', body: 'none' },
  { name: 'models.get', method: 'GET', path: '/v1/models/{model}', body: 'none' },
];

const messageOf = ({ title, detail }: Refusal): string => (detail === '' ? title : `${title} ${detail}`);

/** The codec of Cohere's API. */
export const cohere: Codec = {
  protocol: 'cohere',
  about: {
    title: 'Cohere, API v2',
    operations: OPERATIONS,
    model: 'body `model`',
    reads:
      'every string of a request and of an answer: messages, documents, queries, tools and their arguments, plans, citations',
    limits: 'images as data URIs pass unseen and are counted; the earlier API (`/v1/chat`) is not carried',
    clients: [
      { name: 'cohere-ai (Node)', url: 'http://HOST/NAME', token: '`token`, with the URL as `environment`' },
      { name: 'cohere (Python)', url: 'http://HOST/NAME', token: '`api_key`, with the URL as `base_url`' },
    ],
    witness: {
      kind: 'proven',
      by: ['the official Node client (cohere-ai) against @copilotkit/aimock', 'the API reference of docs.cohere.com'],
    },
  },
  operation: compileOperations(OPERATIONS),
  request: (_, value) => readCohereRequest(value),
  usage: (_, value) => cohereUsage(value),
  kind: (_, path, text, document) => kindAt(COHERE_PLACES, path, text, document),
  leaks: (_, path) => path.at(-1) === 'logprobs',
  framings: () => [sse],
  counts: () => '_tokens"',
  stream: ({ name }) => (name === 'chat' ? cohereStream() : null),
  toolCalls: () => COHERE_CALLS,
  refusalType: () => 'application/json',
  refusal: (refusal) => ({ message: messageOf(refusal) }),
  // The SDK ends a stream at what it cannot read as an event of its own; the finish reason is the one that says failed.
  streamFailure: (refusal) => ({
    event: 'message-end',
    value: {
      type: 'message-end',
      delta: { finish_reason: 'ERROR', error: messageOf(refusal), reason: refusal.reason, session: refusal.session },
    },
  }),
};
