/**
 * What the ledger costs: `node src/ledger/ledger.bench.ts [leaves]`. Prints one line for each measurement; the disk is
 * that of the folder for temporary files.
 */

import { createHash, hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDirectory } from './directory.ts';
import { encodeLeaf } from './leaf.ts';
import { type Log, openLog } from './log.ts';
import { generateSigner, parseSigner } from './note-key.ts';
import { verifyLog } from './verify.ts';

const BATCH = 100;
const MEMO = new Uint8Array(64);
const HASH = 'ab'.repeat(32);
const SID = '01jd8z7k3v0000000000000000';

const tell = (line: string): void => void process.stdout.write(`${line}\n`);

/** Returns how many ms `work` takes. */
const timed = async (work: () => unknown): Promise<number> => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

/** Returns how many ms of all processors `work` takes: what a busy machine does not change. */
const worked = async (work: () => unknown): Promise<number> => {
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
};

/** Leaves as calls make them: a start and an end in turn. */
const leafAt = (iseq: number): Uint8Array => {
  const common = { v: 1, ts: 1_700_000_000_000, inst: '0123456789abcdef', iseq, sid: SID } as const;
  return iseq % 2 === 0
    ? encodeLeaf({
        ...common,
        type: 'session.start',
        subj: HASH,
        service: 'llm',
        policy: HASH,
        decision: 'allow',
        ct: HASH,
        kc: HASH,
      })
    : encodeLeaf({
        ...common,
        type: 'session.end',
        reason: 'completed',
        ended: 'ok',
        frames: 2,
        total: 2000,
        cts: [HASH, HASH],
        f: [1200, 300, 20, 5, 1, 0],
      });
};
const batchAt = (first: number): readonly Uint8Array[] => Array.from({ length: BATCH }, (_, at) => leafAt(first + at));

const measureHashes = async (): Promise<void> => {
  const node = new Uint8Array(65).fill(1);
  const ways = {
    'createHash().update().digest()': () => createHash('sha256').update(node).digest(),
    "hash(…, 'buffer')": () => hash('sha256', node, 'buffer'),
    "Buffer.from(hash(…, 'latin1'))": () => Buffer.from(hash('sha256', node, 'latin1'), 'latin1'),
  };
  const times = 300_000;
  for (const [name, way] of Object.entries(ways)) {
    for (let at = 0; at < times / 10; at++) way();
    const ms = await timed(() => {
      for (let at = 0; at < times; at++) way();
    });
    tell(`a tree node with ${name}: ${((ms / times) * 1000).toFixed(2)} µs`);
  }
};

const measureAppends = async (log: Log): Promise<void> => {
  const batches = Array.from({ length: 500 }, (_, at) => batchAt(log.size + at * BATCH));
  const leaves = batches.length * BATCH;
  let ms = 0;
  const cpu = await worked(async () => {
    ms = await timed(async () => {
      for (const batch of batches) {
        log.append(batch, MEMO);
        await log.sync();
      }
    });
  });
  const each = `${(ms / batches.length).toFixed(2)} ms, ${((cpu / leaves) * 1000).toFixed(1)} µs CPU a leaf`;
  tell(`append ${BATCH} leaves and sync: ${each}, ${Math.round(leaves / (ms / 1000))} leaves/s`);
};

/** Appends up to `size`, with a checkpoint after every 5,000 leaves as a busy second makes them. */
const fill = async (log: Log, size: number): Promise<void> => {
  while (log.size < size) {
    log.append(batchAt(log.size), MEMO);
    if (log.size - log.head.size >= 5000) await log.checkpoint();
  }
};

const measureCheckpoints = async (log: Log, more: number): Promise<void> => {
  const times: number[] = [];
  let cpu = 0;
  for (let run = 0; run < 9; run++) {
    for (let at = 0; at < more; at += BATCH) log.append(batchAt(log.size).slice(0, more), MEMO);
    await log.sync();
    cpu += await worked(async () => void times.push(await timed(() => log.checkpoint())));
  }
  const median = times.sort((a, b) => a - b)[4] ?? 0;
  tell(`checkpoint over ${more} new leaves at ${log.size}: ${median.toFixed(1)} ms, ${(cpu / 9).toFixed(1)} ms CPU`);
};

const folder = mkdtempSync(join(tmpdir(), 'ledger-bench-'));
try {
  const signer = parseSigner(generateSigner('bench.example/ledger'));
  const log = await openLog({ dir: folder, signer });
  await measureHashes();
  tell(
    `a leaf has ${leafAt(0).length} and ${leafAt(1).length} bytes, encoded in ${((await timed(() => batchAt(0))) * 10).toFixed(1)} µs`,
  );
  const most = Number(process.argv[2] ?? 1_000_000);
  for (let size = 10_000; size <= most; size *= 10) {
    await fill(log, size);
    for (const more of [1, 100, 5000]) await measureCheckpoints(log, more);
  }
  await measureAppends(log);
  await log.checkpoint();
  await log.close();
  tell(`open again: ${(await timed(async () => (await openLog({ dir: folder, signer })).close())).toFixed(0)} ms`);
  const { size } = log;
  let ms = 0;
  const cpu = await worked(async () => {
    ms = await timed(() => verifyLog(readDirectory(join(folder, 'ledger')), { keys: [signer.verifier] }));
  });
  const memory = Math.round(process.memoryUsage().rss / 1024 ** 2);
  const rate = `${Math.round(size / (ms / 1000))} leaves/s, ${((cpu / size) * 1000).toFixed(1)} µs CPU a leaf`;
  tell(`verify ${size} leaves: ${(ms / 1000).toFixed(1)} s, ${rate}, ${memory} MiB resident`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
