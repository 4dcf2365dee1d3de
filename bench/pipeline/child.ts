/** Processes of a bench: started on a core of their own, asked over IPC, ended when the bench ends. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

/** Where a process runs: the contender has one core, everything around it another. */
export type Core = 'contender' | 'around';

const CORES: Readonly<Record<Core, string>> = { contender: '0', around: '1' };

const canPin = ((): boolean => {
  if (availableParallelism() < 2) return false;
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** What the report says about cores. */
export const PINNING = canPin
  ? 'contender on core 0; load generator and model server on core 1 (taskset)'
  : 'not pinned: taskset or a second core is missing, so figures include moving between cores';

/** A started process. */
export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Sends a message and returns the next one that comes back; T is what the module at the other end sends. */
  ask<T>(message: object): Promise<T>;
  /** Returns the next message that comes. */
  next<T>(): Promise<T>;
  /** Ends it with SIGTERM, after 10 s with SIGKILL; resolves when it is gone. */
  stop(): Promise<void>;
}

/** Options of a process beside its command. */
export interface ChildOptions {
  readonly core: Core;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** True for a program that speaks no IPC. */
  readonly silent?: boolean;
}

/** Starts a program. What it says on stderr is kept for `stop` and told when it ends by itself. */
export function startChild(command: readonly string[], options: ChildOptions): Child {
  const [file = '', ...args] = canPin ? ['taskset', '-c', CORES[options.core], ...command] : command;
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'ignore', 'pipe', ...(options.silent === true ? [] : (['ipc'] as const))],
  });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4000);
  });
  const gone = once(child, 'exit');

  const next = async <T>(): Promise<T> => {
    const ended = gone.then(() => Promise.reject(new Error(`${command.join(' ')} ended by itself\n${errors}`)));
    const [message] = await Promise.race([once(child, 'message'), ended]);
    return message;
  };
  return {
    process: child,
    pid: child.pid ?? 0,
    next,
    ask<T>(message: object) {
      const answer = next<T>();
      child.send(message);
      return answer;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
      child.kill('SIGTERM');
      await gone;
      clearTimeout(late);
    },
  };
}

/** Starts a module of this folder in the same Node. */
export const startModule = (name: string, core: Core, ...args: readonly string[]): Child =>
  startChild([process.execPath, join(import.meta.dirname, name), ...args], { core });

/** Starts a module that tells its address as its first message; returns it with its port. */
export async function startServer(
  name: string,
  core: Core,
  ...args: readonly string[]
): Promise<Child & { port: number }> {
  const child = startModule(name, core, ...args);
  const { address } = await child.next<{ address: { port: number } }>();
  return { ...child, port: address.port };
}
