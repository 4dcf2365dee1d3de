/** `npm run bench -- limit`: what three limits add to a call, from its verdict to its end, in one run with and without. */

import { randomBytes } from 'node:crypto';
import type { Usage } from '../src/protocol/codec.ts';
import { configSchema } from '../src/config.ts';
import { subjectOf, writtenCallSchema } from '../src/decide/case.ts';
import { compilePolicies } from '../src/decide/compile.ts';
import { decide } from '../src/decide/decide.ts';
import { compileLimits } from '../src/limit/compile.ts';
import { Counts, countsMemory } from '../src/limit/counts.ts';
import { DistinctCounts, distinctMemory } from '../src/limit/distinct.ts';
import { limit } from '../src/limit/limit.ts';
import type { BenchOptions } from './bench.ts';

/** Microseconds a call, the median of some rounds. */
export interface LimitReport {
  /** The verdict alone. */
  readonly without: number;
  /** The verdict, what is taken, and what is settled at the end, with one caller and with a thousand. */
  readonly oneCaller: number;
  readonly manyCallers: number;
  /** Charging one event of a stream. */
  readonly event: number;
}

const ALLOW = { name: 'ml', when: '"ml" in caller.groups', then: 'allow' };
const LIMITS = [
  { name: 'fair', when: 'call.service == "llm"', limit: { per: ['caller'], requests: 1_000_000_000, within: '1m' } },
  { name: 'dear', when: 'true', limit: { per: ['caller', 'model'], tokens: 1_000_000_000_000, within: '1h' } },
  { name: 'wide', when: 'call.service == "llm"', limit: { per: ['caller'], concurrent: 100 } },
];
const USAGE: Usage = { input: 300, output: 120 };
const ROUNDS = 9;
const NOW = Date.UTC(2026, 0, 5, 12);

const SUBJECTS = Array.from({ length: 1_000 }, (_, person) =>
  subjectOf(
    writtenCallSchema.parse({
      caller: { subject: `person-${person}`, groups: ['ml', 'all'] },
      call: { service: 'llm', model: 'gpt-4o-mini', stream: true, texts: ['What does this mean? '.repeat(50)] },
    }),
    NOW,
  ),
);

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Measures and tells. Rounds of all four take turns, so that what else the machine does meets each alike. */
export function run({ quick, say }: BenchOptions): Promise<LimitReport> {
  const count = quick ? 5_000 : 50_000;
  const source = (rules: readonly unknown[]) => ({
    policies: configSchema.shape.policies.parse(rules),
    masking: [],
    services: [{ name: 'llm' }],
  });
  const plain = compilePolicies(source([ALLOW]));
  const limited = compilePolicies(source([ALLOW, ...LIMITS]));
  const limits = compileLimits({ ...source([ALLOW, ...LIMITS]), prices: [], secret: randomBytes(32) });
  const tables = { counts: new Counts(countsMemory(65_536)), distinct: new DistinctCounts(distinctMemory(64)) };
  let now = NOW;

  const begin = (people: number, at: number) => {
    const { caller, request, facts } = SUBJECTS[at % people]!;
    const verdict = decide(limited, caller, request, facts, now);
    const each = [facts];
    const taken = limit(limits, tables, { limits: verdict.limits ?? [], each, input: nothing, held: null }, now);
    if (taken.kind === 'over') throw new Error(`expected every call to pass, found ${taken.detail}`);
    return taken;
  };
  const call = (people: number, at: number): void => {
    const taken = begin(people, at);
    taken.forwarded();
    taken.end({ reason: 'completed', status: 200, usage: USAGE }, now);
  };
  const work = {
    without(at: number) {
      const { caller, request, facts } = SUBJECTS[at % 1_000]!;
      if (decide(plain, caller, request, facts, now).effect !== 'allow') throw new Error('expected an allow');
    },
    oneCaller: (at: number) => call(1, at),
    manyCallers: (at: number) => call(1_000, at),
    event: (at: number) => {
      if (stream.wrote(at * 4, now) !== null) throw new Error('expected a stream that goes on');
    },
  };
  let stream = begin(1, 0);
  const times: Record<keyof LimitReport, number[]> = { without: [], oneCaller: [], manyCallers: [], event: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of ['without', 'oneCaller', 'manyCallers', 'event'] as const) {
      stream.end({ reason: 'completed', status: 200, usage: USAGE }, now);
      stream = begin(1, 0);
      const began = performance.now();
      for (let at = 0; at < count; at++) work[name](at);
      times[name].push(((performance.now() - began) * 1000) / count);
      now += 7_000;
    }
  }
  const report = {
    without: median(times.without),
    oneCaller: median(times.oneCaller),
    manyCallers: median(times.manyCallers),
    event: median(times.event),
  };
  const told = (micros: number, what: string): void => say(`  ${micros.toFixed(2).padStart(8)} µs  ${what}`);
  told(report.without, 'a verdict without limits');
  told(report.oneCaller - report.without, 'three limits add: conditions, taking, settling; one caller');
  told(report.manyCallers - report.without, 'three limits add, a thousand callers in turn');
  told(report.event, 'charging one event of a stream');
  return Promise.resolve(report);
}

const nothing = () => ({ high: 0, low: 0 });
