/** vLLM: OpenAI's and Anthropic's APIs, and what it has beside them on the same port. (docs.vllm.ai, OpenAI-compatible server) */

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

/** Its requests name and spell things as OpenAI's do. */
const extras: Codec = { ...openai, operation: compileOperations(OPERATIONS), stream: () => null };

/** The codec of a server that is vLLM. */
export const vllm: Codec = combine(
  'vllm',
  {
    ...openai.about,
    title: 'vLLM',
    operations: [...openai.about.operations, ...anthropic.about.operations, ...OPERATIONS],
    limits: `${openai.about.limits}; prompts repeated in tokens are withheld too`,
    clients: [
      { name: 'openai', url: 'http://HOST/NAME/v1', token: '`api_key`' },
      { name: '@anthropic-ai/sdk', url: 'http://HOST/NAME', token: '`apiKey`' },
    ],
    witness: { kind: 'unproven' },
  },
  [openai, anthropic, extras],
);
