/** The composition root: starts the threads of a gateway, hands each what it needs, and ends them in order. */

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { AggregatorRegistry } from 'prom-client';
import { cannotOpen, splitAddress } from './address.ts';
import { APPROVAL_VERBS, type Approvals } from './approve/approvals.ts';
import { systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { loadConfig, type LoadedConfig } from './config/file.ts';
import { apiRoutes } from './control/api.ts';
import { openControl } from './control/server.ts';
import { type Crew, startCrew } from './crew.ts';
import { inForce } from './decide/in-force.ts';
import { publicUrl } from './gateway/epoch.ts';
import { ModelGeneration } from './gateway/metadata-cache.ts';
import { createIdentifier } from './identify/identify.ts';
import { createLog } from './log.ts';
import type { KeptPolicy } from './record/policy-files.ts';
import { showId } from './record/session-id.ts';
import { ask } from './rpc.ts';
import { keepConfig } from './keep-config.ts';
import { keepLimits, type KeptLimits } from './keep-limits.ts';
import { lockFolder } from './store/lock.ts';
import { tendIndex } from './store/tend-index.ts';
import { VERSION } from './version.ts';

/** A gateway that takes calls. */
export interface Running {
  /** Ports of the listeners, in config order (0 for a Unix socket), and of the control port. */
  readonly ports: { readonly listeners: readonly number[]; readonly control: number };
  /** Reads the config again. Resolves to false, and keeps the old one, when the new one cannot be used. */
  reload(): Promise<boolean>;
  /** Lets calls under way end, seals the record, and resolves when every thread has ended. */
  stop(): Promise<void>;
  /** Resolves to the exit code once the gateway has ended: 0 by `stop`, 70 because a thread failed. */
  readonly finished: Promise<number>;
}

/**
 * Starts a gateway and resolves when it takes calls. Rejects with ConfigError, or an Error that says what could not be
 * opened; nothing is left running then. A thread that dies ends the gateway: without a part of the evidence path no
 * call may pass.
 */
export async function start(options: { readonly configPath: string }): Promise<Running> {
  const loaded = loadConfig(options.configPath);
  const config: Config = {
    ...loaded.config,
    workers: loaded.config.workers ?? Math.max(1, availableParallelism() - 1),
  };
  const log = createLog({ level: config.log.level, thread: 'main' });
  const folder = resolve(loaded.baseDir, config.store.path);
  const lock = lockFolder(folder);
  const tender = tendIndex(folder);
  let limits: KeptLimits | null = null;
  const release = async (): Promise<void> => {
    tender.close();
    await limits?.close();
    lock.release();
  };
  let crew: Crew | null = null;
  try {
    limits = await keepLimits({ config, baseDir: loaded.baseDir, folder, clock: systemClock, log });
    crew = await startCrew({
      config,
      configHash: loaded.hash,
      policy: policyOf({ ...loaded, config }),
      baseDir: loaded.baseDir,
      log,
      instance: showId(randomBytes(16)).slice(-16),
      limits: limits.memory,
      models: new SharedArrayBuffer(ModelGeneration.bytes),
    });
    return await openHouse({ loaded: { ...loaded, config }, crew, limits, log, release });
  } catch (error) {
    await crew?.abandon();
    await release();
    throw error;
  }
}

/** Returns what is in force under a config, as the data workers find it too. Throws when a file that it names cannot be read. */
const policyOf = ({ config, baseDir }: LoadedConfig): KeptPolicy =>
  inForce(config, { version: VERSION, file: (path) => readFileSync(resolve(baseDir, path)) });

interface House {
  readonly loaded: LoadedConfig;
  readonly crew: Crew;
  readonly limits: KeptLimits;
  readonly log: ReturnType<typeof createLog>;
  readonly release: () => Promise<void>;
}

async function openHouse({ loaded, crew, limits, log, release }: House): Promise<Running> {
  const { config } = loaded;
  let draining = false;
  // the control port's own view of who people are; calls have theirs in the data workers
  let identifier = createIdentifier({
    identity: config.identity,
    publicUrl: publicUrl(config),
    clock: systemClock,
    log,
  });
  const approvals = ask<Approvals>(crew.approvals, APPROVAL_VERBS);
  const control = await openControl(splitAddress(config.control.address), {
    health: {
      missing: async () =>
        draining ? ['the gateway is draining'] : [...(await crew.missing()), ...limits.health().missing],
      notes: () => limits.health().notes,
      metrics: async () => {
        const all = [...(await crew.metrics()), await limits.metrics.getMetricsAsJSON()];
        return AggregatorRegistry.aggregate(all).metrics();
      },
    },
    api: apiRoutes({ approvals, identify: (head) => identifier.identify(head) }),
  }).catch((cause: unknown) => {
    throw cannotOpen('control.address', config.control.address, cause);
  });
  const kept = keepConfig(loaded, log, async (next) => {
    await crew.reload(next.config, next.hash, policyOf(next));
    identifier.close();
    identifier = createIdentifier({
      identity: next.config.identity,
      publicUrl: publicUrl(next.config),
      clock: systemClock,
      log,
    });
  });

  const stop = async (): Promise<void> => {
    if (draining) return;
    draining = true;
    kept.close();
    await crew.drain(config.limits.drain);
    await control.close();
    identifier.close();
    await release();
    log.info({}, 'stopped');
    log.flush();
  };
  const finished = crew.ended.then(async (code) => {
    if (code === 0) return code;
    // a gateway without all its parts must not look alive
    draining = true;
    kept.close();
    identifier.close();
    await Promise.all([control.close(), crew.abandon()]);
    await release();
    log.flush();
    return code;
  });
  const ports = { listeners: crew.ports, control: control.port };
  log.info({ listeners: ports.listeners, control: ports.control, workers: config.workers }, 'ready');
  return { ports, reload: () => kept.reload(), stop, finished };
}
