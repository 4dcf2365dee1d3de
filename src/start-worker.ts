/** A data worker: composes the parts that take calls. Entry of a worker thread. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { workerData } from 'node:worker_threads';
import { APPROVAL_VERBS, type Approvals } from './approve/approvals.ts';
import { cannotOpen, splitAddress, unixPath } from './address.ts';
import { systemClock } from './clock.ts';
import type { Config, SecretRef } from './config.ts';
import { createBodyBudget } from './gateway/http/body.ts';
import { openEpoch, type OpenEpoch } from './gateway/epoch.ts';
import { countingTime, createWaitingPlaces, type Gate } from './gateway/gate.ts';
import { ModelGeneration } from './gateway/metadata-cache.ts';
import type { ActiveCalls } from './gateway/http/arrive.ts';
import { listen, refuseTaken, type Listener, type ListenerKeys } from './gateway/http/listen.ts';
import { createWorkRoom } from './gateway/work-room.ts';
import { CREDENTIAL_HEADERS } from './identify/identify.ts';
import { Counts } from './limit/counts.ts';
import { DistinctCounts } from './limit/distinct.ts';
import { StoreLink } from './limit/store-link.ts';
import { createLog } from './log.ts';
import { createRecorder } from './record/recorder.ts';
import { ask, serve } from './rpc.ts';
import { readRecordingKey, resolveSecret } from './config/secrets.ts';
import { listenerTls, readTls } from './config/tls-material.ts';
import { VERSION } from './version.ts';
import { WORKER_VERBS, type WorkerBirth, type WorkerVerbs } from './threads.ts';
import { createCallMetrics } from './watch/metrics.ts';
import { watchCalls } from './watch/calls.ts';
import { watchLimits } from './watch/limit-metrics.ts';

const birth: WorkerBirth = workerData;
const log = createLog({ level: birth.config.log.level, thread: `worker-${birth.index}` });
const clock = systemClock;
const metrics = createCallMetrics();
const recordingKey = readRecordingKey(birth.config.recording.key, birth.baseDir);

const epochParts = {
  clock,
  log,
  secret: (ref: SecretRef) => resolveSecret(ref, birth.baseDir),
  version: VERSION,
  file: (path: string) => readFileSync(resolve(birth.baseDir, path)),
  maskKey: recordingKey,
  countKey: birth.limits.key,
  models: new ModelGeneration(birth.models),
};
let epoch: OpenEpoch = openEpoch(birth.config, epochParts, null);
const draining = new AbortController();
const active: ActiveCalls = { count: 0 };
/** By their places in the config. */
const listeners = new Map<number, Listener>();

const recorder = await createRecorder({
  link: birth.link,
  recording: birth.config.recording,
  clock,
  redact: CREDENTIAL_HEADERS,
});

/** Bytes of long work at once: one answer of the largest size, with all that is made of it. */
const LONG_WORK = 64 * 1024 ** 2;

const gate: Gate = {
  clock,
  log,
  recorder,
  approvals: ask<Approvals>(birth.approvals, APPROVAL_VERBS),
  watcher: watchCalls(metrics, log),
  budget: createBodyBudget(birth.config.limits.buffered),
  room: createWorkRoom(LONG_WORK),
  epoch: () => epoch,
  drain: draining.signal,
  waiting: createWaitingPlaces(birth.config.approvals.waiting),
  tables: { counts: new Counts(birth.limits.counts), distinct: new DistinctCounts(birth.limits.distinct) },
  link: new StoreLink(birth.limits.link),
};
watchLimits(metrics.registry, () =>
  [...epoch.limits.byRule.values()].map(({ rule, level }) => ({ rule, level: level.read(countingTime(gate)) })),
);

/** Returns the keys of each listener as they are now; null for plain text. Throws with the place of what is wrong. */
const listenerKeys = (): readonly (ListenerKeys | null)[] =>
  birth.config.listeners.map((listener, at) => {
    const parts = listenerTls(listener, at);
    return parts === null ? null : readTls(parts, epochParts.secret);
  });

/** `ports` are those that the first worker got; empty when this is the first. */
async function tcpPlace(address: string, ports: readonly number[], at: number) {
  const { host, port } = splitAddress(address);
  const shared = (birth.config.workers ?? 1) > 1;
  // workers share a port with one another, never with another process that would get half of the calls
  if (shared && ports.length === 0) await refuseTaken(host, port);
  return { kind: 'tcp', host, port: ports[at] ?? port, shared } as const;
}

/** A socket in the file system cannot be shared (docs/adr/0013-one-port.md): each has one worker, and they take turns. */
function isOurs(at: number): boolean {
  const before = birth.config.listeners.slice(0, at).filter(({ address }) => unixPath(address) !== null).length;
  return before % (birth.config.workers ?? 1) === birth.index;
}

const verbs: WorkerVerbs = {
  async listen(ports) {
    const keys = listenerKeys();
    for (const [at, { address, service }] of birth.config.listeners.entries()) {
      const path = unixPath(address);
      if (path !== null && !isOurs(at)) continue;
      try {
        const place = path === null ? await tcpPlace(address, ports, at) : ({ kind: 'unix', path } as const);
        const options = { at: place, service: service ?? '', tls: keys[at] ?? null };
        listeners.set(at, await listen(gate, birth.config, active, options));
      } catch (cause) {
        throw cannotOpen(`listeners[${at}].address`, address, cause);
      }
    }
    return birth.config.listeners.map((_listener, at) => listeners.get(at)?.port ?? 0);
  },
  async reload(config: Config) {
    // read before anything changes: what cannot be used leaves everything as it was
    const keys = listenerKeys();
    const next = openEpoch(config, epochParts, epoch);
    const last = epoch;
    epoch = next;
    for (const [at, listener] of listeners) {
      const own = keys[at] ?? null;
      if (own !== null) listener.renew(own);
    }
    await last.close(next);
  },
  metrics: async () => metrics.registry.getMetricsAsJSON(),
  missing: async () => [
    ...(recorder.failed ? ['evidence cannot be kept; restart when the disk is in order'] : []),
    ...(epoch.identifier.ready() ? [] : ['no keys of any issuer are at hand']),
  ],
  async drain(deadline) {
    draining.abort();
    await Promise.all([...listeners.values()].map((listener) => listener.drain(deadline)));
    await recorder.close();
    await epoch.close(null);
    log.flush();
  },
};
serve(birth.orders, verbs, WORKER_VERBS);
