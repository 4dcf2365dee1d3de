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

/** Returns fresh metrics; label sets are bound once, so that a call costs additions only. */
export function createCallMetrics(): CallMetrics {
  const registry = new Registry();
  const registers = [registry];
  const calls = new Counter({
    name: 'sallyport_calls_total',
    help: 'Calls by service and the one reason they ended with.',
    labelNames: ['service', 'reason'],
    registers,
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
  const findings = new Counter({
    name: 'sallyport_findings_total',
    help: 'Findings by direction and kind.',
    labelNames: ['direction', 'kind'],
    registers,
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
  const active = new Gauge({ name: 'sallyport_active_calls', help: 'Calls under way.', registers });

  const limited = new Counter({
    name: 'sallyport_limited_calls_total',
    help: 'Calls that a limit refused or ended, by its rule and the reason.',
    labelNames: ['rule', 'reason'],
    registers,
  });

  const callsOf = remember((key: string) => {
    const [service = '', reason = ''] = key.split(' ');
    return calls.labels(service, reason);
  });
  const secondsOf = remember((service: string) => seconds.labels(service));
  return {
    registry,
    ended(service, reason, micros) {
      callsOf(`${service} ${reason}`).inc();
      secondsOf(service).observe(micros / 1e6);
    },
    refused: (reason) => refusals.inc({ reason }),
    finding: (direction, kind, count) => findings.inc({ direction, kind }, count),
    classified(classifier, direction, { outcome, asked, micros }) {
      classified.inc({ classifier, direction, outcome });
      if (asked > 0) classifying.observe({ classifier }, micros / 1e6);
    },
    active: (count) => active.set(count),
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
