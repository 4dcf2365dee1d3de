/** llama-server: its own API, OpenAI's and Anthropic's. (ggml-org/llama.cpp, tools/server/README.md) */

import type { JsonStep } from '../call.ts';
import { anthropic } from './anthropic/anthropic.ts';
import type { Codec } from './codec.ts';
import { combine } from './combine.ts';
import { llamaStream, llamaUsage } from './llama-server-stream.ts';
import { openai } from './openai/openai.ts';
import { compileOperations, type Row } from './operations.ts';

const OPERATIONS: readonly Row[] = [
  { name: 'completion', method: 'POST', path: '/completion', body: 'json' },
  { name: 'completion', method: 'POST', path: '/completions', body: 'json' },
  { name: 'infill', method: 'POST', path: '/infill', body: 'json' },
  { name: 'embedding', method: 'POST', path: '/embedding', body: 'json' },
  { name: 'embedding', method: 'POST', path: '/embeddings', body: 'json' },
  ...['/rerank', '/reranking', '/v1/rerank', '/v1/reranking'].map(
    (path): Row => ({ name: 'rerank', method: 'POST', path, body: 'json' }),
  ),
  { name: 'tokenize', method: 'POST', path: '/tokenize', body: 'json' },
  { name: 'detokenize', method: 'POST', path: '/detokenize', body: 'json' },
  { name: 'apply-template', method: 'POST', path: '/apply-template', body: 'json' },
  ...['', '/v1'].map(
    (prefix): Row => ({
      name: 'chat.input_tokens',
      method: 'POST',
      path: `${prefix}/chat/completions/input_tokens`,
      body: 'json',
    }),
  ),
  { name: 'health', method: 'GET', path: '/health', body: 'none' },
  { name: 'health', method: 'GET', path: '/v1/health', body: 'none' },
  { name: 'props', method: 'GET', path: '/props', body: 'none', management: true },
  { name: 'props.change', method: 'POST', path: '/props', body: 'json', management: true },
  // A slot shows the prompts of others.
  { name: 'slots', method: 'GET', path: '/slots', body: 'none', management: true },
  { name: 'slots.change', method: 'POST', path: '/slots/*', body: 'optional', management: true },
  { name: 'metrics', method: 'GET', path: '/metrics', body: 'none', management: true },
  { name: 'lora.list', method: 'GET', path: '/lora-adapters', body: 'none', management: true },
  { name: 'lora.change', method: 'POST', path: '/lora-adapters', body: 'optional', management: true },
  { name: 'models.load', method: 'POST', path: '/models/load', body: 'json', management: true },
  { name: 'models.unload', method: 'POST', path: '/models/unload', body: 'json', management: true },
];

/** OpenAI's operations that it also has without a version in their path. */
const UNVERSIONED: readonly Row[] = [
  { name: 'chat', method: 'POST', path: '/chat/completions', body: 'json' },
  { name: 'responses', method: 'POST', path: '/responses', body: 'json' },
  { name: 'models.list', method: 'GET', path: '/models', body: 'none' },
];

const REPEATING: ReadonlySet<JsonStep> = new Set(['tokens', 'completion_probabilities', 'probs', 'top_probs']);

const native: Codec = {
  ...openai,
  operation: compileOperations(OPERATIONS),
  usage: (_, value) => llamaUsage(value),
  leaks: (operation, path) => openai.leaks(operation, path) || REPEATING.has(path.at(-1) ?? ''),
  counts: () => '"tokens_predicted"',
  stream: ({ name }) => (name === 'completion' || name === 'infill' ? llamaStream() : null),
};

const unversioned: Codec = { ...openai, operation: compileOperations(UNVERSIONED) };

/** The codec of a server that is llama-server. */
export const llamaServer: Codec = combine(
  'llama-server',
  {
    ...openai.about,
    title: 'llama-server of llama.cpp',
    operations: [...OPERATIONS, ...UNVERSIONED, ...openai.about.operations, ...anthropic.about.operations],
    limits: `${openai.about.limits}; \`tokens\` and \`completion_probabilities\` are withheld too`,
    clients: [
      { name: 'openai', url: 'http://HOST/NAME/v1', token: '`api_key`' },
      { name: 'curl', url: 'http://HOST/NAME', token: '`Authorization: Bearer TOKEN`' },
    ],
    witness: {
      kind: 'proven',
      by: [
        'llama-server of llama.cpp 0.7.0 itself, asked by the official Node clients (openai, @anthropic-ai/sdk) and as its README says',
      ],
    },
  },
  [openai, native, unversioned, anthropic],
);
