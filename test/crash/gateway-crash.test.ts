/** The whole gateway, under load, on the disk that forgets. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseSigner } from '../../src/ledger/note-key.ts';
import { parseRecordingKey } from '../../src/config/recording-key.ts';
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
let token = '';
let starts = 0;
/** What each start claims, by its number: the model server hears of calls a little after their gateway is dead. */
const claimsOf = new Map<string, Claim[]>();

beforeAll(async () => {
  [idp, model] = await Promise.all([
    startIdentityProvider(),
    startModelServer((request) => {
      const { model: asked, stream } = chatOf(request.json());
      const [service, start = ''] = asked.split('.');
      if (service === 'strict') claimsOf.get(start)?.push({ kind: 'forwarded', model: asked });
      return stream ? chatStream(['Good ', 'morning', '!'], { pause: 2 }) : chat('Good morning!');
    }),
  ]);
  home = mkdtempSync(join(tmpdir(), 'sallyport-crash-home-'));
  await sallyport(['init', '--dir', home]);
});
afterAll(async () => {
  await Promise.all([idp.stop(), model.close()]);
  rmSync(home, { recursive: true });
});

const chatOf = (body: unknown): { readonly model: string; readonly stream: boolean } => {
  if (typeof body !== 'object' || body === null || !('model' in body)) throw new Error('expected a chat');
  return { model: String(body.model), stream: 'stream' in body && body.stream === true };
};

/** Returns a config in which the service `strict` syncs when it is told to. */
const crashConfig = (folder: string, strict: 'before_forward' | 'before_answer'): string =>
  usualConfig(
    { issuer: idp.issuer, model: model.url },
    `store: { path: ${folder} }\nledger: { checkpoint_every: 50ms }\nworkers: 2\n`,
  ).replace(
    'services:\n',
    `services:\n  - { name: strict, protocol: openai, durable: ${strict}, upstream: { url: ${model.url} } }\n`,
  );

const isAlive = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode === null && signalCode === null;

/** Makes calls, one after the other, until the gateway is gone; claims each session whose answer has begun. */
async function callOn(port: number, caller: number, child: ChildProcess, start: number): Promise<void> {
  const claims = claimsOf.get(String(start)) ?? [];
  for (let call = 0; isAlive(child); call++) {
    const stream = (caller + call) % 2 === 0;
    const service = call % 3 === 0 || strict === 'before_answer' ? 'strict' : 'llm';
    // every fifth call is denied, every seventh comes from nobody
    const tools = call % 5 === 4 ? [{ type: 'function', function: { name: 'shell', parameters: {} } }] : undefined;
    const messages = [{ role: 'user', content: `hello ${'x'.repeat((call * 977) % 5_000)}` }];
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/${service}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(call % 7 === 6 ? {} : { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify({ model: `${service}.${start}.${caller}.${call}`, stream, tools, messages }),
      });
      const id = answer.headers.get('sallyport-session');
      if (id !== null && id !== '') claims.push({ kind: 'session', id });
      await answer.text();
    } catch {
      // the gateway was killed in the middle
    }
  }
}

/** When the service `strict` syncs: the second makes it like any other. */
let strict: 'before_forward' | 'before_answer' = 'before_forward';

const start: StartVictim = async (folder, environment) => {
  // a token lives for minutes, many kills take longer
  token = await idp.token('alice');
  const config = join(home, 'crash.yaml');
  writeFileSync(config, crashConfig(folder, strict));
  const child = spawn(process.execPath, [MAIN, '--json', 'start', '--config', config], {
    cwd: home,
    env: { ...process.env, UPSTREAM_KEY: 'secret', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const claims: Claim[] = [];
  const number = ++starts;
  claimsOf.set(String(number), claims);
  const lines = createInterface(child.stdout);
  // the first line tells the ports
  lines.on('line', (line) => {
    const { listeners }: { readonly listeners: readonly number[] } = JSON.parse(line);
    for (let caller = 0; caller < CALLERS; caller++) void callOn(listeners[0] ?? 0, caller, child, number);
  });
  child.on('exit', (code) => {
    if (code !== null) console.error(said);
  });
  // one in four is killed while it starts and recovers, the others under load
  await (number % 4 === 0 ? once(child, 'spawn') : Promise.race([once(lines, 'line'), once(child, 'exit')]));
  // every second one has calls behind it, however slow the machine is
  if (number % 2 === 1) while (claims.length < 8 && isAlive(child)) await sleep(2);
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
      'has the record of every answer that began and of every call that a strict service forwarded, starts again, and verifies',
      async () => {
        const seed = Date.now() % 1_000_000;
        const report = await crash(KILLS, seed, false);
        expect(report.broken, `seed ${seed}`).toEqual([]);
        expect(report.claims).toBeGreaterThan(KILLS * 3);
        expect([...claimsOf.values()].flat().filter(({ kind }) => kind === 'forwarded').length).toBeGreaterThan(KILLS);
        console.log(`${report.kills} kills, ${report.claims} claims held, ${report.interrupted} sessions interrupted`);
      },
      60_000 + KILLS * 10_000,
    );

    it('is found out when the disk lies about what it synced', async () => {
      expect((await crash(10, 1, true)).broken).not.toEqual([]);
    }, 120_000);

    it('is found out when the strict service forwards before its record is synced', async () => {
      strict = 'before_answer';
      // the moment between the two is short where the disk is quick: kill on until one falls into it
      let broken: readonly string[] = [];
      for (let seed = 2; seed < 12 && broken.length === 0; seed++) ({ broken } = await crash(60, seed, false));
      strict = 'before_forward';
      expect(broken).toContainEqual(expect.stringContaining('claimed and lost: {"kind":"forwarded"'));
    }, 900_000);
  });
}
