/**
 * Has the interop client of grpc-go call its own server directly and through the gateway: both must pass, also while
 * the gateway reads every message to mask it. Needs Go and its modules; says what could not run, and ends with 2 then.
 *
 * Run it with `node test/interop/grpc/run.ts`.
 */

import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as later } from 'node:timers/promises';
import { startWorld } from '../../support/world.ts';

const TIME_LIMIT = 60_000;
const folder = mkdtempSync(join(tmpdir(), 'grpc-interop-'));

/** Every case of the client that needs no account of a cloud and one server. */
const CASES = [
  'empty_unary',
  'large_unary',
  'client_streaming',
  'server_streaming',
  'ping_pong',
  'empty_stream',
  'timeout_on_sleeping_server',
  'cancel_after_begin',
  'cancel_after_first_response',
  'status_code_and_message',
  'special_status_message',
  'custom_metadata',
  'unimplemented_method',
  'unimplemented_service',
  'orca_per_rpc',
  'rpc_soak',
  'channel_soak',
];

const ORCA = '{"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}';

/** What the client cannot do through anything that asks who is calling. */
const WITHOUT_TOKEN = 'orca_oob: its reports come over a stream of the balancer itself, which carries no metadata';

/** Builds a program into our folder. Returns null, and says so, when it cannot be built here. */
const build = (name: string, what: string): string | null => {
  const program = join(folder, name);
  const options = { cwd: import.meta.dirname, encoding: 'utf8' } as const;
  const { status, stderr, error } = spawnSync('go', ['build', '-o', program, what], options);
  if (status === 0) return program;
  console.log(`NOT RUN  grpc-go interop, ${name}: ${error?.message ?? stderr.trim().split('\n').at(-1)}`);
  return null;
};

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.end());
  });

const startServer = async (program: string): Promise<{ readonly port: number; readonly child: ChildProcess }> => {
  const port = await freePort();
  const child = spawn(program, ['-port', String(port)], { stdio: 'ignore' });
  for (let tries = 0; tries < 100 && !(await answers(port)); tries++) await later(50);
  return { port, child };
};

/** Resolves to null when a case passes, else to what the client said last. */
const runCase = (program: string, port: number, name: string, metadata: string): Promise<string | null> =>
  new Promise((resolve) => {
    const args = ['-server_host', '127.0.0.1', '-server_port', String(port), '-test_case', name];
    // orca.go: reports reach the client through a balancer of its own
    if (name.startsWith('orca')) args.push('-service_config_json', ORCA);
    if (metadata !== '') args.push('-additional_metadata', metadata);
    execFile(program, args, { timeout: TIME_LIMIT }, (error, _, stderr) =>
      resolve(error === null ? null : (stderr.trim().split('\n').at(-1) ?? 'it failed')),
    );
  });

const config = (issuer: string, port: number, descriptors: string): string => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
identity: { issuers: [{ issuer: ${issuer}, audience: sallyport }] }
services:
  - name: interop
    protocol: grpc
    upstream: { url: http://127.0.0.1:${port} }
    grpc: { descriptors: { file: ${descriptors} } }
policies: [{ name: ml-may, when: '"ml" in caller.groups', then: allow }]
masking: [{ name: pii, when: '!("privacy-cleared" in caller.groups)', direction: both, entities: [email, secret] }]
`;

const main = async (): Promise<number> => {
  const [client, server, describe] = [
    build('client', 'google.golang.org/grpc/interop/client'),
    build('server', 'google.golang.org/grpc/interop/server'),
    build('describe', '.'),
  ];
  if (client === null || server === null || describe === null) return 2;
  const descriptors = join(folder, 'interop.binpb');
  writeFileSync(descriptors, spawnSync(describe).stdout);
  const { port, child } = await startServer(server);
  const world = await startWorld(({ issuer }) => config(issuer, port, descriptors));
  let failed = 0;
  console.log(`NOT RUN  grpc-go interop, ${WITHOUT_TOKEN}`);
  try {
    const gateway = Number(new URL(world.url).port);
    const as = async (who: string): Promise<string> => `authorization:Bearer ${await world.idp.token(who)}`;
    for (const name of CASES) {
      const ways = [
        ['directly', await runCase(client, port, name, '')],
        ['through the gateway', await runCase(client, gateway, name, await as('carol'))],
        ['through the gateway, every message read', await runCase(client, gateway, name, await as('alice'))],
      ] as const;
      for (const [way, said] of ways) {
        console.log(
          `${said === null ? 'ok      ' : 'FAILED  '} grpc-go interop, ${name}, ${way}${said === null ? '' : `: ${said}`}`,
        );
        if (said !== null) failed++;
      }
    }
  } finally {
    child.kill();
    await world.close();
  }
  return failed === 0 ? 0 : 1;
};

process.exitCode = await main();
rmSync(folder, { recursive: true, force: true });
