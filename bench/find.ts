/**
 * `npm run bench -- find`: how long a list of sessions takes in an index of ten million (a hundred thousand with
 * `--quick`), for each filter, at random places; and what writing the rows takes.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { firstIdAt } from '../src/record/session-id.ts';
import { listSessions, type SessionFilter } from '../src/store/list-sessions.ts';
import { type IndexTables, indexWriter, type SessionRow } from '../src/store/sessions.ts';
import { openIndex } from '../src/store/sqlite.ts';
import type { BenchOptions } from './bench.ts';

/** The sessions lie within so many days. */
const DAYS = 90;
const FROM = Date.UTC(2026, 0, 1);
const QUERIES = 200;

/** A generator of numbers below 1 that gives the same ones each time (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Few of many get most, as callers and models do. */
const skewed = (random: () => number, count: number): number => Math.floor(count * random() ** 4);

const FEATURES = JSON.stringify(Array.from({ length: 25 }, (_, n) => n * 1000));
const KINDS = ['email', 'phone', 'credit_card', 'iban', 'secret'];

function rowAt(n: number, count: number, random: () => number): SessionRow {
  const at = FROM + Math.floor((n / count) * DAYS * 86_400_000);
  const isRare = n % 200_000 === 7;
  const isDenied = random() < 0.05;
  const kind = random() < 0.1 ? (KINDS[skewed(random, KINDS.length)] ?? '') : '';
  return {
    id:
      firstIdAt(at).slice(0, 10) +
      Math.floor(random() * 2 ** 52)
        .toString(32)
        .padStart(16, '0')
        .replaceAll(/[ilou]/g, 'w'),
    at,
    issuer: 'https://idp.example.com',
    subject: `person-${skewed(random, 5000)}`,
    kind: 'human',
    service: isRare ? 'rare' : `service-${skewed(random, 12)}`,
    operation: 'chat',
    model: isRare ? 'rare-model' : `model-${skewed(random, 40)}`,
    effect: isDenied ? 'deny' : 'allow',
    rule: 'ml-may-chat',
    reason: isDenied ? 'policy-denied' : 'completed',
    status: isDenied ? 403 : 200,
    ended: 'ok',
    approval: random() < 0.001 ? `approval-${n}` : '',
    duration: 1_234_567,
    first: 123_456,
    input_tokens: 900,
    output_tokens: 300,
    request_bytes: 4000,
    answer_bytes: 9000,
    findings: kind === '' ? 0 : 1,
    kinds: isRare ? ' us_ssn ' : kind && ` ${kind} `,
    features: FEATURES,
    leaf: n * 2,
    end_leaf: n * 2 + 1,
    stream: '0123456789abcdef-w0',
    places: '1z4 3k 9zz',
  };
}

/** Filters as people ask: a page of fifty, at some time. */
const FILTERS: Readonly<Record<string, (random: () => number) => Omit<SessionFilter, 'limit'>>> = {
  none: () => ({}),
  caller: (random) => ({ caller: `person-${skewed(random, 5000)}` }),
  service: (random) => ({ service: `service-${skewed(random, 12)}` }),
  model: (random) => ({ model: `model-${skewed(random, 40)}` }),
  'rare model': () => ({ model: 'rare-model' }),
  'service and model': (random) => ({ service: `service-${skewed(random, 12)}`, model: `model-${skewed(random, 40)}` }),
  'no such pair': () => ({ service: 'rare', model: 'model-0' }),
  reason: () => ({ reason: 'policy-denied' }),
  finding: (random) => ({ finding: KINDS[skewed(random, KINDS.length)] ?? '' }),
  'rare finding': () => ({ finding: 'us_ssn' }),
  'caller and reason': (random) => ({ caller: `person-${skewed(random, 5000)}`, reason: 'policy-denied' }),
  // pairs that many sessions meet each, and few or none together
  'caller, rare service': (random) => ({ caller: `person-${skewed(random, 5)}`, service: 'rare' }),
  'caller, finding': (random) => ({ caller: `person-${skewed(random, 5000)}`, finding: 'email' }),
  'reason, rare model': () => ({ reason: 'policy-denied', model: 'rare-model' }),
  'reason, service and model': (random) => ({
    reason: 'policy-denied',
    service: `service-${skewed(random, 12)}`,
    model: `model-${skewed(random, 40)}`,
  }),
  'caller, service': (random) => ({
    caller: `person-${skewed(random, 5000)}`,
    service: `service-${skewed(random, 12)}`,
  }),
  approval: (random) => ({ approval: `approval-${Math.floor(random() * 1e6)}` }),
  'one hour': (random) => {
    const since = FROM + Math.floor(random() * DAYS * 86_400_000);
    return { since, until: since + 3_600_000 };
  },
};

