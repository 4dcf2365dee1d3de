/** Anthropic: messages, token counts, models. (docs.anthropic.com, API reference) */

import type { JsonStep } from '../../call.ts';
import { ANTHROPIC_PLACES } from './places.ts';
import { readAnthropicRequest } from './request.ts';
import { anthropicStream } from './stream.ts';
import { anthropicUsage } from './usage.ts';
import { type Codec, PROBLEM_JSON, type Operation, type Refusal } from '../codec.ts';
import { compileOperations, type Row } from '../operations.ts';
import { kindAt } from '../places.ts';
import { sse } from '../framing/sse.ts';
import { ANTHROPIC_CALLS } from './tool-calls.ts';

const OPERATIONS: readonly Row[] = [
  { name: 'messages', method: 'POST', path: '/v1/messages', body: 'json' },
  { name: 'messages.count_tokens', method: 'POST', path: '/v1/messages/count_tokens', body: 'json' },
  { name: 'models.list', method: 'GET', path: '/v1/models', body: 'none' },
  { name: 'models.retrieve', method: 'GET', path: '/v1/models/{model}', body: 'none' },
];
const operation = compileOperations(OPERATIONS);

const ERROR_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
};

const errorOf = ({ status, reason, title, detail, session, extra }: Refusal): Readonly<Record<string, unknown>> => ({
  type: ERROR_TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error'),
  message: detail === '' ? title : `${title} ${detail}`,
  code: reason,
  ...(session === '' ? {} : { session }),
  ...extra,
});

/** The steps to a content block: of an answer, or of a message in a request. */
const BLOCKS: readonly (readonly JsonStep[])[] = [['content'], ['messages', 0, 'content']];

/** `thinking` of a content block is signed by its `signature`. */
const signature = (path: readonly JsonStep[]): readonly JsonStep[] | null => {
  if (path.at(-1) !== 'thinking') return null;
  const isBlock = BLOCKS.some(
    (steps) =>
      path.length === steps.length + 2 &&
      steps.every((step, at) => (typeof step === 'number' ? typeof path[at] === 'number' : path[at] === step)),
  );
  return isBlock ? [...path.slice(0, -1), 'signature'] : null;
};

/** The codec of Anthropic's API. */
export const anthropic: Codec = {
  protocol: 'anthropic',
  about: {
    title: 'Anthropic',
    operations: OPERATIONS,
    model: 'body `model`',
    reads: 'every string of a request and of an answer: system, messages, tools and their input, thinking',
    limits:
      'images and documents in base64 pass unseen and are counted; thinking that was masked carries its original, sealed, in the place of its signature',
    clients: [
      {
        name: '@anthropic-ai/sdk, anthropic (Python), Claude Code',
        url: 'http://HOST/NAME',
        token: '`api_key`, or `ANTHROPIC_AUTH_TOKEN`',
      },
    ],
    witness: {
      kind: 'proven',
      by: [
        'the official clients for Node (@anthropic-ai/sdk), each method of it, and Python (anthropic), against @copilotkit/aimock and servers of the tests',
        'the AI SDK (ai) and LangChain',
        'the API reference of docs.anthropic.com',
      ],
    },
  },
  operation,
  request: (_: Operation, value) => readAnthropicRequest(value),
  usage: (_: Operation, value) => anthropicUsage(value),
  kind: (_: Operation, path, text, document) => kindAt(ANTHROPIC_PLACES, path, text, document),
  leaks: () => false,
  signature: (_: Operation, path) => signature(path),
  framings: () => [sse],
  counts: () => '"usage"',
  toolCalls: () => ANTHROPIC_CALLS,
  refusalType: () => PROBLEM_JSON,
  stream: ({ name }) => (name === 'messages' ? anthropicStream() : null),
  // `type` is "error" here: a relative URI reference, which RFC 9457 §3.1.1 allows.
  refusal: (refusal) => ({ type: 'error', error: errorOf(refusal) }),
  streamFailure: (refusal) => ({ event: 'error', value: { type: 'error', error: errorOf(refusal) } }),
};
