/** Metrics of limits: how close to exhaustion each is. */

import { Gauge, type Registry } from 'prom-client';

/** How full the fullest count of a rule is, 0 to 1. */
export interface LimitLevel {
  readonly rule: string;
  readonly level: number;
}

/** Adds a gauge that reads `levels` when it is scraped; over all threads, the highest counts. */
export function watchLimits(registry: Registry, levels: () => readonly LimitLevel[]): void {
  const gauge: Gauge = new Gauge({
    name: 'sallyport_limit_level',
    help: 'Share of a limit that its fullest count has used in the last one to two minutes, by rule; 1 is the limit.',
    labelNames: ['rule'],
    aggregator: 'max',
    registers: [],
    collect: () => {
      gauge.reset();
      for (const { rule, level } of levels()) gauge.set({ rule }, level);
    },
  });
  registry.registerMetric(gauge);
}
