import { ANTHROPIC } from './anthropic.ts';
import { OLLAMA } from './ollama.ts';
import { OPENAI } from './openai.ts';
import type { Scenario } from './scenario.ts';

/** Everything that the clients do. */
export const SCENARIOS: readonly Scenario[] = [...OPENAI, ...ANTHROPIC, ...OLLAMA];