const at = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;

/** Bytes that this process has read so far, out of the page cache or not; NaN where nobody counts them. */
const bytesRead = (): number =>
  existsSync('/proc/self/io')
    ? Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'latin1'))?.[1])
    : Number.NaN;
/** Bytes of a page of the database. */
const PAGE = 4096;

/** Runs the bench. */
export async function run({ quick, say }: BenchOptions): Promise<unknown> {
  const count = quick ? 100_000 : 10_000_000;
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-find-'));
  try {
    const store = openIndex<IndexTables>(folder);
    const writer = indexWriter(store.raw);
    const random = numbers(7);
    let busy = 0;
    for (let n = 0; n < count; n++) {
      writer.session(rowAt(n, count, random));
      if (writer.waiting < 256) continue;
      const began = process.cpuUsage();
      writer.commit(null);
      const { user, system } = process.cpuUsage(began);
      busy += user + system;
      if ((n + 1) % (count / 10) < 256) say(`  ${n + 1} rows`);
    }
    writer.commit(null);
    const bytes = statSync(join(folder, 'index.db')).size / count;
    const write = { micros: busy / count, bytes };
    say(`  writing: ${write.micros.toFixed(1)} µs of CPU and ${bytes.toFixed(0)} bytes a row`);
    const results: Record<string, unknown> = {};
    for (const [name, filterOf] of Object.entries(FILTERS)) {
      const times: number[] = [];
      const busyTimes: number[] = [];
      const pages: number[] = [];
      for (let n = 0; n < QUERIES; n++) {
        const before = firstIdAt(FROM + Math.floor(random() * DAYS * 86_400_000));
        const filter = { before, ...filterOf(random), limit: 50 };
        const readBefore = bytesRead();
        const [began, worked] = [performance.now(), process.cpuUsage()];
        await listSessions(store.db, filter, firstIdAt);
        times.push(performance.now() - began);
        const { user, system } = process.cpuUsage(worked);
        busyTimes.push((user + system) / 1000);
        pages.push(Math.floor((bytesRead() - readBefore) / PAGE));
      }
      // what a busy machine does not change is beside what a person waits
      const [wall, cpu] = [times, busyTimes].map((all) => all.toSorted((x, y) => x - y));
      const read = pages.toSorted((x, y) => x - y);
      const ms = {
        pages50: at(read, 0.5),
        pages99: at(read, 0.99),
        p50: at(wall!, 0.5),
        p99: at(wall!, 0.99),
        cpu50: at(cpu!, 0.5),
        cpu99: at(cpu!, 0.99),
      };
      results[name] = ms;
      say(
        `  ${name.padEnd(18)} pages p50 ${ms.pages50}, p99 ${ms.pages99}; p50 ${ms.p50.toFixed(1)} ms, p99 ${ms.p99.toFixed(1)} ms; of CPU p50 ${ms.cpu50.toFixed(1)} ms, p99 ${ms.cpu99.toFixed(1)} ms`,
      );
    }
    await store.close();
    return { count, write, filters: results };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
