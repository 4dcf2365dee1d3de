/** OpenAI: text, embeddings, images, audio, files and batches of requests. (openai/openai-openapi) */

import { type Codec, PROBLEM_JSON, type Operation, type Refusal, type StreamReader } from '../codec.ts';
import type { Framing } from '../framing/framing.ts';
import { openaiChatStream } from './chat-stream.ts';
import { openaiRealtime, REALTIME_PLACES } from './realtime.ts';
import { openaiRealtimeStream } from './realtime-stream.ts';
import { jsonLines } from '../json/json-lines.ts';
import { ndjson } from '../framing/ndjson.ts';
import { OPENAI_PLACES, openaiLeaks, transcriptLeaks } from './places.ts';
import { readOpenaiRequest } from './request.ts';
import { openaiForm } from './form.ts';
import { openaiMediaStream } from './media-stream.ts';
import { openaiResponsesStream } from './responses-stream.ts';
import { openaiUsage } from './usage.ts';
import { messages } from '../framing/message-framing.ts';
import { compileOperations, type Row } from '../operations.ts';
import { kindAt } from '../places.ts';
import { sse } from '../framing/sse.ts';
import { CHAT_CALLS, REALTIME_CALLS, RESPONSES_CALLS } from './tool-calls.ts';

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
  { name: 'images.generate', method: 'POST', path: '/v1/images/generations', body: 'json' },
  { name: 'images.edit', method: 'POST', path: '/v1/images/edits', body: 'form' },
  { name: 'images.variation', method: 'POST', path: '/v1/images/variations', body: 'form' },
  { name: 'audio.speech', method: 'POST', path: '/v1/audio/speech', body: 'json' },
  { name: 'audio.transcription', method: 'POST', path: '/v1/audio/transcriptions', body: 'form' },
  { name: 'audio.translation', method: 'POST', path: '/v1/audio/translations', body: 'form' },
  { name: 'files.create', method: 'POST', path: '/v1/files', body: 'form' },
  { name: 'files.list', method: 'GET', path: '/v1/files', body: 'none' },
  { name: 'files.retrieve', method: 'GET', path: '/v1/files/*', body: 'none' },
  { name: 'files.content', method: 'GET', path: '/v1/files/*/content', body: 'none' },
  { name: 'files.delete', method: 'DELETE', path: '/v1/files/*', body: 'none' },
  { name: 'batches.create', method: 'POST', path: '/v1/batches', body: 'json' },
  { name: 'batches.list', method: 'GET', path: '/v1/batches', body: 'none' },
  { name: 'batches.retrieve', method: 'GET', path: '/v1/batches/*', body: 'none' },
  { name: 'batches.cancel', method: 'POST', path: '/v1/batches/*/cancel', body: 'optional' },
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
  'audio.transcription': openaiMediaStream,
  'audio.speech': openaiMediaStream,
  'images.generate': openaiMediaStream,
  'images.edit': openaiMediaStream,
  'files.content': jsonLines,
};

/** A file may be of any type, and is sent as bytes: what a batch has answered is JSON Lines. */
const LINES: readonly Framing[] = [{ ...ndjson, form: 'other' }, ndjson];

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
      'every string of a request and of an answer: messages, prompts, inputs, instructions, tools and their arguments; the fields of forms and the names of their files; every request of a batch file as an operation that needs its own allow, and every line of what a batch answered',
    limits:
      'images, audio and files pass unseen and are counted; uploads in parts and fine-tuning are no operations here; `logprobs`, `token_ids` and the single words of transcripts are withheld from masked answers; token ids as input are counted',
    clients: [
      { name: 'openai (Python, Node)', url: 'http://HOST/NAME/v1', token: '`api_key`' },
      { name: 'curl', url: 'http://HOST/NAME/v1', token: '`Authorization: Bearer TOKEN`' },
    ],
    witness: {
      kind: 'proven',
      by: [
        'the official Node client (openai), each method of it, and the official Python client (openai), against @copilotkit/aimock and servers of the tests',
        'the AI SDK (ai) and LangChain',
        'openai/openai-openapi, openapi.yaml',
      ],
    },
  },
  operation,
  request: (_: Operation, value) => readOpenaiRequest(value),
  content: (asked: Operation, body) => (asked.body === 'form' ? openaiForm(asked, body, operation) : null),
  usage: (_: Operation, value) => openaiUsage(value),
  kind: ({ name }, path, text, document) =>
    kindAt(isRealtime(name) ? REALTIME_PLACES : OPENAI_PLACES, path, text, document),
  leaks: ({ name }, path) => openaiLeaks(path) || (name.startsWith('audio.') && transcriptLeaks(path)),
  framings({ name }) {
    if (name === 'files.content') return LINES;
    return [name === 'realtime' ? messages : sse];
  },
  media: ({ name }) => name === 'audio.speech',
  counts: () => '"usage"',
  toolCalls({ name }) {
    if (isRealtime(name)) return REALTIME_CALLS;
    return name.startsWith('responses') ? RESPONSES_CALLS : CHAT_CALLS;
  },
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
