/**
 * What recording costs: CPU µs per call on the data thread and on the recorder thread, and syncs per second, at a rate.
 * Run: node src/record/record.bench.ts [CALLS PER SECOND] [SECONDS] [MS THAT THE MODEL TAKES]
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { completed, opening, recordingKey, signer } from '../../test/record/house.ts';
import { systemClock } from '../clock.ts';
import { openLog } from '../ledger/log.ts';
import { createLog } from '../log.ts';
import type { IndexTables } from '../store/sessions.ts';
import { openIndex } from '../store/sqlite.ts';
import { createLink, type LinkEnd } from './messages.ts';
import { KeyRing } from './key-ring.ts';
import { createRecorder } from './recorder.ts';
import { startRecording } from './recording.ts';

const BODY = Buffer.from(JSON.stringify({ model: 'tiny', messages: [{ role: 'user', content: 'x'.repeat(1_030) }] }));
const ANSWER = Buffer.alloc(600, 'y');
// What an OpenAI client sends.
const FIELDS = `Host: gateway.example.com:8080
Accept: application/json
Content-Type: application/json
User-Agent: OpenAI/JS 7.57.0
X-Stainless-Lang: js
X-Stainless-Package-Version: 7.57.0
X-Stainless-OS: Linux
X-Stainless-Arch: x64
X-Stainless-Runtime: node
Content-Length: 1100
Authorization: Bearer x
Accept-Language: *
Accept-Encoding: gzip, deflate
Connection: keep-alive`
  .split('\n')
  .flatMap((line) => line.split(': '));
const ANSWER_FIELDS = [
  'Content-Type',
  'application/json',
  'Date',
  'Mon, 01 Jan 2026 00:00:00 GMT',
  'Content-Length',
  '600',
];

const INSTANCE = '0123456789abcdef';

interface Load {
  readonly link: LinkEnd;
  readonly rate: number;
  readonly seconds: number;
  readonly latency: number;
}

interface Measured {
  readonly calls: number;
  readonly micros: number;
  readonly idleMicros: number;
}

/** Opens and closes calls in small bursts, as requests come, and tells what that cost. */
async function makeCalls({ link, rate, seconds, latency }: Load): Promise<Measured> {
  const recorder = await createRecorder({
    link,
    clock: systemClock,
    recording: { max_session: 2 ** 26, over: 'refuse' },
    redact: new Set(['authorization']),
  });
  const usual = opening();
  const request = { ...usual.request, rawHeaders: FIELDS };
  let calls = 0;
  const call = (): void => {
    const session = recorder.open({ ...usual, at: Date.now(), mono: systemClock.mono(), request, body: BODY });
    calls++;
    const answer = (): void => {
      session.head(200, ANSWER_FIELDS);
      session.durable(() => {
        session.bytes(ANSWER);
        session.close(completed);
      });
    };
    session.written(() => (latency === 0 ? answer() : setTimeout(answer, latency)));
  };
  const run = async (from: number, work: () => void): Promise<number> => {
    const before = process.threadCpuUsage();
    const began = performance.now();
    for (let due = from; performance.now() - began < seconds * 1000; ) {
      const now = ((performance.now() - began) / 1000) * rate;
      for (; due < now; due++) work();
      await wait(1);
    }
    const used = process.threadCpuUsage(before);
    return used.user + used.system;
  };
  const idleMicros = await run(0, () => {});
  await run(0, call);
  const warm = calls;
  const micros = await run(0, call);
  const measured = { calls: calls - warm, micros, idleMicros };
  await recorder.close();
  return measured;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(rate: number, seconds: number, latency: number): Promise<void> {
  const folder = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'sallyport-bench-'));
  const link = createLink(INSTANCE, 0);
  const ledger = await openLog({ dir: folder, signer });
  const index = openIndex<IndexTables>(folder);
  const log = createLog({ level: 'info', thread: 'recorder' });
  const ring = await KeyRing.open(folder, recordingKey);
  await ring.begin({ recipients: [], originals: [] }, Date.now());
  const recording = await startRecording({
    folder,
    instance: INSTANCE,
    pageKeys: ring,
    ledger,
    index,
    log,
    links: [link.recorder],
    clock: systemClock,
    checkpointEvery: 1000,
  });
  const load: Load = { link: link.worker, rate, seconds, latency };
  const worker = new Worker(new URL(import.meta.url), { workerData: load, transferList: [link.worker.port] });
  const before = { ...process.threadCpuUsage(), ...recording.totals };
  const measured = await new Promise<Measured>((resolve, reject) => {
    worker.once('message', resolve).once('error', reject);
  });
  const after = { ...process.threadCpuUsage(), ...recording.totals };
  const calls = (after.leaves - before.leaves) / 2;
  const recorderMicros = after.user + after.system - before.user - before.system;
  const perCall = (measured.micros - measured.idleMicros) / measured.calls;
  print(
    `data thread: ${perCall.toFixed(1)} µs per call (${(measured.micros / measured.calls).toFixed(1)} with the load's timer)`,
  );
  print(`recorder thread: ${(recorderMicros / calls).toFixed(1)} µs per call over ${calls.toFixed(0)} calls`);
  print(`calls per sync: ${(calls / (after.syncs - before.syncs)).toFixed(1)}`);
  await recording.close();
  await ledger.close();
  await index.close();
  rmSync(folder, { recursive: true });
}

if (isMainThread)
  await main(Number(process.argv[2] ?? 5000), Number(process.argv[3] ?? 5), Number(process.argv[4] ?? 0));
else {
  const load: Load = workerData;
  parentPort?.postMessage(await makeCalls(load));
}
