/** The AI SDK and LangChain against a server of many providers, directly and through the gateway. */

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startProvider } from '../../protocols/mock-provider.ts';
import { startWorld, type World } from '../../support/world.ts';
import { runScript } from '../serving.ts';

const HERE = import.meta.dirname;
const PROVIDERS = ['openai', 'anthropic', 'gemini', 'ollama'];

/** The script in a folder that has its packages, or why there is none. */
type Frameworks =
  | { readonly kind: 'script'; readonly script: string }
  | { readonly kind: 'none'; readonly why: string };

/** Returns the script with its packages, which are installed once, exactly those of the lock file. */
const frameworks = (): Frameworks => {
  const files = ['package.json', 'package-lock.json', 'calls.mjs'];
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(join(HERE, file)));
  const folder = join(tmpdir(), `sallyport-clients-${hash.digest('hex').slice(0, 12)}`);
  const script = join(folder, 'calls.mjs');
  const done = join(folder, 'done');
  if (existsSync(done)) return { kind: 'script', script };
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const file of files) copyFileSync(join(HERE, file), join(folder, file));
  const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (npm.status !== 0)
    return { kind: 'none', why: `npm: ${npm.error?.message ?? npm.stderr.trim().split('\n').at(-1) ?? 'it failed'}` };
  writeFileSync(done, '');
  return { kind: 'script', script };
};

/** What each call of each client came to. */
type Seen = Readonly<Record<string, unknown>>;

/** Serves each provider below its name, as the gateway does. */
const startDoor = async (origin: string): Promise<Server> => {
  const server = createServer((req, res) => {
    const path = (req.url ?? '').replace(/^\/[a-z]+/, '');
    const on = request(`${origin}${path}`, { method: req.method ?? '', headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
    });
    req.pipe(on);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
};

const clients = frameworks();

if (clients.kind === 'none') it(`ai and langchain: not run, ${clients.why}`, () => {});
else
  describe('the AI SDK and LangChain', () => {
    let provider: Awaited<ReturnType<typeof startProvider>>;
    let door: Server;
    let world: World;
    beforeAll(async () => {
      provider = await startProvider();
      door = await startDoor(provider.url);
      const services = PROVIDERS.map(
        (name) => `  - { name: ${name}, protocol: ${name}, upstream: { url: ${provider.url} } }`,
      );
      world = await startWorld(
        ({ issuer }) => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
identity: { issuers: [{ issuer: ${issuer}, audience: sallyport }] }
services:
${services.join('\n')}
policies:
  - { name: all, when: '"ml" in caller.groups', then: allow }
masking:
  - { name: pii, when: '!("privacy-cleared" in caller.groups)', entities: [email] }
`,
      );
    });
    afterAll(async () => {
      door.close();
      door.closeAllConnections();
      await Promise.all([provider.stop(), world.close()]);
    });

    const call = (url: string, token: string): Promise<Seen> =>
      runScript(process.execPath, [clients.script, url, token]);
    const through = async (who: string): Promise<Seen> => call(world.url, await world.idp.token(who));

    it('see through the gateway what they see without it', async () => {
      const address = door.address();
      const port = typeof address === 'object' ? address?.port : 0;
      const direct = await call(`http://127.0.0.1:${port}`, 'unused');
      expect(Object.keys(direct).length).toBeGreaterThan(20);
      expect(JSON.stringify(direct)).not.toContain('"error"');
      expect(await through('carol')).toEqual(direct);
    });

    it('see masked texts, streamed or not, and masked arguments of tools', async () => {
      const seen = Object.entries(await through('alice')).filter(([name]) => !name.endsWith('embed'));
      for (const [name, result] of seen) {
        expect([name, JSON.stringify(result)]).toEqual([name, expect.not.stringContaining('anna@')]);
        expect([name, joined(result)]).toEqual([name, expect.stringContaining('<EMAIL>')]);
      }
    });

    it('raise an error of their own for each call that is refused', async () => {
      for (const [name, result] of Object.entries(await through('ci')))
        expect([name, result]).toEqual([name, { error: expect.any(String), status: 403 }]);
    });
  });

/** What a result says: the parts of a stream one after another. */
const joined = (result: unknown): string =>
  typeof result === 'string'
    ? result
    : typeof result === 'object' && result !== null
      ? Object.values(result).map(joined).join('')
      : '';
