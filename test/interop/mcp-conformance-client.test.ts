/** The suite that MCP tests its clients with: a client against its servers, and the same client through the gateway. */

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorld, type World } from '../support/world.ts';

const SUITE = fileURLToPath(
  new URL('../../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url),
);
const CLIENT = fileURLToPath(new URL('../support/mcp-conformance-client.ts', import.meta.url));

/** Every scenario but those of authorization, which is between a client and the gateway's own identity provider. */
const SCENARIOS = ['initialize', 'tools_call', 'elicitation-sep1034-client-defaults', 'sse-retry'];

/** It measures when a client comes back: how busy the machine is, and nothing else that could differ. */
const TIMED = 'client-sse-retry-timing';

/** What the suite said of one check. */
type Checks = Readonly<Record<string, string>>;

let door: Server;
let doorUrl = '';
let target = '';
let world: World;

/** The suite starts a server of its own for each scenario: what the gateway forwards goes to the one that is meant now. */
const startDoor = async (): Promise<Server> => {
  const server = createServer((req, res) => {
    if (req.method === 'PUT') {
      void (async () => {
        target = await text(req);
        res.end();
      })();
      return;
    }
    const on = request(`${target}${req.url}`, { method: req.method ?? '', headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      res.flushHeaders();
      answer.pipe(res);
      // an answer that is cut off reaches the client cut off
      answer.on('aborted', () => res.destroy());
    });
    on.on('error', () => res.destroy());
    res.on('close', () => on.destroy());
    req.pipe(on);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
};

const run = (scenario: string, env: Readonly<Record<string, string>>): Promise<Checks> => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-mcp-'));
  const command = `${process.execPath} ${CLIENT}`;
  const args = [SUITE, 'client', '--command', command, '--scenario', scenario, '--output-dir', folder];
  const options = { cwd: folder, maxBuffer: 64 * 1024 ** 2, env: { ...process.env, ...env } };
  return new Promise((resolve, reject) => {
    // what it says of a check is in its files; that some failed is not an error here
    execFile(process.execPath, [...args, '--timeout', '60000'], options, (error, stdout) => {
      const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
      const checks = files
        .filter((name) => name.endsWith('checks.json'))
        .flatMap((file): { id: string; status: string }[] => JSON.parse(readFileSync(join(folder, file), 'utf8')))
        .filter(({ id, status }) => status !== 'INFO' && id !== TIMED);
      rmSync(folder, { recursive: true });
      if (checks.length > 0) resolve(Object.fromEntries(checks.map(({ id, status }) => [id, status])));
      else reject(error ?? new Error(`the suite wrote nothing: ${stdout}`));
    });
  });
};

beforeAll(async () => {
  door = await startDoor();
  const address = door.address();
  doorUrl = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
  world = await startWorld(
    ({ issuer }) => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
limits: { drain: 1s }
identity: { issuers: [{ issuer: ${issuer}, audience: sallyport }] }
services:
  - { name: tools, protocol: mcp, upstream: { url: ${doorUrl} } }
policies:
  - { name: ml-may, when: '"ml" in caller.groups', then: allow }
masking:
  - { name: pii, direction: both, entities: [credit_card] }
`,
  );
});
afterAll(async () => {
  door.close();
  door.closeAllConnections();
  await world.close();
});

it.each(SCENARIOS)(
  'says the same of a client and of it behind the gateway: %s',
  { timeout: 240_000 },
  async (scenario) => {
    const direct = await run(scenario, {});
    expect(Object.values(direct)).toContain('SUCCESS');
    expect(Object.values(direct)).not.toContain('FAILURE');
    target = '';
    const token = await world.idp.token('carol');
    expect(await run(scenario, { GATEWAY: `${world.url}/tools`, DOOR: doorUrl, TOKEN: token })).toEqual(direct);
    expect(target).not.toBe('');
  },
);
