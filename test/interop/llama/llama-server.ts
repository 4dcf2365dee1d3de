/**
 * llama-server of llama.cpp: `SALLYPORT_LLAMA_SERVER` names one, else one on the path, else Debian's packages of it are
 * unpacked in a folder of their own, with the libraries that they need: nothing of the machine's own is touched.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { tinyGguf } from '../../support/tiny-gguf.ts';
import { freePort, serve, type Serving } from '../serving.ts';

/** A llama-server, or why there is none. */
export type LlamaServer =
  | {
      readonly kind: 'llama-server';
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'none'; readonly why: string };

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const CACHE = join(tmpdir(), 'sallyport-llama-server');

/** The server, and what it is linked to. */
const PACKAGES = [
  'llama.cpp-tools',
  'libllama0',
  'libggml0',
  'libgomp1',
  'libssl3t64',
  'libstdc++6',
  'libgcc-s1',
  'libzstd1',
  'zlib1g',
  'libc6',
];

const runIn = (
  cwd: string,
  command: string,
  args: readonly string[],
): { readonly ok: boolean; readonly out: string } => {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  const said = error?.message ?? `${stdout}${stderr}`.trim().split('\n').at(-1) ?? '';
  return status === 0 ? { ok: true, out: stdout } : { ok: false, out: `${command}: ${said}` };
};

/** Returns where this machine's own apt gets Debian from; empty when it has no such place. */
const mirror = (): string => {
  const { ok, out } = runIn('/', 'apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']);
  return (ok ? out.split('\n') : []).find((uri) => uri.endsWith('/debian/')) ?? '';
};

/** Fills `folder` with the packages, unpacked. Returns why it cannot. */
const unpack = (folder: string): string | null => {
  const uri = mirror();
  if (uri === '' || !existsSync(KEYRING)) return 'this machine gets no packages from Debian';
  const at = (name: string): string => join(folder, 'apt', name);
  for (const name of ['lists/partial', 'cache/archives/partial']) mkdirSync(at(name), { recursive: true });
  writeFileSync(at('sources.list'), `deb [signed-by=${KEYRING}] ${uri} sid main\n`);
  writeFileSync(at('status'), '');
  const options = [
    `Dir::Etc::SourceList=${at('sources.list')}`,
    'Dir::Etc::SourceParts=/dev/null',
    `Dir::State::Lists=${at('lists')}`,
    `Dir::State::status=${at('status')}`,
    `Dir::Cache=${at('cache')}`,
    'APT::Sandbox::User=',
    // a mirror that is a while behind is as good: what it has is signed
    'Acquire::Check-Valid-Until=false',
  ].flatMap((option) => ['-o', option]);
  for (const args of [['update'], ['download', ...PACKAGES]]) {
    const { ok, out } = runIn(folder, 'apt-get', [...options, '-q', ...args]);
    if (!ok) return out;
  }
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.deb'))) {
    const { ok, out } = runIn(folder, 'dpkg-deb', ['-x', file, 'root']);
    if (!ok) return out;
    rmSync(join(folder, file));
  }
  rmSync(at('.'), { recursive: true });
  return null;
};

const unpacked = (): LlamaServer => {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return { kind: 'none', why: 'needs Linux on x64, or SALLYPORT_LLAMA_SERVER' };
  if (!existsSync(CACHE)) {
    const folder = mkdtempSync(`${CACHE}-`);
    const why = unpack(folder);
    if (why !== null) {
      rmSync(folder, { recursive: true });
      return { kind: 'none', why };
    }
    renameSync(folder, CACHE);
  }
  const libraries = join(CACHE, 'root/usr/lib/x86_64-linux-gnu');
  const paths = [libraries, join(libraries, 'llama'), join(libraries, 'ggml/backends0')].join(':');
  return {
    kind: 'llama-server',
    // its libc is another one than the machine's, and so is what loads it
    command: join(CACHE, 'root/usr/lib64/ld-linux-x86-64.so.2'),
    args: ['--library-path', paths, join(CACHE, 'root/usr/bin/llama-server')],
    env: { GGML_BACKEND_PATH: join(libraries, 'ggml/backends0/libggml-cpu-x64.so') },
  };
};

const runs = (command: string): boolean => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;

/** Returns a llama-server that runs here, or why none does. The first time takes a minute and the network. */
export const llamaServer = (): LlamaServer => {
  const given = process.env['SALLYPORT_LLAMA_SERVER'];
  const own = given ?? 'llama-server';
  if (runs(own)) return { kind: 'llama-server', command: own, args: [], env: {} };
  if (given !== undefined) return { kind: 'none', why: `${given} does not run` };
  const server = unpacked();
  if (server.kind === 'none') return server;
  const { status, stderr } = spawnSync(server.command, [...server.args, '--version'], { encoding: 'utf8' });
  return status === 0 ? server : { kind: 'none', why: stderr.trim().split('\n').at(-1) ?? 'it does not run' };
};

/** What a server is started for: it does one of them only. */
export type Purpose = 'texts' | 'embeddings' | 'ranks';

const PURPOSES: Readonly<Record<Purpose, readonly string[]>> = {
  texts: ['--slots', '--metrics', '--props', '--context-shift'],
  embeddings: ['--embeddings', '--pooling', 'mean'],
  ranks: ['--reranking'],
};

/** A running server. */
export interface Llama extends Serving {
  readonly url: string;
}

/** Starts a server of the tiny model. Unless a request says otherwise, its model says `says` and nothing else. */
export const startLlama = async (
  { command, args, env }: Extract<LlamaServer, { readonly kind: 'llama-server' }>,
  purpose: Purpose,
  says: string,
): Promise<Llama> => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-llama-'));
  writeFileSync(join(folder, 'tiny.gguf'), tinyGguf());
  // GBNF takes strings as JSON writes them, as far as ours go
  writeFileSync(join(folder, 'says.gbnf'), `root ::= ${JSON.stringify(says)}\n`);
  const url = `http://127.0.0.1:${await freePort()}`;
  const where = ['--host', '127.0.0.1', '--port', new URL(url).port, '--offline', '--no-webui'];
  const model = ['-m', 'tiny.gguf', '--alias', 'tiny', '-c', '8192', '-np', '2', '-t', '1', '--seed', '1'];
  const grammar = purpose === 'texts' ? ['--grammar-file', 'says.gbnf'] : [];
  const all = [...args, ...model, ...where, ...grammar, ...PURPOSES[purpose]];
  const serving = await serve(command, all, { cwd: folder, url: `${url}/health`, env });
  return {
    ...serving,
    url,
    async stop() {
      await serving.stop();
      rmSync(folder, { recursive: true });
    },
  };
};
