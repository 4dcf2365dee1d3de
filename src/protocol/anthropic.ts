/** Anthropic: messages, token counts, models. (docs.anthropic.com, API reference) */

import type { JsonStep } from '../call.ts';
import { ANTHROPIC_PLACES } from './anthropic-places.ts';
import { readAnthropicRequest } from './anthropic-request.ts';
import { anthropicStream } from './anthropic-stream.ts';
import { anthropicUsage } from './anthropic-usage.ts';
import type { Codec, Operation, Refusal } from './codec.ts';
import { compileOperations } from './operations.ts';
import { kindAt } from './places.ts';
import { sse } from './sse.ts';

const operation = compileOperations([
  { name: 'messages', method: 'POST', path: '/v1/messages', body: 'json' },
  { name: 'messages.count_tokens', method: 'POST', path: '/v1/messages/count_tokens', body: 'json' },
  { name: 'models.list', method: 'GET', path: '/v1/models', body: 'none' },
  { name: 'models.retrieve', method: 'GET', path: '/v1/models/*', body: 'none' },
]);

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

/** `content[i].thinking` is signed by `content[i].signature`. */
const signature = (path: readonly JsonStep[]): readonly JsonStep[] | null =>
  path.length === 3 && path[0] === 'content' && path[2] === 'thinking' ? ['content', path[1] ?? 0, 'signature'] : null;

/** The codec of Anthropic's API. */
export const anthropic: Codec = {
  protocol: 'anthropic',
  operation,
  request: (_: Operation, value) => readAnthropicRequest(value),
  usage: (_: Operation, value) => anthropicUsage(value),
  kind: (_: Operation, path, text, document) => kindAt(ANTHROPIC_PLACES, path, text, document),
  leaks: () => false,
  signature: (_: Operation, path) => signature(path),
  framings: () => [sse],
  counts: '"usage"',
  stream: ({ name }) => (name === 'messages' ? anthropicStream() : null),
  // `type` is "error" here: a relative URI reference, which RFC 9457 §3.1.1 allows.
  refusal: (refusal) => ({ type: 'error', error: errorOf(refusal) }),
  streamFailure: (refusal) => ({ event: 'error', value: { type: 'error', error: errorOf(refusal) } }),
};
