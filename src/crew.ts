/** The threads of one gateway: one recorder, N data workers, and the lines between them. */

import type { MessagePort, Worker } from 'node:worker_threads';
import type { Config } from './config.ts';
import type { Log } from './log.ts';
import { createLink } from './record/messages.ts';
import type { KeptPolicy } from './record/policy-files.ts';
import { ask, type Remote } from './rpc.ts';
import {
  channel,
  type LimitMemory,
  RECORDER_VERBS,
  type RecorderBirth,
  type RecorderVerbs,
  startThread,
  WORKER_VERBS,
  type WorkerBirth,
  type WorkerVerbs,
} from './threads.ts';
import type { MetricsSnapshot } from './watch/metrics.ts';

/** What a crew is started with. `config.workers` is set. */
export interface CrewOptions {
  readonly config: Config;
  readonly configHash: string;
  readonly policy: KeptPolicy;
  readonly baseDir: string;
  readonly instance: string;
  readonly log: Log;
  readonly limits: LimitMemory;
  /** Which generation of models is loaded, for all workers. */
  readonly models: SharedArrayBuffer;
}

/** Threads at work. */
export interface Crew {
  /** Ports of the listeners, in config order. */
  readonly ports: readonly number[];
  /** To the approvals in the recorder thread, for the control port. */
  readonly approvals: MessagePort;
  /** Resolves to what keeps calls from passing, one line each; empty when they can. */
  missing(): Promise<readonly string[]>;
  metrics(): Promise<MetricsSnapshot[]>;
  /** Rejects, and every worker keeps the old config, when the new one cannot be used. */
  reload(config: Config, hash: string, policy: KeptPolicy): Promise<void>;
  /** Ends every thread in order: calls, then their records, then the ledger. */
  drain(deadline: number): Promise<void>;
  /** Ends every thread at once. */
  abandon(): Promise<void>;
  /** Resolves to 0 after `drain`, to 70 as soon as a thread has died. */
  readonly ended: Promise<number>;
}

const THREAD_DIED = 70;

/** Resolves to a crew whose listeners are open. Rejects with what the thread said that could not start. */
export async function startCrew(options: CrewOptions): Promise<Crew> {
  const count = options.config.workers ?? 1;
  const links = Array.from({ length: count }, (_, index) => createLink(options.instance, index));
  const approvals = Array.from({ length: count + 1 }, channel);
  const threads: Worker[] = [];
  const ended = Promise.withResolvers<number>();
  const died = Promise.withResolvers<never>();
  // a failure before anybody waits is told by `ended`
  died.promise.catch(() => {});
  let expected = false;
  const join = (thread: Worker): void => {
    threads.push(thread);
    const onDeath = (cause: unknown): void => {
      if (expected) return;
      // an exit follows the error that caused it, and is told once
      if (cause instanceof Error)
        options.log.error({ err: cause, name: thread.threadName }, 'a thread of the gateway died');
      died.reject(cause instanceof Error ? cause : new Error('a thread of the gateway ended unexpectedly'));
      ended.resolve(THREAD_DIED);
    };
    thread.on('error', onDeath).on('exit', onDeath);
  };

  const recorder = startRecorder(
    options,
    links.map((link) => link.recorder),
    approvals.map(([, end]) => end),
    join,
  );
  const abandon = async (): Promise<void> => {
    expected = true;
    await Promise.all(threads.map((thread) => thread.terminate()));
  };
  try {
    await Promise.race([recorder.open(undefined), died.promise]);
    const workers = links.map((link, index) =>
      startDataWorker(options, index, link.worker, approvals[index + 1]?.[0], join),
    );
    const [first, ...others] = workers;
    if (first === undefined) throw new Error('expected at least one data worker');
    const ports = await Promise.race([first.listen([]), died.promise]);
    await Promise.race([Promise.all(others.map((worker) => worker.listen(ports))), died.promise]);
    const everyWorker = <T>(order: (worker: Remote<WorkerVerbs>) => Promise<T>): Promise<T[]> =>
      Promise.all(workers.map(order));
    return {
      ports,
      approvals: firstPort(approvals),
      missing: async () => [...new Set((await everyWorker((worker) => worker.missing(undefined))).flat())],
      metrics: async () => [
        await recorder.metrics(undefined),
        ...(await everyWorker((worker) => worker.metrics(undefined))),
      ],
      async reload(config, hash, policy) {
        await everyWorker((worker) => worker.reload({ ...config, workers: count }));
        await recorder.config({ hash, policy, recording: config.recording, witnesses: config.ledger.witnesses });
      },
      async drain(deadline) {
        expected = true;
        await everyWorker((worker) => worker.drain(deadline));
        await recorder.close(undefined);
        await abandon();
        ended.resolve(0);
      },
      abandon,
      ended: ended.promise,
    };
  } catch (error) {
    await abandon();
    throw error;
  }
}

function firstPort(approvals: readonly (readonly [MessagePort, MessagePort])[]): MessagePort {
  const port = approvals[0]?.[0];
  if (port === undefined) throw new Error('expected a line to the approvals');
  return port;
}

function startRecorder(
  { config, configHash, policy, baseDir, instance }: CrewOptions,
  links: RecorderBirth['links'],
  approvals: readonly MessagePort[],
  join: (thread: Worker) => void,
): Remote<RecorderVerbs> {
  const [orders, end] = channel();
  const birth: RecorderBirth = { config, configHash, policy, baseDir, instance, links, approvals, orders: end };
  join(startThread('start-recorder', birth, [end, ...approvals, ...links.map(({ port }) => port)]));
  return ask<RecorderVerbs>(orders, RECORDER_VERBS);
}

function startDataWorker(
  { config, baseDir, limits, models }: CrewOptions,
  index: number,
  link: WorkerBirth['link'],
  approvals: MessagePort | undefined,
  join: (thread: Worker) => void,
): Remote<WorkerVerbs> {
  if (approvals === undefined) throw new Error('expected a line to the approvals for each worker');
  const [orders, end] = channel();
  const birth: WorkerBirth = { index, config, baseDir, link, approvals, orders: end, limits, models };
  join(startThread('start-worker', birth, [end, approvals, link.port]));
  return ask<WorkerVerbs>(orders, WORKER_VERBS);
}
