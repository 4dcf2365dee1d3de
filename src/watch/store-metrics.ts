/** Metrics of the store that limits are kept in. */

import { Counter, Gauge, Registry } from 'prom-client';

/** How that store is doing. */
export interface StoreState {
  readonly up: boolean;
  /** Milliseconds that its clock is ahead of this machine's. */
  readonly ahead: number;
}

/** What is told of a store. */
export interface StoreWatcher {
  readonly registry: Registry;
  /** Counts are the same here and there again. */
  exchanged(): void;
}

/** Returns metrics that read `state` when they are scraped. */
export function watchStore(state: () => StoreState): StoreWatcher {
  const registry = new Registry();
  const up: Gauge = new Gauge({
    name: 'sallyport_limit_store_up',
    help: '1 while what limits count is brought to the store and back; 0 while it cannot be.',
    registers: [registry],
    collect: () => up.set(state().up ? 1 : 0),
  });
  const ahead: Gauge = new Gauge({
    name: 'sallyport_limit_store_ahead_seconds',
    help: 'How far the clock of the store that limits count by is ahead of that of this machine.',
    registers: [registry],
    collect: () => ahead.set(state().ahead / 1_000),
  });
  const exchanges = new Counter({
    name: 'sallyport_limit_exchanges_total',
    help: 'How often what limits count was brought to the store and back.',
    registers: [registry],
  });
  return { registry, exchanged: () => exchanges.inc() };
}
