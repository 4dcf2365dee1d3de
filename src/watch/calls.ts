/** Tells of every ended call: one line in the log and one count in the metrics, with the same reason (promise 5). */

import type { Caller, Classified } from '../call.ts';
import type { Log } from '../log.ts';
import type { Reason } from '../reasons.ts';
import type { CallMetrics } from './metrics.ts';

/** What is told of a call; nothing of its payload. */
export interface EndedCall {
  readonly session: string;
  readonly service: string;
  readonly operation: string;
  readonly model: string;
  readonly caller: Caller | null;
  readonly reason: Reason;
  readonly status: number;
  readonly rule: string;
  readonly micros: number;
  /** In the answer, and in the request: entity kind → count. */
  readonly findings: Readonly<Record<string, number>>;
  readonly requestFindings: Readonly<Record<string, number>>;
  /** What classifiers said, by name. */
  readonly classified: Readonly<Record<'request' | 'answer', Readonly<Record<string, Classified>>>>;
}

/** Takes note of calls. */
export interface CallWatcher {
  ended(call: EndedCall): void;
  refused(reason: Reason): void;
  active(calls: number): void;
  /** A limit refused a call, or ended its answer. */
  limited(rule: string, reason: Reason): void;
}

/** Returns a watcher that logs and counts. */
export function watchCalls(metrics: CallMetrics, log: Log): CallWatcher {
  return {
    ended(call) {
      const { session, service, operation, model, caller, reason, status, rule, micros } = call;
      metrics.ended(service, reason, micros);
      count(metrics, 'request', call.requestFindings);
      count(metrics, 'answer', call.findings);
      countClassified(metrics, 'request', call.classified.request);
      countClassified(metrics, 'answer', call.classified.answer);
      const subject = caller === null ? '' : caller.subject;
      log.info({ session, service, operation, model, subject, reason, status, rule, micros }, 'call');
    },
    refused: (reason) => metrics.refused(reason),
    active: (calls) => metrics.active(calls),
    limited: (rule, reason) => metrics.limited(rule, reason),
  };
}

function countClassified(
  metrics: CallMetrics,
  direction: 'request' | 'answer',
  classified: Readonly<Record<string, Classified>>,
): void {
  for (const name in classified) {
    const said = classified[name];
    if (said !== undefined) metrics.classified(name, direction, said);
  }
}

function count(
  metrics: CallMetrics,
  direction: 'request' | 'answer',
  findings: Readonly<Record<string, number>>,
): void {
  for (const kind in findings) metrics.finding(direction, kind, findings[kind] ?? 0);
}
