/** Python with the packages that a test needs: `SALLYPORT_PYTHON` names one that has them, else one is made once. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

/** A Python, or why there is none. */
export type Python =
  | { readonly kind: 'python'; readonly command: string }
  | { readonly kind: 'none'; readonly why: string };

/** MLServer runs on these only. */
const VERSIONS = ['python3.12', 'python3.11', 'python3.10'];

const ran = (command: string, args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** Returns a Python that can import `modules`, made of `packages` in a folder of its own if it must be. */
export const pythonWith = (packages: readonly string[], modules: readonly string[]): Python => {
  // Looked for, not imported: some of them cannot live in one process.
  const imports = ['-c', 'import sys, importlib.util as u; assert all(map(u.find_spec, sys.argv[1:]))', ...modules];
  const given = process.env['SALLYPORT_PYTHON'];
  if (given !== undefined)
    return ran(given, imports)
      ? { kind: 'python', command: given }
      : { kind: 'none', why: `${given} cannot import ${modules.join(', ')}` };
  const base = VERSIONS.find((version) => ran(version, ['-c', 'import venv']));
  if (base === undefined) return { kind: 'none', why: `needs one of ${VERSIONS.join(', ')}` };
  const id = createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 12);
  const folder = join(tmpdir(), `sallyport-python-${id}`);
  const command = join(folder, 'bin/python');
  const done = join(folder, 'done');
  if (!existsSync(done)) {
    if (!ran(base, ['-m', 'venv', folder])) return { kind: 'none', why: `${base} makes no virtual environment` };
    const pip = spawnSync(command, ['-m', 'pip', 'install', '-q', ...packages], { encoding: 'utf8' });
    if (pip.status !== 0) return { kind: 'none', why: `pip: ${pip.stderr.trim().split('\n').at(-1) ?? 'failed'}` };
    writeFileSync(done, '');
  }
  return ran(command, imports) ? { kind: 'python', command } : { kind: 'none', why: 'its packages cannot be imported' };
};

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
  stop(): Promise<void>;
}

/** Starts a program and resolves when `url` answers 200; rejects with what it said when it ends before. */
export const serve = async (
  command: string,
  args: readonly string[],
  {
    cwd,
    url,
    env = {},
  }: { readonly cwd: string; readonly url: string; readonly env?: Readonly<Record<string, string>> },
): Promise<Serving> => {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${args.join(' ')} ended: ${said}`);
    const ready = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return { child, log: () => said, stop };
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
