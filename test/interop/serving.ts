/** Programs of other people that serve while a test runs. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves to a port that is free now. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('expected a TCP address');
  return address.port;
};

/** A program that serves. */
export interface Serving {
  readonly child: ChildProcess;
  /** What it has said so far. */
  readonly log: () => string;
  /** Resolves to what of its log matches, as soon as something does. */
  readonly says: (what: RegExp) => Promise<RegExpExecArray>;
  stop(): Promise<void>;
}

/** How a program is started. */
export interface ServeOptions {
  readonly cwd: string;
  /** It serves once this answers 200. */
  readonly url: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a program and resolves when `url` answers 200; rejects with what it said when it ends before. */
export const serve = async (
  command: string,
  args: readonly string[],
  { cwd, url, env = {} }: ServeOptions,
): Promise<Serving> => {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let said = '';
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      for (const look of waiting) look();
    });
  const says = (what: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = what.exec(said);
        if (found === null) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${args.join(' ')} ended: ${said}`);
    const ready = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return { child, log: () => said, says, stop };
    await sleep(200);
  }
};

/** Runs a script to its end and resolves to the JSON that it prints last; rejects with what it said when it fails. */
export const runScript = async <T>(command: string, args: readonly string[]): Promise<T> => {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, said, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${said}`);
  return JSON.parse(out.trim().split('\n').at(-1) ?? '');
};
