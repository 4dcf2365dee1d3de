/** Ollama: its own API, and those of OpenAI and Anthropic that it serves beside it. (ollama/ollama, docs/api.md) */

import { anthropic } from '../anthropic/anthropic.ts';
import { type Codec, type Operation } from '../codec.ts';
import { combine } from '../combine.ts';
import { ndjson } from '../framing/ndjson.ts';
import { OLLAMA_PLACES, ollamaLeaks } from './places.ts';
import { readOllamaRequest } from './request.ts';
import { ollamaStream, ollamaUsage } from './stream.ts';
import { openai } from '../openai/openai.ts';
import { compileOperations, type Row } from '../operations.ts';
import { kindAt } from '../places.ts';
import { toldError } from '../told-error.ts';
import { OLLAMA_CALLS } from './tool-calls.ts';

const OPERATIONS: readonly Row[] = [
  { name: 'chat', method: 'POST', path: '/api/chat', body: 'json' },
  { name: 'generate', method: 'POST', path: '/api/generate', body: 'json' },
  { name: 'embed', method: 'POST', path: '/api/embed', body: 'json' },
  { name: 'embeddings', method: 'POST', path: '/api/embeddings', body: 'json' },
  { name: 'models.list', method: 'GET', path: '/api/tags', body: 'none' },
  { name: 'models.show', method: 'POST', path: '/api/show', body: 'json' },
  { name: 'models.running', method: 'GET', path: '/api/ps', body: 'none' },
  { name: 'version', method: 'GET', path: '/api/version', body: 'none' },
  { name: 'health', method: 'GET', path: '/', body: 'none' },
  { name: 'health', method: 'HEAD', path: '/', body: 'none' },
  { name: 'models.pull', method: 'POST', path: '/api/pull', body: 'json', management: true },
  { name: 'models.push', method: 'POST', path: '/api/push', body: 'json', management: true },
  { name: 'models.create', method: 'POST', path: '/api/create', body: 'json', management: true },
  { name: 'models.copy', method: 'POST', path: '/api/copy', body: 'json', management: true },
  { name: 'models.delete', method: 'DELETE', path: '/api/delete', body: 'json', management: true },
  { name: 'blobs.head', method: 'HEAD', path: '/api/blobs/{digest}', body: 'none', management: true },
  { name: 'blobs.create', method: 'POST', path: '/api/blobs/{digest}', body: 'opaque', management: true },
];

const STREAMS: ReadonlySet<string> = new Set(['chat', 'generate', 'models.pull', 'models.push', 'models.create']);

const native: Codec = {
  protocol: 'ollama',
  about: {
    title: 'Ollama',
    operations: OPERATIONS,
    model: 'body `model`',
    reads:
      'every string of a request and of an answer: messages, prompts, system, templates, tools and their arguments',
    limits: 'images in base64 pass unseen and are counted; `context` and `logprobs` are withheld from masked answers',
    clients: [],
    witness: { kind: 'unproven' },
  },
  operation: compileOperations(OPERATIONS),
  request: (_: Operation, value) => readOllamaRequest(value),
  usage: (_: Operation, value) => ollamaUsage(value),
  kind: (_: Operation, path, text, document) => kindAt(OLLAMA_PLACES, path, text, document),
  leaks: (_: Operation, path) => ollamaLeaks(path),
  framings: () => [ndjson],
  counts: () => 'eval_count"',
  stream: ({ name }) => (STREAMS.has(name) ? ollamaStream() : null),
  toolCalls: () => OLLAMA_CALLS,
  // ollama-js looks for this type, and shows anything else as it stands.
  refusalType: () => 'application/json',
  refusal: (refusal) => ({ error: toldError(refusal) }),
  streamFailure: (refusal) => ({ event: '', value: { error: toldError(refusal) } }),
};

/** The codec of a server that is Ollama. */
export const ollama: Codec = combine(
  'ollama',
  {
    ...native.about,
    operations: [...OPERATIONS, ...openai.about.operations, ...anthropic.about.operations],
    clients: [
      { name: 'ollama (Node, Python)', url: 'http://HOST/NAME', token: '`headers: { Authorization: "Bearer TOKEN" }`' },
      { name: 'openai', url: 'http://HOST/NAME/v1', token: '`api_key`' },
    ],
    witness: {
      kind: 'proven',
      by: ['the official Node client (ollama) against @copilotkit/aimock', 'ollama/ollama, docs/api.md'],
    },
  },
  [native, openai, anthropic],
);
