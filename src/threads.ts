/** What the threads of one gateway are handed at birth, and what they serve to the main thread. */

import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import type { Config } from './config.ts';
import type { LinkEnd } from './record/messages.ts';
import type { KeptPolicy } from './record/policy-files.ts';
import type { MetricsSnapshot } from './watch/metrics.ts';

/** What a data worker begins with. */
export interface WorkerBirth {
  /** Counts from 0. */
  readonly index: number;
  readonly config: Config;
  /** Where relative paths in the config start from. */
  readonly baseDir: string;
  readonly link: LinkEnd;
  /** To the approvals in the recorder thread. */
  readonly approvals: MessagePort;
  /** From the main thread. */
  readonly orders: MessagePort;
  /** What limits count; one for all workers. */
  readonly limits: LimitMemory;
  /** Counts how often models were loaded or unloaded; one for all workers. */
  readonly models: SharedArrayBuffer;
}

/** The memory in which limits count. */
export interface LimitMemory {
  readonly counts: SharedArrayBuffer;
  readonly distinct: SharedArrayBuffer;
  /** What is known of the store that they are shared through. */
  readonly link: SharedArrayBuffer;
  /** What counts are named under; the same for all processes on one store. */
  readonly key: Uint8Array;
}

/** What a data worker does on order. */
export interface WorkerVerbs {
  /** Opens the listeners and resolves to their ports. A port of 0 in `ports` or the config means any. */
  listen(ports: readonly number[]): Promise<readonly number[]>;
  /** Goes over to another config; calls under way keep theirs. Rejects, and keeps the old one, when it cannot be used. */
  reload(config: Config): Promise<void>;
  metrics(nothing: undefined): Promise<MetricsSnapshot>;
  /** Resolves to what keeps calls from passing, one line each; empty when they can. */
  missing(nothing: undefined): Promise<readonly string[]>;
  /** Stops listening and resolves when all calls have ended and are on record; at the latest after `deadline` ms. */
  drain(deadline: number): Promise<void>;
}

/** The names of the verbs, for `ask`. */
export const WORKER_VERBS = [
  'listen',
  'reload',
  'metrics',
  'missing',
  'drain',
] as const satisfies (keyof WorkerVerbs)[];

/** What a config says of recordings. */
export type RecordingConfig = Config['recording'];

/** What the recorder thread begins with. */
export interface RecorderBirth {
  readonly config: Config;
  readonly baseDir: string;
  /** 16 characters of the alphabet of session ids; new for each run of the gateway. */
  readonly instance: string;
  /** SHA-256 of the config file, hex. */
  readonly configHash: string;
  /** What is in force under it. */
  readonly policy: KeptPolicy;
  readonly links: readonly LinkEnd[];
  /** One for each thread that asks for approvals. */
  readonly approvals: readonly MessagePort[];
  /** From the main thread. */
  readonly orders: MessagePort;
}

/** What the recorder thread does on order. */
export interface RecorderVerbs {
  /** Recovers what an earlier run left unsealed, opens the ledger and the store, and resolves when calls can be recorded. */
  open(nothing: undefined): Promise<void>;
  /** Seals that another config is in force, and keeps recordings as long as it says. */
  config(next: {
    readonly hash: string;
    readonly policy: KeptPolicy;
    readonly recording: RecordingConfig;
    readonly witnesses: Config['ledger']['witnesses'];
  }): Promise<void>;
  metrics(nothing: undefined): Promise<MetricsSnapshot>;
  /** Seals everything and signs a last checkpoint. Workers have closed their recorders before. */
  close(nothing: undefined): Promise<void>;
}

/** The names of the verbs, for `ask`. */
export const RECORDER_VERBS = ['open', 'config', 'metrics', 'close'] as const satisfies (keyof RecorderVerbs)[];

/** Starts a thread whose entry is `name` beside this file, as source or as built. Ports in `birth` are handed over. */
export function startThread(name: string, birth: object, ports: readonly MessagePort[]): Worker {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new Worker(new URL(`./${name}.${extension}`, import.meta.url), {
    workerData: birth,
    transferList: [...ports],
    name,
    // a thread's own heap: bodies and answers are outside it
    resourceLimits: { maxOldGenerationSizeMb: 2048 },
  });
}

/** Returns both ends of a channel. */
export function channel(): readonly [MessagePort, MessagePort] {
  const { port1, port2 } = new MessageChannel();
  return [port1, port2];
}
