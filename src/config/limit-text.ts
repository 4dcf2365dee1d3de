/** Says a limit in words, for refusals and for `sallyport policy explain`. */

import type { LimitConfig } from '../config.ts';

const BOUNDS = {
  requests: 'requests',
  tokens: 'tokens',
  spend: 'cost',
  answer_tokens: 'answer tokens',
  answer_bytes: 'answer bytes',
  distinct_inputs: 'distinct inputs',
  concurrent: 'calls at once',
} as const;

/** What a limit can bound. */
export type Bound = keyof typeof BOUNDS;

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

/** Returns a duration in the largest unit that holds it whole, as a config writes it. */
const showDuration = (ms: number): string => {
  const [unit, size] = UNITS.find(([, size]) => ms % size === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
};

/** Returns one bound of a limit in words, such as `60 requests within 1m`; empty when it has no such bound. */
export const boundText = (limit: LimitConfig, bound: Bound): string => {
  const most = limit[bound];
  if (most === undefined) return '';
  const text = `${most} ${BOUNDS[bound]}`;
  return bound === 'concurrent' || limit.within === undefined ? text : `${text} within ${showDuration(limit.within)}`;
};

const isBound = (key: string): key is Bound => Object.hasOwn(BOUNDS, key);

/** Returns a limit in words: `60 requests within 1m, 4 calls at once, per caller and model`. */
export const limitText = (limit: LimitConfig): string => {
  const bounds = Object.keys(BOUNDS)
    .filter(isBound)
    .map((bound) => boundText(limit, bound))
    .filter((text) => text !== '');
  return [...bounds, limit.per.length === 0 ? 'for all together' : `per ${limit.per.join(' and ')}`].join(', ');
};
