/** Metrics of the recorder thread. */

import { Gauge, Registry } from 'prom-client';

/** Totals since the start. */
export interface RecordingNumbers {
  readonly syncs: number;
  readonly leaves: number;
  readonly undurable: number;
  readonly unsealed: number;
  readonly erased: number;
  readonly removed: number;
  readonly keyFailures: number;
  /** 1 or 0. */
  readonly keyOverdue: number;
}

const NAMES = {
  syncs: ['sallyport_journal_syncs_total', 'Times the journals were synced to disk.'],
  leaves: ['sallyport_ledger_leaves_total', 'Leaves that this run has added to the ledger.'],
  undurable: ['sallyport_journal_undurable_bytes', 'Bytes of journals that are written and not yet on disk.'],
  unsealed: ['sallyport_journal_unsealed_bytes', 'Bytes of journals that are on disk and not yet sealed.'],
  erased: ['sallyport_sessions_erased_total', 'Sessions whose keys this run has destroyed.'],
  removed: ['sallyport_journals_erased_total', 'Journals that this run has removed because all in them was erased.'],
  keyFailures: [
    'sallyport_recording_key_failures_total',
    'Recording keys that could not be made because a key service did not wrap them.',
  ],
  keyOverdue: [
    'sallyport_recording_key_overdue',
    '1 while the recording key in use is for the recipients of an earlier config: a key service does not wrap a new one.',
  ],
} as const satisfies Record<keyof RecordingNumbers, readonly [string, string]>;

const KEYS = [
  'syncs',
  'leaves',
  'undurable',
  'unsealed',
  'erased',
  'removed',
  'keyFailures',
  'keyOverdue',
] as const satisfies (keyof RecordingNumbers)[];

/** Returns a registry whose gauges read `totals` when they are scraped; null before there is a recording. */
export function createRecordingMetrics(totals: () => RecordingNumbers | null): Registry {
  const registry = new Registry();
  for (const key of KEYS) {
    const [name, help] = NAMES[key];
    const gauge: Gauge = new Gauge({ name, help, registers: [], collect: () => gauge.set(totals()?.[key] ?? 0) });
    registry.registerMetric(gauge);
  }
  return registry;
}
