/** Sallyport as a user has it: the command line, in child processes, and a gateway that `sallyport start` opened. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

const MAIN = join(import.meta.dirname, '../src/main.ts');

/** What a command printed and how it ended. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const launch = (folder: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess =>
  spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A Ctrl-C at the terminal is for the demo, which then ends its children in order.
    detached: process.platform !== 'win32',
  });

/** Runs one command in `folder` to its end; `onOutput` hears what it prints on stdout, as it comes. */
export async function runCommand(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  onOutput: (text: string) => void = () => {},
): Promise<CommandResult> {
  const child = launch(folder, args, env);
  child.stdout?.setEncoding('utf8').on('data', onOutput);
  const [stdout, stderr, [code]] = await Promise.all([
    child.stdout === null ? '' : text(child.stdout),
    child.stderr === null ? '' : text(child.stderr),
    once(child, 'exit'),
  ]);
  return { code: typeof code === 'number' ? code : 1, stdout, stderr };
}

/** A gateway that takes calls. */
export interface Gateway {
  /** Resolves to a line that says how it ended, once it has. */
  readonly ended: Promise<string>;
  /** Returns the end of what it has logged. */
  readonly log: () => string;
  stop(): Promise<void>;
}

/** Starts the gateway that `folder`/sallyport.yaml describes; resolves when it takes calls. */
export async function startGateway(folder: string, env: Readonly<Record<string, string>>): Promise<Gateway> {
  const child = launch(folder, ['start'], env);
  let logged = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    logged = (logged + chunk.toString()).slice(-4000);
  });
  const ended = once(child, 'exit').then(([code]) => `the gateway ended with exit code ${String(code)}\n${logged}`);
  const ready = once(createInterface({ input: child.stdout ?? process.stdin }), 'line');
  const outcome = await Promise.race([ready, ended]);
  if (typeof outcome === 'string') throw new Error(outcome);
  return {
    ended,
    log: () => logged,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
