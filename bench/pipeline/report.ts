/** What the bench tells: medians over rounds, ratios taken within a round, on which machine. */

import { arch, cpus, release } from 'node:os';
import process from 'node:process';
import { PINNING } from './child.ts';
import type { Sample } from './measure.ts';
import type { Variant } from './payload.ts';

/** One contender in one variant. */
export interface Row {
  readonly cpuMicrosPerCall: number;
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rssMiB: number;
  readonly cpuMicrosByPart?: Readonly<Record<string, number>>;
}

/** All contenders in one variant. */
export interface VariantReport {
  readonly title: string;
  readonly contenders: Readonly<Record<string, Row>>;
  /** Name → quotient of CPU times a call, the median over rounds. */
  readonly ratios: Readonly<Record<string, number>>;
}

/** The whole report; `contenders` and `ratios` at the top are those of the first variant. */
export interface PipelineReport extends Omit<VariantReport, 'title'> {
  readonly date: string;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly variants: Readonly<Record<string, VariantReport>>;
  readonly skipped: Readonly<Record<string, string>>;
  readonly fsyncsPerSecond: number;
  /** Calls sent to Sallyport, warm-up included. */
  readonly callsSent: number;
  /** Sessions in the ledger that `sallyport ledger verify` has checked. */
  readonly verifiedSessions: number;
}

/** Samples of one variant: contender → one sample a round. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

/** Returns the middle value; the lower of the two middle ones for an even count. */
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;

const round = (value: number): number => Number(value.toPrecision(4));

function row(samples: readonly Sample[]): Row {
  const of = (field: (sample: Sample) => number): number => round(median(samples.map(field)));
  const parts = Object.keys(samples[0]?.cpuMicrosByPart ?? {});
  const byPart = parts.map((part) => [part, of((sample) => sample.cpuMicrosByPart[part] ?? 0)] as const);
  return {
    cpuMicrosPerCall: of((sample) => sample.cpuMicrosPerCall),
    callsPerSecond: of((sample) => sample.callsPerSecond),
    p50Ms: of((sample) => sample.p50Ms),
    p99Ms: of((sample) => sample.p99Ms),
    rssMiB: of((sample) => sample.rssMiB),
    ...(parts.length === 0 ? {} : { cpuMicrosByPart: Object.fromEntries(byPart) }),
  };
}

const cpu = (sample: Sample): number => sample.cpuMicrosPerCall;
const data = (sample: Sample): number => sample.cpuMicrosByPart['data'] ?? Number.NaN;

/** Ratio → numerator and denominator. Taken within a round, so that a slow minute of the machine strikes both sides. */
const RATIOS: readonly (readonly [string, string, (s: Sample) => number, string])[] = [
  ['sallyportToBare', 'sallyport', cpu, 'bare'],
  ['sallyportDataThreadToBare', 'sallyport', data, 'bare'],
  ['sallyportToNginx', 'sallyport', cpu, 'nginx'],
  ['portkeyToSallyport', 'portkey', cpu, 'sallyport'],
];

/** Returns the report on one variant. */
export function reportVariant(variant: Variant, samples: Samples): VariantReport {
  const ratios = RATIOS.flatMap(([name, above, field, below]) => {
    const upper = samples.get(above) ?? [];
    const lower = samples.get(below) ?? [];
    if (upper.length === 0 || lower.length === 0) return [];
    return [[name, round(median(upper.map((sample, i) => field(sample) / cpu(lower[i]!))))] as const];
  });
  return {
    title: variant.title,
    contenders: Object.fromEntries(Array.from(samples, ([name, list]) => [name, row(list)])),
    ratios: Object.fromEntries(ratios),
  };
}

/** Returns what must be known of the machine to read the figures. */
export const describeMachine = (fileSystem: string): Record<string, string | number> => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  arch: arch(),
  kernel: release(),
  node: process.version,
  fileSystem,
  pinning: PINNING,
});

const COLUMNS = ['', 'CPU µs/call', 'calls/s', 'p50 ms', 'p99 ms', 'RSS MiB'] as const;

/** Returns the tables of a variant as lines. */
export function showVariant({ title, contenders, ratios }: VariantReport): readonly string[] {
  const cells = Object.entries(contenders).map(([name, r]) => [
    name,
    ...[r.cpuMicrosPerCall, r.callsPerSecond, r.p50Ms, r.p99Ms, r.rssMiB].map((value) => String(value)),
  ]);
  const rows = [[...COLUMNS], ...cells];
  const width = (column: number): number => Math.max(...rows.map((line) => line[column]?.length ?? 0));
  const table = rows.map((line) =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(width(i)) : cell.padStart(width(i)))).join('  '),
  );
  const parts = Object.entries(contenders['sallyport']?.cpuMicrosByPart ?? {});
  return [
    '',
    title,
    ...table.map((line) => `  ${line}`),
    ...(parts.length === 0 ? [] : [`  sallyport by part, µs/call: ${parts.map(([k, v]) => `${k} ${v}`).join(', ')}`]),
    `  CPU ratios: ${Object.entries(ratios)
      .map(([k, v]) => `${k} ${v}`)
      .join(', ')}`,
  ];
}
