/** The suite that MCP tests its servers with, against a server and against the same server behind the gateway. */

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { conformanceServer } from '../support/mcp-conformance-server.ts';
import { startMcpServers, type McpServers } from '../support/mcp-servers.ts';
import { startWorld, type World } from '../support/world.ts';

const SUITE = fileURLToPath(
  new URL('../../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url),
);

/** What the suite said of one check. */
type Checks = Readonly<Record<string, string>>;

let servers: McpServers;
let world: World;
let door: Server;

/** The suite has no place for a token: what passes here gets one. */
const startDoor = async (origin: string, token: string): Promise<Server> => {
  const server = createServer((req, res) => {
    const headers = { ...req.headers, authorization: `Bearer ${token}` };
    const on = request(`${origin}${req.url}`, { method: req.method ?? 'GET', headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      res.flushHeaders();
      answer.pipe(res);
    });
    on.on('error', () => res.destroy());
    res.on('close', () => on.destroy());
    req.pipe(on);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
};

const originOf = (server: Server): string => {
  const address = server.address();
  return typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
};

const run = (url: string): Promise<Checks> => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-mcp-'));
  const args = [SUITE, 'server', '--url', url, '--suite', 'all', '--output-dir', folder];
  return new Promise((resolve, reject) => {
    // what it says of a check is in its files; that some failed is not an error here
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 64 * 1024 ** 2 }, (error, stdout) => {
      const checks: Record<string, string> = {};
      for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
        name.endsWith('checks.json'),
      )) {
        const found: { id: string; status: string }[] = JSON.parse(readFileSync(join(folder, file), 'utf8'));
        const scenario = file.replace(/-\d{4}-\d\d-\d\dT.*/, '').replace(/^.*\//, '');
        // what it only remarks on depends on how fast the machine is
        for (const { id, status } of found.filter((check) => check.status !== 'INFO'))
          checks[`${scenario}: ${id}`] = status;
      }
      rmSync(folder, { recursive: true });
      if (Object.keys(checks).length > 0) resolve(checks);
      else reject(error ?? new Error(`the suite wrote nothing: ${stdout}`));
    });
  });
};

beforeAll(async () => {
  servers = await startMcpServers(conformanceServer);
  world = await startWorld(
    ({ issuer }) => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
limits: { drain: 1s }
identity: { issuers: [{ issuer: ${issuer}, audience: sallyport }] }
services:
  - { name: tools, protocol: mcp, upstream: { url: ${servers.url} } }
policies:
  - { name: ml-may, when: '"ml" in caller.groups', then: allow }
masking:
  - { name: pii, direction: both, entities: [credit_card] }
`,
  );
  door = await startDoor(world.url, await world.idp.token('carol'));
});
afterAll(async () => {
  door.close();
  door.closeAllConnections();
  await world.close();
  await servers.close();
});

// the suite waits for so many milliseconds and no longer: a machine that is busy with something else fails it
it('says the same of a server and of the gateway in front of it', { timeout: 240_000, retry: 2 }, async () => {
  const direct = await run(`${servers.url}/old/mcp`);
  expect(Object.values(direct).filter((status) => status === 'SUCCESS').length).toBeGreaterThan(42);
  expect(await run(`${originOf(door)}/tools/old/mcp`)).toEqual(direct);
});
