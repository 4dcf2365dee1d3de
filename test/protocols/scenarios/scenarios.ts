import { ANTHROPIC } from './anthropic.ts';
import { AZURE } from './azure.ts';
import { BEDROCK } from './bedrock.ts';
import { COHERE } from './cohere.ts';
import { GEMINI } from './gemini.ts';
import { OLLAMA } from './ollama.ts';
import { OPENAI } from './openai.ts';
import { TGI } from './tgi.ts';
import type { Scenario } from './scenario.ts';

/** Everything that the clients do. */
export const SCENARIOS: readonly Scenario[] = [
  ...OPENAI,
  ...AZURE,
  ...ANTHROPIC,
  ...BEDROCK,
  ...COHERE,
  ...GEMINI,
  ...OLLAMA,
  ...TGI,
];
