/** The whole gateway, under load, on the disk that forgets. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseSigner } from '../../src/ledger/note-key.ts';
import { parseRecordingKey } from '../../src/recording-key.ts';
import { sallyport } from '../kit/command-line.ts';
import { type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts';
import { chat, chatStream } from '../support/model-answers.ts';
import { type ModelServer, startModelServer } from '../support/model-server.ts';
import { usualConfig } from '../support/world.ts';
import { buildForgetful } from './forgetful.ts';
import { type Claim, crashMany, seeded, type StartVictim } from './harness.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const disk = buildForgetful();
/** How many times the gateway is killed; more by hand: CRASHES=200 vitest run test/crash */
const KILLS = Number(process.env['CRASHES'] ?? 12);
const CALLERS = 6;

let idp: IdentityProvider;
let model: ModelServer;
let home: string;
let token: string;
let starts = 0;

beforeAll(async () => {
  [idp, model] = await Promise.all([
    startIdentityProvider(),
    startModelServer((request) =>
      isStreamed(request.json()) ? chatStream(['Good ', 'morning', '!'], { pause: 2 }) : chat('Good morning!'),
    ),
  ]);
  home = mkdtempSync(join(tmpdir(), 'sallyport-crash-home-'));
  await sallyport(['init', '--dir', home]);
  token = await idp.token('alice');
});
afterAll(async () => {
  await Promise.all([idp.stop(), model.close()]);
  rmSync(home, { recursive: true });
});

const isStreamed = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && 'stream' in body && body.stream === true;

/** Makes calls, one after the other, until the gateway is gone; claims each session whose answer has begun. */
async function callOn(port: number, caller: number, child: ChildProcess, claims: Claim[]): Promise<void> {
  for (let call = 0; child.exitCode === null && child.signalCode === null; call++) {
    const stream = (caller + call) % 2 === 0;
    // every fifth call is denied, every seventh comes from nobody
    const tools = call % 5 === 4 ? [{ type: 'function', function: { name: 'shell', parameters: {} } }] : undefined;
    const messages = [{ role: 'user', content: `hello ${'x'.repeat((call * 977) % 5_000)}` }];
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/llm/v1/chat/completions`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(call % 7 === 6 ? {} : { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify({ model: 'm', stream, tools, messages }),
      });
      const id = answer.headers.get('sallyport-session');
      if (id !== null && id !== '') claims.push({ kind: 'session', id });
      await answer.text();
    } catch {
      // the gateway was killed in the middle
    }
  }
}

const start: StartVictim = async (folder, environment) => {
  const config = join(home, 'crash.yaml');
  const places = { issuer: idp.issuer, model: model.url };
  writeFileSync(
    config,
    usualConfig(places, `store: { path: ${folder} }\nledger: { checkpoint_every: 50ms }\nworkers: 2\n`),
  );
  const child = spawn(process.execPath, [MAIN, '--json', 'start', '--config', config], {
    cwd: home,
    env: { ...process.env, UPSTREAM_KEY: 'secret', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const claims: Claim[] = [];
  const lines = createInterface(child.stdout);
  // the first line tells the ports
  lines.on('line', (line) => {
    const { listeners }: { readonly listeners: readonly number[] } = JSON.parse(line);
    for (let caller = 0; caller < CALLERS; caller++) void callOn(listeners[0] ?? 0, caller, child, claims);
  });
  child.on('exit', (code) => {
    if (code !== null) console.error(said);
  });
  // one in four is killed while it starts and recovers, the others under load
  starts++;
  await (starts % 4 === 0 ? once(child, 'spawn') : Promise.race([once(lines, 'line'), once(child, 'exit')]));
  return { process: child, claims };
};

const keys = () => {
  const read = (name: string): string => readFileSync(join(home, 'keys', name), 'utf8');
  const signer =
    read('ledger.key')
      .split('\n')
      .find((line) => line.startsWith('PRIVATE')) ?? '';
  return { recording: parseRecordingKey(read('recording.key')), signer: parseSigner(signer) };
};

const crash = (kills: number, seed: number, lies: boolean) => {
  if (disk === null) throw new Error('expected a C compiler');
  return crashMany({ disk, start, keys: keys(), kills, random: seeded(seed), within: 1_000, perFolder: 20, lies });
};

if (disk === null) {
  console.warn('crash: not run, there is no C compiler (cc) here');
  it('crash: not run, there is no C compiler (cc) here', () => {});
} else {
  describe('promise 3: the gateway, killed under load with loss of everything that was not synced', () => {
    it(
      'has the record of every answer that began, starts again, and verifies',
      async () => {
        const seed = Date.now() % 1_000_000;
        const report = await crash(KILLS, seed, false);
        expect(report.broken, `seed ${seed}`).toEqual([]);
        expect(report.claims).toBeGreaterThan(KILLS * 3);
        console.log(`${report.kills} kills, ${report.claims} claims held, ${report.interrupted} sessions interrupted`);
      },
      60_000 + KILLS * 10_000,
    );

    it('is found out when the disk lies about what it synced', async () => {
      expect((await crash(10, 1, true)).broken).not.toEqual([]);
    }, 120_000);
  });
}
