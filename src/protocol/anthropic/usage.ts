/** Anthropic: tokens as an answer counts them. */

import type { Usage } from '../codec.ts';
import { isObject, member } from '../value.ts';

/** Input that was written to a cache or read from one is counted beside `input_tokens`. */
const INPUT = ['input_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens'] as const;

const count = (usage: unknown, name: string): number => {
  const value = member(usage, name);
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
};

/** Returns the usage of a message or of an event's `usage`, or null. */
export const anthropicUsage = (holder: unknown): Usage | null => {
  const usage = member(holder, 'usage');
  if (!isObject(usage)) return null;
  return { input: INPUT.reduce((sum, name) => sum + count(usage, name), 0), output: count(usage, 'output_tokens') };
};
