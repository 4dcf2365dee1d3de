/** Keeps what limits count, over restarts and between gateways on one store, from the main thread. */

import { join } from 'node:path';
import type { Registry } from 'prom-client';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { readPostgres } from './config/postgres.ts';
import { readRecordingKey, resolveSecret } from './config/secrets.ts';
import { nameKey } from './limit/count-key.ts';
import { Counts, countsMemory } from './limit/counts.ts';
import { DistinctCounts, distinctMemory } from './limit/distinct.ts';
import { Exchange } from './limit/exchange.ts';
import { linkMemory, StoreLink } from './limit/store-link.ts';
import type { Log } from './log.ts';
import { openEmbeddedRows } from './store/embedded-rows.ts';
import type { SharedRows } from './store/shared-rows.ts';
import type { LimitMemory } from './threads.ts';
import { watchStore } from './watch/store-metrics.ts';

/**
 * How often counts are brought to the store, in ms: what a crash can lose. What one gateway counts is known to another
 * after two of these, so those on a shared store have less than half of the second that they may be apart.
 */
const EVERY = { embedded: 1_000, shared: 400 } as const;
/** Without an exchange for so long, what others count is not known. Milliseconds. */
const LOST_MS = 3_000;
/** Others forget which calls of this gateway are under way after so long, and it forgets theirs. Milliseconds. */
const DEAD_MS = 5_000;
/** Counts of distinct inputs are larger, and fewer rules have them. */
const COUNTS_PER_DISTINCT = 8;

/** Counts that are kept. */
export interface KeptLimits {
  readonly memory: LimitMemory;
  readonly metrics: Registry;
  /** Returns what is not as it should be, one line each, though calls pass; and what keeps calls from passing. */
  health(): { readonly notes: readonly string[]; readonly missing: readonly string[] };
  /** Brings what was counted last. */
  close(): Promise<void>;
}

/** What counts are kept for. */
export interface KeptFor {
  readonly config: Config;
  readonly baseDir: string;
  /** The data folder, absolute. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** A store, how often it is gone to, and what counts in it are named under. */
interface OpenStore {
  readonly rows: SharedRows;
  readonly shared: boolean;
  readonly key: Uint8Array;
}

/** Resolves to counts with what earlier runs and other gateways have left. Rejects with an Error when that cannot be read. */
export async function keepLimits(kept: KeptFor): Promise<KeptLimits> {
  const { config, clock, log } = kept;
  const slots = config.limits.counts;
  const { rows, shared, key } = await openStore(kept);
  const memory = {
    counts: countsMemory(slots),
    distinct: distinctMemory(slots / COUNTS_PER_DISTINCT),
    link: linkMemory(),
    key,
  };
  const tables = { counts: new Counts(memory.counts), distinct: new DistinctCounts(memory.distinct) };
  const exchange = new Exchange(tables, rows);
  const link = new StoreLink(memory.link);
  let agreed = performance.now();
  let failing = false;
  const silence = (): number => (shared ? performance.now() - agreed : 0);
  const isUp = (): boolean => !failing && silence() <= LOST_MS;
  const watcher = watchStore(() => ({ up: isUp(), ahead: link.ahead }));

  const bring = async (): Promise<void> => {
    link.ahead = rows.ahead;
    const { homeless, unbelieved } = await exchange.run(clock.now() + link.ahead);
    link.ahead = rows.ahead;
    if (homeless > 0) log.warn({ homeless, slots }, 'there is no room for all counts of limits: see limits.counts');
    if (unbelieved > 0)
      log.warn({ unbelieved }, 'the store has counts of limits that cannot be true; they do not count');
    if (failing) log.info({}, 'counts of limits are kept again');
    failing = false;
    link.refuses = false;
    agreed = performance.now();
    watcher.exchanged();
  };
  const run = (): Promise<void> =>
    bring().catch((err: unknown) => {
      // calls go on: this process counts right, and what was not brought is brought later
      if (!failing) log.error({ err }, shared ? LOST : 'counts of limits cannot be kept: a restart would forget them');
      failing = true;
    });
  const look = (): void => {
    if (silence() > LOST_MS) link.refuses = config.limits.on_store_lost === 'refuse';
    if (silence() > DEAD_MS) exchange.forgetPlaces(clock.now() + link.ahead);
  };

  // a gateway that has never seen what others count would begin with every limit unused
  if (shared)
    await bring().catch(async (cause: unknown) => {
      await rows.close();
      throw cause;
    });
  else await run();
  const every = EVERY[shared ? 'shared' : 'embedded'];
  const running = repeat(run, every);
  const looking = setInterval(look, every).unref();
  return {
    memory,
    metrics: watcher.registry,
    health() {
      const lines = shared && !isUp() ? [LOST] : [];
      return link.refuses ? { notes: [], missing: lines } : { notes: lines, missing: [] };
    },
    async close() {
      clearInterval(looking);
      await running.stop();
      await run();
      await rows.close();
    },
  };
}

/** Runs `step` every so many milliseconds, one at a time. `stop` resolves when the last has ended. */
function repeat(step: () => Promise<void>, every: number): { stop(): Promise<void> } {
  let underway = Promise.resolve();
  let timer: NodeJS.Timeout | null = null;
  const plan = (wait: number): void => {
    timer = setTimeout(() => {
      const began = performance.now();
      underway = step().then(() => (timer === null ? undefined : plan(every - (performance.now() - began))));
    }, wait).unref();
  };
  plan(every);
  return {
    async stop() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      await underway;
    },
  };
}

const LOST = 'the store that limits are shared through cannot be reached: what other gateways count is not known';

async function openStore({ config, baseDir, folder }: KeptFor): Promise<OpenStore> {
  const { postgres } = config.store;
  if (postgres === undefined) {
    const key = nameKey(readRecordingKey(config.recording.key, baseDir));
    return { rows: openEmbeddedRows(folder), shared: false, key };
  }
  // only who has a database loads what speaks to it
  const { openPostgresRows } = await import('./store/postgres-rows.ts');
  const access = readPostgres(postgres, (ref) => resolveSecret(ref, baseDir));
  try {
    const rows = await openPostgresRows(access, access.key);
    return { rows, shared: true, key: rows.key };
  } catch (cause) {
    const where = join(`${access.host}:${access.port}`, access.database);
    throw new Error(`the database ${where} (store.postgres) cannot be used: ${reasonOf(cause)}`, { cause });
  }
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
