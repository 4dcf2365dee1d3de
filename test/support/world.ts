/** A whole deployment for end-to-end tests, started as a user starts it: an identity provider, a model server, a gateway. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { type IdentityProvider, startIdentityProvider } from './identity-provider.ts';
import { type ModelServer, startModelServer } from './model-server.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

/** The upstream credential of every service, to be looked for where it must not be. */
export const UPSTREAM_KEY = 'upstream-secret-6f1c';

/** What a command printed and how it ended. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a gateway is started that meets what others do not. */
interface StartOptions {
  readonly fileBlocks?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** A running deployment. */
export interface World {
  readonly folder: string;
  readonly idp: IdentityProvider;
  readonly model: ModelServer;
  /** Origin of the gateway's first listener, and of its control port. */
  readonly url: string;
  /** One for each listener, in config order. */
  readonly urls: readonly string[];
  readonly control: string;
  /** Everything the gateway has logged. */
  readonly log: () => string;
  /** Runs `sallyport …` in the folder; `as` names a person whose token it uses, `around` is its environment beside the usual. */
  cli(args: readonly string[], as?: string, around?: Readonly<Record<string, string>>): Promise<Ran>;
  /** Writes another config; the gateway sees it by itself. */
  configure(yaml: string): void;
  /** Ends the gateway by a signal and resolves to its exit code; null when the signal ended it. */
  stopGateway(signal?: NodeJS.Signals): Promise<number | null>;
  /** `fileBlocks`: no file may grow beyond so many blocks of 512 bytes; writes beyond it fail. `env`: beside the usual one. */
  startGateway(options?: StartOptions): Promise<void>;
  close(): Promise<void>;
}

/** What a config is written from. */
export interface Places {
  readonly issuer: string;
  readonly model: string;
}

/** Returns the policies and services that most tests use; `more` goes to the end. */
export const usualConfig = ({ issuer, model }: Places, more = ''): string => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
identity:
  issuers: [{ issuer: ${issuer}, audience: sallyport }]
services:
  - name: llm
    protocol: openai
    upstream: { url: ${model}, credential: { bearer: { env: UPSTREAM_KEY } } }
  - name: claude
    protocol: anthropic
    upstream: { url: ${model}, credential: { header: x-api-key, value: { env: UPSTREAM_KEY } } }
  - name: any
    protocol: http
    upstream: { url: ${model} }
  - name: opaque
    protocol: http
    opaque: allow
    upstream: { url: ${model} }
policies:
  - name: ml-may
    when: '"ml" in caller.groups'
    then: allow
  - name: no-shell
    when: 'call.tools.exists(t, t.name == "shell")'
    then: deny
    message: The shell tool is not available here.
  - name: big-needs-a-human
    when: 'call.max_tokens > 8000 && call.max_tokens < 1000000'
    then: { approve: { by: ["group:ml-leads"], within: 1m, use_within: 1m } }
masking:
  - name: pii
    when: '!("privacy-cleared" in caller.groups)'
    direction: both
    entities: [email, credit_card, secret]
${more}
`;

async function run(folder: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ran> {
  const child = launch(folder, args, env);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'exit')]);
  return { code: typeof code === 'number' ? code : -1, stdout, stderr };
}

const launch = (folder: string, args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess =>
  spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', UPSTREAM_KEY, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** A disk that is full, as far as one process can see: with the signal ignored, a write beyond the limit fails with EFBIG. */
const launchLimited = (folder: string, args: readonly string[], blocks: number): ChildProcess =>
  spawn('sh', ['-c', `trap '' XFSZ; ulimit -f ${blocks}; exec "$0" "$@"`, process.execPath, MAIN, ...args], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', UPSTREAM_KEY },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** Starts a deployment; resolves when calls can be made. `prepare` may put files beside the config. */
export async function startWorld(
  config: (places: Places) => string = usualConfig,
  prepare: (folder: string) => void = () => {},
): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-e2e-'));
  const [idp, model] = await Promise.all([startIdentityProvider(), startModelServer()]);
  const places = { issuer: idp.issuer, model: model.url };
  const configure = (yaml: string): void => writeFileSync(join(folder, 'sallyport.yaml'), yaml);
  prepare(folder);
  configure(config(places));
  const made = await run(folder, ['init'], {});
  if (made.code !== 0) throw new Error(`init failed: ${made.stderr}`);

  let gateway: ChildProcess | null = null;
  let ports = { listeners: [0], control: 0 };
  let log = '';
  const startGateway = async ({ fileBlocks, env = {} }: StartOptions = {}): Promise<void> => {
    const args = ['--json', 'start'];
    const child = fileBlocks === undefined ? launch(folder, args, env) : launchLimited(folder, args, fileBlocks);
    gateway = child;
    child.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
    const line = await Promise.race([
      once(createInterface({ input: child.stdout! }), 'line').then(([first]) => String(first)),
      once(child, 'exit').then(() => null),
    ]);
    if (line === null) throw new Error(`the gateway did not start: ${log}`);
    ports = JSON.parse(line);
  };
  const stopGateway = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    if (gateway === null || gateway.exitCode !== null || gateway.signalCode !== null) return gateway?.exitCode ?? null;
    const ended = once(gateway, 'exit');
    gateway.kill(signal);
    const [code] = await ended;
    return typeof code === 'number' ? code : null;
  };
  await startGateway();
  return {
    folder,
    idp,
    model,
    get url() {
      return `http://127.0.0.1:${ports.listeners[0]}`;
    },
    get urls() {
      return ports.listeners.map((port) => `http://127.0.0.1:${port}`);
    },
    get control() {
      return `http://127.0.0.1:${ports.control}`;
    },
    log: () => log,
    async cli(args, as, around = {}) {
      const env = { ...around, SALLYPORT_URL: `http://127.0.0.1:${ports.control}` };
      return run(folder, args, as === undefined ? env : { ...env, SALLYPORT_TOKEN: await idp.token(as) });
    },
    configure,
    stopGateway,
    startGateway,
    async close() {
      await stopGateway();
      await Promise.all([idp.stop(), model.close()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
