/**
 * What a unary gRPC call costs: CPU time of the whole process a call, of the gateway with everything on and of a bare
 * relay on node:http2, in turns, on one core (see docs/adr/0011-benchmarks.md for why this way).
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { ENTITIES } from '../src/detect/scanner.ts';
import type { BenchOptions } from './bench.ts';
import { PINNING, startChild, startModule, startServer } from './pipeline/child.ts';
import { freePort } from './pipeline/free-port.ts';
import type { GrpcLoad, GrpcOrder } from './pipeline/grpc-load.ts';
import { startIssuer } from './pipeline/issuer.ts';
import { cpuBetween, cpuTime, processTree, total } from './pipeline/usage.ts';

const MAIN = join(import.meta.dirname, '../src/main.ts');
const CACHE = join(import.meta.dirname, '../node_modules/.cache');
const TOKENS = 200;

const config = (issuer: string, audience: string, upstream: number, port: number, control: number): string => `
listeners: [{ address: 127.0.0.1:${port} }]
control: { address: 127.0.0.1:${control} }
workers: 1
identity: { issuers: [{ issuer: ${issuer}, audience: ${audience} }] }
services:
  - { name: triton, protocol: kserve, upstream: { url: http://127.0.0.1:${upstream} }, grpc: {} }
  - { name: plain, protocol: kserve, upstream: { url: http://127.0.0.1:${upstream} }, grpc: {} }
policies:
  - { name: no-secrets, when: 'call.findings.exists(kind, kind.startsWith("secret"))', then: deny }
  - { name: no-hidden-tensors, when: 'call.tensors.exists(t, t.region != "")', then: deny }
  - { name: ml-may, when: '"ml" in caller.groups', then: allow }
masking: [{ name: everything, when: 'call.service == "triton"', entities: [${ENTITIES.map(({ name }) => name).join(', ')}] }]
log: { level: warn }
`;

interface Contender {
  readonly name: string;
  readonly pid: number;
  readonly order: Omit<GrpcOrder, 'seconds' | 'inFlight'>;
}

interface Row {
  readonly name: string;
  readonly cpuMicrosPerCall: number;
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** Runs the bench. */
export async function run({ quick, say }: BenchOptions): Promise<unknown> {
  const seconds = quick ? 2 : 5;
  const rounds = quick ? 2 : 5;
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'bench-grpc-'));
  const issuer = await startIssuer(TOKENS);
  const server = await startServer('grpc-server.ts', 'around');
  const relay = await startServer('grpc-relay.ts', 'contender', `http://127.0.0.1:${server.port}`);
  const load = startModule('grpc-load.ts', 'around');
  const [port, control] = [await freePort(), await freePort()];
  writeFileSync(join(folder, 'sallyport.yaml'), config(issuer.url, issuer.audience, server.port, port, control));
  execFileSync(process.execPath, [MAIN, 'init'], { cwd: folder, stdio: 'ignore' });
  const gateway = startChild([process.execPath, MAIN, 'start'], { core: 'contender', cwd: folder, silent: true });
  try {
    await ready(control);
    const metadata = (service: string) =>
      issuer.tokens.map((token) => ({ authorization: `Bearer ${token}`, 'sallyport-service': service }));
    const contenders: readonly Contender[] = [
      {
        name: 'bare relay (node:http2)',
        pid: relay.pid,
        order: { port: relay.port, metadata: [{}], expect: 'anna.long@example.com', never: '' },
      },
      {
        name: 'sallyport, answers not masked',
        pid: gateway.pid,
        order: { port, metadata: metadata('plain'), expect: 'anna.long@example.com', never: '' },
      },
      {
        name: 'sallyport, everything on',
        pid: gateway.pid,
        order: { port, metadata: metadata('triton'), expect: '<EMAIL>', never: 'anna.long' },
      },
    ];
    const samples = new Map<string, Row[]>(contenders.map(({ name }) => [name, []]));
    for (let round = -1; round < rounds; round++)
      for (const { name, pid, order } of contenders) {
        const tree = processTree(pid);
        const before = cpuTime(tree);
        const { calls, wrong, p50, p99 } = await load.ask<GrpcLoad>({ ...order, seconds, inFlight: 32 });
        const spent = total(cpuBetween(before, cpuTime(tree)));
        if (wrong > 0 || calls === 0) throw new Error(`${name}: ${wrong} of ${calls} answers were wrong`);
        // the first window warms up
        if (round < 0) continue;
        const row = { name, cpuMicrosPerCall: spent / calls, callsPerSecond: calls / seconds, p50Ms: p50, p99Ms: p99 };
        samples.get(name)?.push(row);
      }
    const rows = [...samples].map(([name, found]) => ({
      name,
      cpuMicrosPerCall: median(found.map(({ cpuMicrosPerCall }) => cpuMicrosPerCall)),
      callsPerSecond: median(found.map(({ callsPerSecond }) => callsPerSecond)),
      p50Ms: median(found.map(({ p50Ms }) => p50Ms)),
      p99Ms: median(found.map(({ p99Ms }) => p99Ms)),
    }));
    const [bare] = samples.values();
    const ratios = [...samples].map(([name, found]) => ({
      name,
      ratio: median(found.map((row, at) => row.cpuMicrosPerCall / (bare?.[at]?.cpuMicrosPerCall ?? Number.NaN))),
    }));
    say(`  ${PINNING}`);
    for (const { name, cpuMicrosPerCall, callsPerSecond, p50Ms, p99Ms } of rows)
      say(
        `  ${name.padEnd(30)} ${cpuMicrosPerCall.toFixed(0).padStart(5)} µs CPU a call  ${callsPerSecond.toFixed(0).padStart(6)} calls/s  p50 ${p50Ms.toFixed(1)} ms  p99 ${p99Ms.toFixed(1)} ms`,
      );
    for (const { name, ratio } of ratios.slice(1))
      say(`  ${name}: ${ratio.toFixed(2)} × the bare relay (median of the ratios within a round)`);
    return { rows, ratios };
  } finally {
    await Promise.all([gateway.stop(), relay.stop(), server.stop(), load.stop()]);
    issuer.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function ready(control: number): Promise<void> {
  for (let tries = 0; tries < 400; tries++, await sleep(50)) {
    const ok = await fetch(`http://127.0.0.1:${control}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return;
  }
  throw new Error('sallyport was not ready in time');
}
