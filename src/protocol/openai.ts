/** OpenAI: chat completions, completions, responses, embeddings, moderations, models. (openai/openai-openapi) */

import { type Codec, PROBLEM_JSON, type Operation, type Refusal, type StreamReader } from './codec.ts';
import { openaiChatStream } from './openai-chat-stream.ts';
import { OPENAI_PLACES, openaiLeaks } from './openai-places.ts';
import { openaiRealtime, REALTIME_PLACES } from './openai-realtime.ts';
import { openaiRealtimeStream } from './openai-realtime-stream.ts';
import { readOpenaiRequest } from './openai-request.ts';
import { openaiResponsesStream } from './openai-responses-stream.ts';
import { openaiUsage } from './openai-usage.ts';
import { messages } from './message-framing.ts';
import { compileOperations, type Row } from './operations.ts';
import { kindAt } from './places.ts';
import { sse } from './sse.ts';

const OPERATIONS: readonly Row[] = [
  { name: 'chat', method: 'POST', path: '/v1/chat/completions', body: 'json' },
  { name: 'completions', method: 'POST', path: '/v1/completions', body: 'json' },
  { name: 'responses', method: 'POST', path: '/v1/responses', body: 'json' },
  { name: 'responses.retrieve', method: 'GET', path: '/v1/responses/*', body: 'none' },
  { name: 'responses.delete', method: 'DELETE', path: '/v1/responses/*', body: 'none' },
  { name: 'responses.cancel', method: 'POST', path: '/v1/responses/*/cancel', body: 'optional' },
  { name: 'responses.input_items', method: 'GET', path: '/v1/responses/*/input_items', body: 'none' },
  { name: 'responses.compact', method: 'POST', path: '/v1/responses/compact', body: 'json' },
  { name: 'responses.input_tokens', method: 'POST', path: '/v1/responses/input_tokens', body: 'json' },
  { name: 'embeddings', method: 'POST', path: '/v1/embeddings', body: 'json' },
  { name: 'moderations', method: 'POST', path: '/v1/moderations', body: 'json' },
  { name: 'realtime', method: 'GET', path: '/v1/realtime', body: 'none' },
  { name: 'models.list', method: 'GET', path: '/v1/models', body: 'none' },
  // The names of models hold slashes: org/model.
  { name: 'models.retrieve', method: 'GET', path: '/v1/models/{model**}', body: 'none' },
];
const operation = compileOperations(OPERATIONS);

const STREAMS: Readonly<Record<string, () => StreamReader>> = {
  chat: openaiChatStream,
  completions: openaiChatStream,
  responses: openaiResponsesStream,
  'responses.retrieve': openaiResponsesStream,
  realtime: openaiRealtimeStream,
};

const errorType = (status: number): string => {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 404) return 'not_found_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
};

/** The SDKs show their users only this object, so it says everything. */
const errorOf = ({ status, reason, title, detail, session, extra }: Refusal): Readonly<Record<string, unknown>> => ({
  message: detail === '' ? title : `${title} ${detail}`,
  type: errorType(status),
  param: null,
  code: reason,
  ...(session === '' ? {} : { session }),
  ...extra,
});

const REALTIME = openaiRealtime(errorOf);
/** The handshake of a realtime connection, and its messages (`realtime.response.create`). */
const isRealtime = (name: string): boolean => name.startsWith('realtime');

/** The codec of OpenAI's API as OpenAI, vLLM, llama.cpp, Ollama and others serve it. */
export const openai: Codec = {
  protocol: 'openai',
  about: {
    title: 'OpenAI',
    operations: OPERATIONS,
    model: 'body `model`',
    reads:
      'every string of a request and of an answer: messages, prompts, inputs, instructions, tools and their arguments',
    limits:
      'images, audio and files in base64 pass unseen and are counted; `logprobs` and `token_ids` are withheld from masked answers; token ids as input are counted',
    clients: [
      { name: 'openai (Python, Node)', url: 'http://HOST/NAME/v1', token: '`api_key`' },
      { name: 'curl', url: 'http://HOST/NAME/v1', token: '`Authorization: Bearer TOKEN`' },
    ],
    witness: {
      kind: 'proven',
      by: ['the official Node client (openai)', 'openai/openai-openapi, openapi.yaml'],
    },
  },
  operation,
  request: (_: Operation, value) => readOpenaiRequest(value),
  usage: (_: Operation, value) => openaiUsage(value),
  kind: ({ name }, path, text, document) =>
    kindAt(isRealtime(name) ? REALTIME_PLACES : OPENAI_PLACES, path, text, document),
  leaks: (_: Operation, path) => openaiLeaks(path),
  signature: () => null,
  framings: ({ name }) => [name === 'realtime' ? messages : sse],
  counts: () => '"usage"',
  socket: ({ name }) => (name === 'realtime' ? REALTIME : null),
  refusalType: () => PROBLEM_JSON,
  stream: ({ name }) => (Object.hasOwn(STREAMS, name) ? (STREAMS[name]?.() ?? null) : null),
  refusal: (refusal) => ({ error: errorOf(refusal) }),
  // Chat streams name no events: their SDKs look for `error`. Streams of responses look for the event.
  streamFailure(refusal) {
    const error = errorOf(refusal);
    return {
      event: 'error',
      value: { type: 'error', code: error['code'], message: error['message'], param: null, error },
    };
  },
};
