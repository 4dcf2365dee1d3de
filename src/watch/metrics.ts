/** Metrics of one thread, in the Prometheus data model; the control port adds the threads up. */

import { Counter, Gauge, Histogram, Registry, type MetricObjectWithValues, type MetricValue } from 'prom-client';
import type { Classified } from '../call.ts';
import type { Reason } from '../reasons.ts';

/** The metrics of one data worker. */
export interface CallMetrics {
  readonly registry: Registry;
  ended(service: string, reason: Reason, micros: number): void;
  refused(reason: Reason): void;
  finding(direction: 'request' | 'answer', kind: string, count: number): void;
  classified(classifier: string, direction: 'request' | 'answer', said: Classified): void;
  active(calls: number): void;
  limited(rule: string, reason: Reason): void;
}

/** Seconds; from a refused call to a long generation. */
const BUCKETS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 30, 120, 600];

/** Counts by two labels. prom-client checks and joins the labels at each addition; this adds, and is read when it is scraped. */
class Tally {
  readonly #counts = new Map<string, Map<string, number>>();

  add(first: string, second: string, more: number): void {
    const counts = this.#counts.get(first);
    if (counts === undefined) this.#counts.set(first, new Map([[second, more]]));
    else counts.set(second, (counts.get(second) ?? 0) + more);
  }

  *[Symbol.iterator](): Generator<readonly [string, string, number]> {
    for (const [first, counts] of this.#counts) for (const [second, count] of counts) yield [first, second, count];
  }
}

/** What a counter of two labels is called. */
interface TallyName {
  readonly name: string;
  readonly help: string;
  readonly labelNames: [string, string];
}

/** Adds a counter to a registry that says what a tally has counted. */
function tallied(registry: Registry, tally: Tally, { name, help, labelNames }: TallyName): void {
  const counter = new Counter<string>({
    name,
    help,
    labelNames,
    registers: [],
    collect() {
      this.reset();
      const [one, other] = labelNames;
      for (const [first, second, count] of tally) this.inc({ [one]: first, [other]: second }, count);
    },
  });
  registry.registerMetric(counter);
}

/** Returns fresh metrics; a call costs additions only. */
export function createCallMetrics(): CallMetrics {
  const registry = new Registry();
  const registers = [registry];
  const calls = new Tally();
  tallied(registry, calls, {
    name: 'sallyport_calls_total',
    help: 'Calls by service and the one reason they ended with.',
    labelNames: ['service', 'reason'],
  });
  const seconds = new Histogram({
    name: 'sallyport_call_seconds',
    help: 'Time from the request head to the end of the answer.',
    labelNames: ['service'],
    buckets: BUCKETS,
    registers,
  });
  const refusals = new Counter({
    name: 'sallyport_refused_requests_total',
    help: 'Requests of nobody identified, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const findings = new Tally();
  tallied(registry, findings, {
    name: 'sallyport_findings_total',
    help: 'Findings by direction and kind.',
    labelNames: ['direction', 'kind'],
  });
  const classified = new Counter({
    name: 'sallyport_classified_total',
    help: 'Requests and answers by classifier and what came of it; failed and skipped are no passes.',
    labelNames: ['classifier', 'direction', 'outcome'],
    registers,
  });
  const classifying = new Histogram({
    name: 'sallyport_classifier_seconds',
    help: 'The longest question of a request or an answer to a classifier.',
    labelNames: ['classifier'],
    buckets: BUCKETS,
    registers,
  });
  let underWay = 0;
  registry.registerMetric(
    new Gauge({
      name: 'sallyport_active_calls',
      help: 'Calls under way.',
      registers: [],
      collect() {
        this.set(underWay);
      },
    }),
  );
  const limited = new Counter({
    name: 'sallyport_limited_calls_total',
    help: 'Calls that a limit refused or ended, by its rule and the reason.',
    labelNames: ['rule', 'reason'],
    registers,
  });

  const secondsOf = remember((service: string) => seconds.labels(service));
  return {
    registry,
    ended(service, reason, micros) {
      calls.add(service, reason, 1);
      secondsOf(service).observe(micros / 1e6);
    },
    refused: (reason) => refusals.inc({ reason }),
    finding: (direction, kind, count) => findings.add(direction, kind, count),
    classified(classifier, direction, { outcome, asked, micros }) {
      classified.inc({ classifier, direction, outcome });
      if (asked > 0) classifying.observe({ classifier }, micros / 1e6);
    },
    active(count) {
      underWay = count;
    },
    limited: (rule, reason) => limited.inc({ rule, reason }),
  };
}

function remember<V>(make: (key: string) => V): (key: string) => V {
  const made = new Map<string, V>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const fresh = make(key);
    made.set(key, fresh);
    return fresh;
  };
}

export type MetricsSnapshot = MetricObjectWithValues<MetricValue<string>>[];
