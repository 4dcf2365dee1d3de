/** Compiles the limits of a config: which counts each rule has, and how much of what they hold. */

import { createHmac } from 'node:crypto';
import type { LimitConfig, PolicyConfig, PriceConfig } from '../config.ts';
import type { Bound } from '../config/limit-text.ts';
import { type KeyOf, keysOf } from './count-key.ts';
import { CELLS_PER_WINDOW } from './counts.ts';
import { GENERATIONS_PER_WINDOW } from './distinct.ts';
import { Level } from './level.ts';
import { compilePrices, type Price, UNIT } from './prices.ts';

/** What is summed up over a window. */
export type Summed = Exclude<Bound, 'concurrent' | 'distinct_inputs'>;

/** A sum over a window that may not be more than `most`. */
export interface Sum {
  readonly bound: Summed;
  readonly most: number;
  readonly keyOf: KeyOf;
}

/** Something else that is counted, with its bound. */
export interface Counted {
  readonly most: number;
  readonly keyOf: KeyOf;
}

/** The limit of one rule, ready to count. */
export interface Limit {
  readonly rule: string;
  /** What the caller is told; empty for nothing but the bound. */
  readonly message: string;
  readonly config: LimitConfig;
  readonly sums: readonly Sum[];
  readonly concurrent: Counted | null;
  readonly distinct: Counted | null;
  readonly level: Level;
}

/** All limits of one config. */
export interface Limits {
  readonly byRule: ReadonlyMap<string, Limit>;
  readonly priceOf: (model: string) => Price | null;
  /** Returns 64 bits by which inputs are told apart. */
  readonly inputOf: (bytes: Uint8Array) => { readonly high: number; readonly low: number };
}

const SUMS: readonly Summed[] = ['requests', 'tokens', 'spend', 'answer_tokens', 'answer_bytes'];
/** Places have no window; a slot needs some width. */
const NO_WINDOW = 1_000;

/** What limits are compiled from. */
export interface LimitSource {
  readonly policies: readonly PolicyConfig[];
  readonly prices: readonly PriceConfig[];
  /** What counts are named under; the same for all processes of a deployment. */
  readonly secret: Uint8Array;
}

/**
 * Returns the limits of a config. A count is named by its rule, what it counts and its window: it goes on over a reload
 * that changes how much it may hold.
 */
export function compileLimits({ policies, prices, secret }: LimitSource): Limits {
  const byRule = new Map<string, Limit>();
  for (const { name, message, limit } of policies) {
    if (limit !== undefined) byRule.set(name, compileLimit(name, message ?? '', limit, secret));
  }
  const inputOf: Limits['inputOf'] = (bytes) => {
    const digest = createHmac('sha256', secret).update('input ').update(bytes).digest();
    return { high: digest.readInt32LE(0), low: digest.readInt32LE(4) };
  };
  return { byRule, priceOf: compilePrices(prices), inputOf };
}

function compileLimit(rule: string, message: string, config: LimitConfig, secret: Uint8Array): Limit {
  const { within = NO_WINDOW, per } = config;
  // the words of `per` are part of the name, or a count for each caller would go on as one for each model
  const idOf = (bound: Bound): string => JSON.stringify([rule, bound, within, per.toSorted()]);
  const counted = (bound: Bound, cells: number): Counted | null => {
    const most = config[bound];
    if (most === undefined) return null;
    return {
      most: bound === 'spend' ? Math.floor(most * UNIT) : most,
      keyOf: keysOf(secret, idOf(bound), within / cells),
    };
  };
  return {
    rule,
    message,
    config,
    sums: SUMS.flatMap((bound) => {
      const sum = counted(bound, CELLS_PER_WINDOW);
      return sum === null ? [] : [{ bound, ...sum }];
    }),
    concurrent: counted('concurrent', 1),
    distinct: counted('distinct_inputs', GENERATIONS_PER_WINDOW),
    level: new Level(),
  };
}
