/** Unix sockets to listen on, with several data workers: each socket has one, and they take turns. */

import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorld, usualConfig, type World } from '../support/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-unix-'));
const path = (at: number): string => join(folder, `${at}.sock`);

let world: World;
let token = '';
beforeAll(async () => {
  const sockets = [0, 1, 2].map((at) => `{ address: "unix:${path(at)}" }`).join(', ');
  world = await startWorld((places) => {
    const config = usualConfig(places, 'trusted_proxies: [unix]\nworkers: 2\nlog: { level: debug }');
    return config.replace('[{ address: 127.0.0.1:0 }]', `[${sockets}, { address: 127.0.0.1:0 }]`);
  });
  token = await world.idp.token('carol');
});
afterAll(async () => {
  await world.close();
  rmSync(folder, { recursive: true });
});

const ask = (at: number, headers: Readonly<Record<string, string>> = { 'x-api-key': token }): Promise<string> =>
  new Promise((resolve, reject) => {
    const sent = request({ socketPath: path(at), path: '/opaque/x', method: 'POST', agent: false, headers });
    sent.on('error', reject);
    sent.on('response', (response) => void text(response).then((body) => resolve(`${response.statusCode} ${body}`)));
    sent.end('{}');
  });

/** The worker that refuses a stranger at a socket, as its log says; the address tells one stranger from another. */
async function workerOf(at: number): Promise<string> {
  const source = `192.0.2.${at + 1}`;
  await ask(at, { 'x-forwarded-for': source });
  const line = (): string | undefined =>
    world
      .log()
      .split('\n')
      .find((entry) => entry.includes('refused a stranger') && entry.includes(source));
  await expect.poll(line, { timeout: 10_000 }).toBeDefined();
  return /worker-\d/.exec(line() ?? '')?.[0] ?? '';
}

it('every one of them takes calls, at once', async () => {
  world.model.always(() => ({ status: 200, headers: ['Content-Length', '2'], steps: [{ send: Buffer.from('ok') }] }));
  const answers = await Promise.all([0, 1, 2].flatMap((at) => Array.from({ length: 20 }, () => ask(at))));
  expect(new Set(answers)).toEqual(new Set(['200 ok']));
});

it('the data workers take turns', async () => {
  expect([await workerOf(0), await workerOf(1), await workerOf(2)]).toEqual(['worker-0', 'worker-1', 'worker-0']);
});

it('a port beside them keeps its place', async () => {
  expect(world.urls).toHaveLength(4);
  expect((await fetch(`${world.urls[3]}/opaque/x`, { headers: { 'x-api-key': token } })).status).toBe(200);
});
