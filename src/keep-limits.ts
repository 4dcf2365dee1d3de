/** Keeps what limits count, over restarts and between processes on one store: once a second, from the main thread. */

import type { Clock } from './clock.ts';
import type { Log } from './log.ts';
import { Counts, countsMemory } from './limit/counts.ts';
import { DistinctCounts, distinctMemory } from './limit/distinct.ts';
import { Exchange } from './limit/exchange.ts';
import { openLimitCounts } from './store/limit-counts.ts';
import type { LimitMemory } from './threads.ts';

/** How often counts are brought to the store, in ms: what a crash can lose, and how far processes can be apart. */
const EVERY_MS = 1_000;
/** Counts of distinct inputs are larger, and fewer rules have them. */
const COUNTS_PER_DISTINCT = 8;

/** Counts that are kept. */
export interface KeptLimits {
  readonly memory: LimitMemory;
  /** Brings what was counted last. */
  close(): void;
}

/** Returns the memory of `slots` counts with what earlier runs have left in `folder`. */
export function keepLimits(folder: string, slots: number, clock: Clock, log: Log): KeptLimits {
  const memory = { counts: countsMemory(slots), distinct: distinctMemory(slots / COUNTS_PER_DISTINCT) };
  const store = openLimitCounts(folder);
  const tables = { counts: new Counts(memory.counts), distinct: new DistinctCounts(memory.distinct) };
  const exchange = new Exchange(tables, store);
  let failing = false;
  const run = (): void => {
    try {
      const homeless = exchange.run(clock.now());
      if (homeless > 0) log.warn({ homeless, slots }, 'there is no room for all counts of limits: see limits.counts');
      if (failing) log.info({}, 'counts of limits are kept again');
      failing = false;
    } catch (err) {
      // calls go on: this process counts right, and what was not brought is brought later
      if (!failing) log.error({ err }, 'counts of limits cannot be kept: a restart would forget them');
      failing = true;
    }
  };
  run();
  const timer = setInterval(run, EVERY_MS).unref();
  return {
    memory,
    close() {
      clearInterval(timer);
      run();
      store.close();
    },
  };
}
