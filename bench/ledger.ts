/**
 * `npm run bench -- ledger`: what evidence costs. Appends with a sync for each batch, the growth of that cost from 10³ to
 * 10⁷ leaves (10⁵ with `--quick`), verifying, and what recording one call adds.
 */

import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { readDirectory } from '../src/ledger/directory.ts';
import { encodeLeaf } from '../src/ledger/leaf.ts';
import { type Log, openLog } from '../src/ledger/log.ts';
import { generateSigner, parseSigner } from '../src/ledger/note-key.ts';
import { verifyLog } from '../src/ledger/verify.ts';
import { openVerifyPool } from '../src/ledger/verify-pool.ts';
import { oneCall, openHouse } from '../test/record/house.ts';
import type { BenchOptions } from './bench.ts';

const BATCH = 100;
/** Leaves between two checkpoints: a second of two thousand calls. */
const PER_CHECKPOINT = 4_000;
const HASH = 'ab'.repeat(32);
const SID = '01jd8z7k3v0000000000000000';
/** How many threads verify, one of them the one that puts it together. */
const THREADS = [1, 2, 3];
const MEMO = new Uint8Array(64);

/** Leaves as calls make them: a start and an end in turn. */
function leafAt(iseq: number): Uint8Array {
  const common = { v: 1, ts: 1_700_000_000_000, inst: '0123456789abcdef', iseq, sid: SID } as const;
  if (iseq % 2 === 0) {
    const start = {
      type: 'session.start',
      subj: HASH,
      service: 'llm',
      policy: HASH,
      decision: 'allow',
      ct: HASH,
      kc: HASH,
    };
    return encodeLeaf({ ...common, ...start, type: 'session.start', decision: 'allow' });
  }
  const end = {
    reason: 'completed',
    frames: 1,
    total: 2000,
    cts: [HASH],
    f: Array.from({ length: 25 }, (_, n) => n * 100),
  };
  return encodeLeaf({ ...common, ...end, type: 'session.end', ended: 'ok' });
}

/** What some work took: of all processors, and on the clock. */
interface Took {
  readonly cpu: number;
  readonly wall: number;
}

/** Resolves to how many µs `work` took. */
async function took(work: () => Promise<unknown>): Promise<Took> {
  const [cpu, wall] = [process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { cpu: user + system, wall: (performance.now() - wall) * 1000 };
}

async function grow(log: Log, size: number, leaves: readonly Uint8Array[]): Promise<void> {
  while (log.size < size) {
    const count = Math.min(BATCH, size - log.size);
    log.append(leaves.slice(0, count), MEMO);
    await log.sync();
    if (log.size % PER_CHECKPOINT < BATCH) await log.checkpoint();
  }
  await log.checkpoint();
}

const bytesIn = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);

async function growth(folder: string, most: number, say: BenchOptions['say']) {
  const log = await openLog({ dir: folder, signer: parseSigner(generateSigner('sallyport.example/bench')) });
  const leaves = Array.from({ length: BATCH }, (_, n) => leafAt(n));
  const steps: object[] = [];
  for (let size = 1_000; size <= most; size *= 10) {
    const window = Math.max(1_000, size / 10);
    await grow(log, size - window, leaves);
    const { cpu, wall } = await took(() => grow(log, size, leaves));
    const step = { size, cpu: cpu / window, perSecond: window / (wall / 1e6), rss: process.memoryUsage.rss() };
    steps.push(step);
    const rate = `${Math.round(step.perSecond)} leaves/s with a sync for every ${BATCH}`;
    say(
      `  ${String(size).padStart(9)} leaves: ${step.cpu.toFixed(1)} µs of CPU a leaf, ${rate}, ${Math.round(step.rss / 2 ** 20)} MiB`,
    );
  }
  await log.close();
  return steps;
}

async function verifying(folder: string, size: number, say: BenchOptions['say']) {
  const key = parseSigner(generateSigner('sallyport.example/bench'));
  const log = await openLog({ dir: folder, signer: key });
  while (log.size < size) {
    log.append(
      Array.from({ length: 1_000 }, (_, n) => leafAt(log.size + n)),
      MEMO,
    );
    if (log.size % 10_000 === 0) await log.checkpoint();
  }
  await log.close();
  const ledger = join(folder, 'ledger');
  const rates: object[] = [];
  for (const threads of THREADS) {
    const pool = threads === 1 ? null : openVerifyPool(ledger, threads - 1);
    const check = pool === null ? {} : { check: pool.check };
    let problems = -1;
    const own = process.threadCpuUsage();
    const { cpu, wall } = await took(async () => {
      problems = (await verifyLog(readDirectory(ledger), { keys: [key.verifier], ...check })).problemCount;
    });
    const { user, system } = process.threadCpuUsage(own);
    await pool?.end();
    if (problems !== 0) throw new Error(`expected a log without problems, found ${problems}`);
    const rate = { threads, cpu: cpu / size, own: (user + system) / size, perSecond: size / (wall / 1e6) };
    rates.push(rate);
    say(
      `  verifying on ${threads} threads: ${rate.cpu.toFixed(1)} µs of CPU a leaf, ${rate.own.toFixed(1)} of them on the first, ${Math.round(rate.perSecond)} leaves/s`,
    );
  }
  return { size, bytes: bytesIn(ledger) / size, rates };
}

async function recording(folder: string, calls: number, say: BenchOptions['say']) {
  const house = await openHouse({ folder });
  const { cpu, wall } = await took(async () => {
    for (let n = 0; n < calls; n += 50) await Promise.all(Array.from({ length: 50 }, () => oneCall(house.recorder)));
    await house.close();
  });
  const per = (name: string): number => bytesIn(join(folder, name)) / calls;
  const bytes = {
    journal: per('journal'),
    ledger: per('ledger'),
    index: statSync(join(folder, 'index.db')).size / calls,
  };
  say(
    `  recording: ${(cpu / calls).toFixed(1)} µs of CPU a call, both threads' work in one; ${Math.round(calls / (wall / 1e6))} calls/s`,
  );
  say(
    `  bytes a call: journal ${bytes.journal.toFixed(0)}, ledger ${bytes.ledger.toFixed(0)}, index ${bytes.index.toFixed(0)}`,
  );
  return { calls, cpu: cpu / calls, bytes };
}

/** Runs the bench. */
export async function run({ quick, say }: BenchOptions): Promise<unknown> {
  const root = mkdtempSync(join(tmpdir(), 'sallyport-ledger-'));
  try {
    return {
      growth: await growth(join(root, 'growth'), quick ? 100_000 : 10_000_000, say),
      verify: await verifying(join(root, 'verify'), quick ? 100_000 : 1_000_000, say),
      recording: await recording(join(root, 'recording'), quick ? 2_000 : 20_000, say),
    };
  } finally {
    rmSync(root, { recursive: true });
  }
}
