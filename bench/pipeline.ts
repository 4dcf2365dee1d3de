/**
 * `npm run bench -- pipeline`: what a call costs through a bare Node proxy, nginx, Portkey and Sallyport with
 * everything on, before the same model server, with the same calls, in one run. bench/README.md says how to read it.
 */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { BenchOptions } from './bench.ts';
import { type Child, PINNING, startModule, startServer } from './pipeline/child.ts';
import { CHAT, type Contender, type Start, type Surroundings } from './pipeline/contenders.ts';
import { startIssuer } from './pipeline/issuer.ts';
import { measure, type Sample } from './pipeline/measure.ts';
import { startNginx } from './pipeline/nginx.ts';
import { type Variant, VARIANTS } from './pipeline/payload.ts';
import { startPortkey } from './pipeline/portkey.ts';
import {
  describeMachine,
  type PipelineReport,
  reportVariant,
  type Samples,
  showVariant,
  type VariantReport,
} from './pipeline/report.ts';
import { type Gateway, startSallyport } from './pipeline/sallyport.ts';
import { fileSystemOf } from './pipeline/usage.ts';

const TOKENS = 1000;
const CONNECTIONS = 32;
const CACHE = join(import.meta.dirname, '../node_modules/.cache/sallyport-bench');
/** Memory is no evidence: a sync to one of these costs nothing and keeps nothing. */
const NOT_DURABLE = new Set(['tmpfs', 'ramfs']);

/** How long a window may be. */
interface Span {
  readonly millis: number;
  readonly calls: number;
}

/** For each variant: every contender is warmed up, then they take turns, `rounds` windows each. */
interface Plan {
  readonly variants: readonly Variant[];
  readonly rounds: number;
  readonly window: Span;
  /**
   * Before the first variant: what Node needs to compile a contender's hot path. Measured: the compiler threads of a
   * whole gateway come to rest after some 40,000 calls, those of a bare proxy long before.
   */
  readonly firstWarmUp: Span;
  /** Before the others. */
  readonly warmUp: Span;
}

const window = (millis: number, calls = Number.MAX_SAFE_INTEGER): Span => ({ millis, calls });

const FULL: Plan = {
  variants: VARIANTS,
  rounds: 5,
  window: window(1_200),
  firstWarmUp: window(16_000, 45_000),
  warmUp: window(4_000, 20_000),
};
const QUICK: Plan = {
  variants: VARIANTS.slice(0, 2),
  rounds: 3,
  window: window(450),
  firstWarmUp: window(4_000, 12_000),
  warmUp: window(1_000, 12_000),
};

const startBare: Start = async ({ upstream }) => {
  const child = await startServer('bare-proxy.ts', 'contender', `http://127.0.0.1:${upstream}`);
  return {
    name: 'bare',
    title: 'bare reverse proxy: node:http and undici',
    pid: child.pid,
    call: { port: child.port, path: CHAT, fields: '', expect: 'plain' },
    stop: () => child.stop(),
  };
};

/** Everything that runs during the bench, and how to end it. */
interface Field {
  readonly load: Child;
  readonly tokens: readonly string[];
  readonly contenders: readonly Contender[];
  readonly gateway: Gateway;
  readonly skipped: Readonly<Record<string, string>>;
}

async function startField(folder: string, stops: (() => Promise<void>)[], say: BenchOptions['say']): Promise<Field> {
  const kept = <T extends { stop(): Promise<void> }>(started: T): T => {
    stops.push(() => started.stop());
    return started;
  };
  const issuer = await startIssuer(TOKENS);
  stops.push(async () => issuer.close());
  const model = kept(await startServer('upstream.ts', 'around'));
  const load = kept(startModule('load.ts', 'around'));
  await load.next();

  const around: Surroundings = { upstream: model.port, cache: CACHE, folder, issuer, say };
  const direct: Contender = {
    name: 'direct',
    title: 'the model server itself, nothing between',
    pid: model.pid,
    call: { port: model.port, path: CHAT, fields: '', expect: 'plain' },
    stop: async () => {},
  };
  const contenders: Contender[] = [direct];
  const skipped: Record<string, string> = {};
  for (const [name, start] of Object.entries({ bare: startBare, nginx: startNginx, portkey: startPortkey })) {
    const started = await start(around);
    if ('skipped' in started) skipped[name] = started.skipped;
    else contenders.push(kept(started));
  }
  const gateway = kept(await startSallyport(around));
  return { load, tokens: issuer.tokens, contenders: [...contenders, gateway], gateway, skipped };
}

