import { ANTHROPIC } from './anthropic.ts';
import { AZURE } from './azure.ts';
import { BEDROCK } from './bedrock.ts';
import { COHERE } from './cohere.ts';
import { GEMINI } from './gemini.ts';
import { LLAMA_SERVER } from './llama-server.ts';
import { OLLAMA } from './ollama.ts';
import { OPENAI } from './openai.ts';
import { TGI } from './tgi.ts';
import { TORCHSERVE } from './torchserve.ts';
import { VLLM } from './vllm.ts';
import type { Scenario } from './scenario.ts';

/** What the clients do that a mock of many providers answers. */
export const MOCKED: readonly Scenario[] = [
  ...OPENAI,
  ...AZURE,
  ...ANTHROPIC,
  ...BEDROCK,
  ...COHERE,
  ...GEMINI,
  ...OLLAMA,
  ...TGI,
];

/** Everything that the clients do. */
export const SCENARIOS: readonly Scenario[] = [...MOCKED, ...LLAMA_SERVER, ...VLLM, ...TORCHSERVE];
