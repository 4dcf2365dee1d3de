/**
 * Amazon SageMaker: the invocation of endpoints, as the runtime API names them and as the containers behind it do.
 * (docs.aws.amazon.com, "InvokeEndpoint", "InvokeEndpointWithResponseStream", "Use Your Own Inference Code")
 */

import type { JsonStep, RequestReading } from '../call.ts';
import type { Codec, Operation } from './codec.ts';
import { containerStream } from './container-stream.ts';
import { eventstream } from './framing/eventstream.ts';
import { ndjson } from './framing/ndjson.ts';
import { sse } from './framing/sse.ts';
import { freeContent, textAnswer } from './free-body.ts';
import { headField } from './head-field.ts';
import { http } from './http.ts';
import { bodyForm } from './media-type.ts';
import { openaiLeaks } from './openai/places.ts';
import { compileOperations, type Row } from './operations.ts';
import { generationLeaks } from './tgi.ts';

const OPERATIONS: readonly Row[] = [
  { name: 'invoke', method: 'POST', path: '/endpoints/{endpoint}/invocations', body: 'optional' },
  {
    name: 'invoke_stream',
    method: 'POST',
    path: '/endpoints/{endpoint}/invocations-response-stream',
    body: 'optional',
  },
  { name: 'invoke_async', method: 'POST', path: '/endpoints/{endpoint}/async-invocations', body: 'none' },
  { name: 'invoke', method: 'POST', path: '/invocations', body: 'optional' },
  { name: 'invoke', method: 'POST', path: '/models/{model}/invoke', body: 'optional' },
  { name: 'health', method: 'GET', path: '/ping', body: 'none' },
  { name: 'models.list', method: 'GET', path: '/models', body: 'none', management: true },
  { name: 'models.load', method: 'POST', path: '/models', body: 'json', management: true },
  { name: 'models.show', method: 'GET', path: '/models/{model}', body: 'none', management: true },
  { name: 'models.unload', method: 'DELETE', path: '/models/{model}', body: 'none', management: true },
];

const FORMS = ['json', 'text', 'ndjson', 'none', 'other'] as const;

/** What an endpoint with several models is told to use, by the field line of each kind. */
const TARGETS = [
  'x-amzn-sagemaker-inference-component',
  'x-amzn-sagemaker-target-model',
  'x-amzn-sagemaker-target-variant',
  'x-amzn-sagemaker-target-container-hostname',
] as const;

/** Returns the endpoint and what of it is meant, joined by `/`: `endpoint`, `endpoint/model.tar.gz`. */
const modelOf = ({ names }: Operation, rawHeaders: readonly string[]): string => {
  const targets = TARGETS.map((name) => headField(rawHeaders, name, 'body-unreadable'));
  return [names?.['endpoint'] ?? '', ...targets].filter((part) => part !== null && part !== '').join('/');
};

const reading = (operation: Operation, value: unknown, rawHeaders: readonly string[]): RequestReading => ({
  ...http.request(operation, value),
  model: modelOf(operation, rawHeaders),
});

/** Containers answer in any shape: only where TGI and DJL Serving have them are tokens what repeats a text. */
const repeatsTokens = (path: readonly JsonStep[]): boolean =>
  generationLeaks(path) && (path.at(-1) !== 'tokens' || path.includes('details'));

/** The codec of SageMaker endpoints and of the containers behind them. */
export const sagemaker: Codec = {
  ...http,
  protocol: 'sagemaker',
  about: {
    title: 'Amazon SageMaker invocations',
    operations: OPERATIONS,
    model: 'the path, and behind a slash what `X-Amzn-SageMaker-Target-Model` and its like name',
    reads:
      'bodies that are JSON, JSON lines or text in UTF-8 (CSV too), whatever they call themselves; answers likewise',
    limits:
      'other bodies are files that nobody sees, and refused unless the service says `opaque: allow`; streams, in the parts of a response stream or not, are masked where they are OpenAI’s chunks (vLLM, LMI) or tokens (TGI, DJL), as server-sent events or JSON lines, and refused else; token ids are withheld from masked answers; asynchronous calls name their input in S3 in a header',
    clients: [
      { name: 'curl, to a container', url: 'http://HOST/NAME/invocations', token: '`Authorization: Bearer TOKEN`' },
    ],
    witness: {
      kind: 'proven',
      by: [
        'the official Node client (@aws-sdk/client-sagemaker-runtime)',
        'the API reference of the SageMaker runtime (docs.aws.amazon.com)',
      ],
    },
  },
  operation: compileOperations(OPERATIONS),
  content(operation, body) {
    const { rawHeaders } = body;
    const content = freeContent(
      { operation, nonFinite: true, read: (value) => reading(operation, value, rawHeaders) },
      body,
      FORMS,
    );
    if (content === null) return null;
    const model = modelOf(operation, rawHeaders);
    return { ...content, asked: content.asked.map((asked) => ({ ...asked, reading: { ...asked.reading, model } })) };
  },
  nonFinite: true,
  answerContent: (_, rawHeaders) =>
    ['none', 'other'].includes(bodyForm(headField(rawHeaders, 'content-type', 'answer-unreadable') ?? ''))
      ? textAnswer
      : null,
  leaks: (_, path) => repeatsTokens(path) || openaiLeaks(path),
  framings: ({ name }) => (name === 'invoke_stream' ? [eventstream, sse, ndjson] : [sse, ndjson]),
  parts: ({ name }, contentType, rawHeaders) =>
    name === 'invoke_stream' && bodyForm(contentType) === 'eventstream'
      ? (headField(rawHeaders, 'x-amzn-sagemaker-content-type', 'answer-unreadable') ?? '')
      : null,
  stream: containerStream,
};
