/** Gemini: the API of Google's models, at Google AI and on Vertex AI. (ai.google.dev/api) */

import type { Codec, Refusal } from '../codec.ts';
import { GEMINI_PLACES, geminiLeaks } from './places.ts';
import { readGeminiRequest } from './request.ts';
import { geminiStream, geminiUsage } from './stream.ts';
import { jsonArray } from '../framing/json-array.ts';
import { compileOperations, type Row } from '../operations.ts';
import { kindAt } from '../places.ts';
import { sse } from '../framing/sse.ts';
import { GEMINI_CALLS } from './tool-calls.ts';

const VERBS = [
  'generateContent',
  'streamGenerateContent',
  'countTokens',
  'embedContent',
  'batchEmbedContents',
] as const;

/** Where models stand: at Google AI, tuned ones there, and on Vertex AI. */
const MODELS = [
  ...['v1', 'v1beta', 'v1alpha'].flatMap((version) => [`/${version}/models`, `/${version}/tunedModels`]),
  ...['v1', 'v1beta1'].map((version) => `/${version}/projects/*/locations/*/publishers/*/models`),
];

const OPERATIONS: readonly Row[] = MODELS.flatMap((models): Row[] => [
  ...VERBS.map((verb): Row => ({ name: verb, method: 'POST', path: `${models}/{model}:${verb}`, body: 'json' })),
  { name: 'models.list', method: 'GET', path: models, body: 'none' },
  { name: 'models.get', method: 'GET', path: `${models}/{model}`, body: 'none' },
]);

/** google.rpc.Code by HTTP status, as Google's APIs name them. (cloud.google.com/apis/design/errors) */
const STATUSES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

const errorOf = ({ status, reason, title, detail, session, extra }: Refusal): Readonly<Record<string, unknown>> => ({
  code: status,
  message: detail === '' ? title : `${title} ${detail}`,
  status: STATUSES[status] ?? (status >= 500 ? 'INTERNAL' : 'INVALID_ARGUMENT'),
  details: [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason,
      domain: 'sallyport',
      metadata: { ...(session === '' ? {} : { session }), ...extra },
    },
  ],
});

/** The codec of Gemini's API. */
export const gemini: Codec = {
  protocol: 'gemini',
  about: {
    title: 'Gemini, at Google AI and on Vertex AI',
    operations: OPERATIONS,
    model: 'path',
    reads:
      'every string of a request and of an answer: contents, system instruction, tools, function calls and their results',
    limits:
      'inline images, audio and files pass unseen and are counted; `logprobsResult` is withheld from masked answers; function arguments that stream in pieces (`partialArgs`) are refused in masked answers',
    clients: [
      {
        name: '@google/genai, google-genai (Python)',
        url: 'http://HOST/NAME',
        token: '`apiKey`, with the URL as `httpOptions.baseUrl`',
      },
    ],
    witness: {
      kind: 'proven',
      by: ['the official Node client (@google/genai) against @copilotkit/aimock', 'the API reference of ai.google.dev'],
    },
  },
  operation: compileOperations(OPERATIONS),
  request: ({ name }, value) => readGeminiRequest(value, name === 'streamGenerateContent'),
  usage: (_, value) => geminiUsage(value),
  kind: (_, path, text, document) => kindAt(GEMINI_PLACES, path, text, document),
  leaks: (_, path) => geminiLeaks(path),
  // Without `alt=sse` a stream is an array that is sent item by item.
  framings: ({ name }) => (name === 'streamGenerateContent' ? [sse, jsonArray] : []),
  counts: () => '"usageMetadata"',
  stream: ({ name }) => (name === 'streamGenerateContent' ? geminiStream() : null),
  toolCalls: () => GEMINI_CALLS,
  // @google/genai reads an error only when it has this type.
  refusalType: () => 'application/json',
  refusal: (refusal) => ({ error: errorOf(refusal) }),
  streamFailure: (refusal) => ({ event: '', value: { error: errorOf(refusal) } }),
};
