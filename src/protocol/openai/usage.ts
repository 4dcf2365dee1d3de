/** OpenAI: tokens as an answer counts them. */

import type { Usage } from '../codec.ts';
import { isObject, member } from '../value.ts';

const count = (usage: unknown, name: string): number | null => {
  const value = member(usage, name);
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
};

/** Returns the usage of a body or chunk (chat: `prompt_tokens`, responses: `input_tokens`), or null. */
export const openaiUsage = (value: unknown): Usage | null => {
  const usage = member(value, 'usage');
  if (!isObject(usage)) return null;
  const input = count(usage, 'prompt_tokens') ?? count(usage, 'input_tokens');
  const output = count(usage, 'completion_tokens') ?? count(usage, 'output_tokens');
  return input === null && output === null ? null : { input: input ?? 0, output: output ?? 0 };
};