/** What was sent to the gateway and synced by it, over all windows. */
interface Tally {
  calls: number;
  syncs: number;
  seconds: number;
}

/** Measures one variant: every contender is warmed up, then they take turns for some rounds. */
async function measureVariant(field: Field, variant: Variant, plan: Plan, tally: Tally): Promise<Samples> {
  const run = async (contender: Contender, span: Span): Promise<Sample> => {
    const { load, tokens, gateway } = field;
    const order = { variant: variant.name, tokens, connections: CONNECTIONS, ...span };
    if (contender !== gateway) return measure(load, contender, order);
    const before = await gateway.syncs();
    const sample = await measure(load, contender, order);
    tally.calls += sample.calls;
    tally.seconds += sample.seconds;
    tally.syncs += (await gateway.syncs()) - before;
    return sample;
  };
  const warmUp = variant === plan.variants[0] ? plan.firstWarmUp : plan.warmUp;
  for (const contender of field.contenders) await run(contender, warmUp);
  const samples = new Map<string, Sample[]>(field.contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < plan.rounds; round += 1)
    for (const contender of field.contenders) samples.get(contender.name)?.push(await run(contender, plan.window));
  return samples;
}

/** Runs the bench and returns its report. Throws when an answer was wrong, or the ledger does not hold every call. */
export async function run({ quick, say }: BenchOptions): Promise<PipelineReport> {
  const plan = quick ? QUICK : FULL;
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'run-'));
  const fileSystem = fileSystemOf(folder);
  if (NOT_DURABLE.has(fileSystem)) throw new Error(`${folder} is on ${fileSystem}: expected a disk`);
  say(`  ${PINNING}; records on ${fileSystem}; ${CONNECTIONS} connections, ${TOKENS} tokens`);

  const stops: (() => Promise<void>)[] = [async () => rmSync(folder, { recursive: true, force: true })];
  const stopAll = async (): Promise<void> => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  };
  const interrupted = (): void => void stopAll().finally(() => process.exit(130));
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    const field = await startField(folder, stops, say);
    for (const [name, why] of Object.entries(field.skipped)) say(`  not measured: ${name}: ${why}`);
    for (const { name, title } of field.contenders) say(`  ${name}: ${title}`);

    const tally: Tally = { calls: 0, syncs: 0, seconds: 0 };
    const variants: Record<string, VariantReport> = {};
    for (const variant of plan.variants) {
      const report = reportVariant(variant, await measureVariant(field, variant, plan, tally));
      for (const line of showVariant(report)) say(line);
      variants[variant.name] = report;
    }
    const verifiedSessions = await field.gateway.verify();
    say(`\n  sent to sallyport: ${tally.calls} calls; sessions in its verified ledger: ${verifiedSessions}`);
    if (verifiedSessions !== tally.calls) throw new Error('the ledger does not hold exactly the calls that were sent');
    const { contenders = {}, ratios = {} } = variants[plan.variants[0]?.name ?? ''] ?? {};
    return {
      date: new Date().toISOString(),
      machine: describeMachine(fileSystem),
      contenders,
      ratios,
      variants,
      skipped: field.skipped,
      fsyncsPerSecond: Math.round(tally.syncs / tally.seconds),
      callsSent: tally.calls,
      verifiedSessions,
    };
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    await stopAll();
  }
}
