import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chat, chatStream } from '../support/model-answers.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const at = (port: number): string => `127.0.0.1:${port}`;

const ask = async (stream = false): Promise<Response> =>
  fetch(`${world.url}/llm/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await world.idp.token('alice')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', stream, messages: [{ role: 'user', content: 'hello' }] }),
  });

const other = (change: (config: string) => string): string => {
  const file = 'other.yaml';
  const config = readFileSync(join(world.folder, 'sallyport.yaml'), 'utf8');
  writeFileSync(join(world.folder, file), change(config));
  return file;
};

describe('sallyport start', () => {
  it('refuses a second gateway on the same records with one line and exit code 3', async () => {
    const { code, stderr } = await world.cli(['start']);
    expect(code).toBe(3);
    expect(stderr).toMatch(/error: cannot start: .*data is in use by another sallyport process/);
  });

  it.each([
    ['a listener', 'listeners[0].address', (config: string, port: number) => config.replace('127.0.0.1:0', at(port))],
    [
      'a listener that workers share',
      'listeners[0].address',
      (config: string, port: number) => `${config.replace('127.0.0.1:0', at(port))}\nworkers: 2\n`,
    ],
    [
      'the control port',
      'control.address',
      (config: string, port: number) =>
        config.replace('control: { address: 127.0.0.1:0', `control: { address: ${at(port)}`),
    ],
  ])('says which address of %s another process has, and what to do, with exit code 3', async (_what, key, change) => {
    // one that would share it, as another gateway does
    const taken = createServer().listen({ port: 0, host: '127.0.0.1', reusePort: true });
    await new Promise((resolve) => taken.once('listening', resolve));
    const address = taken.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const file = other((config) => `${change(config, port)}\nstore: { path: ./other }\n`);
    const { code, stdout, stderr } = await world.cli(['start', '--config', file]);
    taken.close();
    expect(stderr).toContain(`cannot start: ${at(port)} (${key}) cannot be opened: another process has it`);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  });

  it.each([
    ['a config with a mistake', (config: string) => `${config}\npolices: []\n`, 'polices: unknown key'],
    ['a policy that does not compile', (config: string) => config.replace('caller.groups', 'caller.gruops'), 'gruops'],
    ['a key that is not there', (config: string) => `${config}\nledger: { key: { file: none.key } }\n`, 'none.key'],
    [
      'a recording key that is none',
      (config: string) => `${config}\nrecording: { key: { file: keys/ledger.pub } }\n`,
      'sallyport-recording-key-v1',
    ],
    [
      'an authority of a model server that is none',
      (config: string) =>
        config.replace('upstream: { url: http://', 'upstream: { tls: { ca: { file: keys/ledger.pub } }, url: https://'),
      'services.llm.upstream.tls.ca: expected certificates in PEM',
    ],
    [
      'keys for a model server that is spoken to in plain text',
      (config: string) => config.replace('upstream: { url', 'upstream: { tls: { ca: { file: keys/ledger.pub } }, url'),
      'services[0].upstream.tls: expected https',
    ],
    ['a credential that is not set', (config: string) => config.replace('UPSTREAM_KEY', 'NO_KEY'), 'NO_KEY'],
  ])('refuses %s before it takes a call, with exit code 2', async (_what, change, said) => {
    const file = other((config) => `${change(config)}\nstore: { path: ./other }\n`);
    const { code, stdout, stderr } = await world.cli(['start', '--config', file]);
    expect(stderr).toContain(said);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('keeps the config in force when the new one is bad, and takes a good one', async () => {
    const before = readFileSync(join(world.folder, 'sallyport.yaml'), 'utf8');
    world.configure(before.replace('then: allow', 'then: alow'));
    await expect.poll(() => world.log(), { timeout: 5_000 }).toContain('the old one stays in force');
    world.model.next(chat('hello'));
    expect((await ask()).status).toBe(200);
    world.configure(before.replace('then: allow', 'then: deny'));
    await expect.poll(async () => (await ask()).status, { timeout: 5_000 }).toBe(403);
    world.configure(before);
    await expect.poll(() => world.log().match(/config reloaded/g)?.length, { timeout: 5_000 }).toBe(2);
  });

  it('lets a call under way end when it is told to stop, and ends with 0', async () => {
    const gate = Promise.withResolvers<void>();
    const { steps, ...answer } = chatStream(['one ', 'two']);
    world.model.next({ ...answer, steps: [...steps.slice(0, 1), { until: gate.promise }, ...steps.slice(1)] });
    const response = await ask(true);
    const stopped = world.stopGateway();
    await sleep(200);
    gate.resolve();
    expect(await response.text()).toContain('two');
    expect(await stopped).toBe(0);
    await world.startGateway();
  });

  it('ends at once at the second signal', async () => {
    const gate = Promise.withResolvers<void>();
    const { steps, ...answer } = chatStream(['one ', 'two']);
    world.model.next({ ...answer, steps: [...steps.slice(0, 1), { until: gate.promise }, ...steps.slice(1)] });
    const response = await ask(true);
    const first = world.stopGateway('SIGINT');
    await sleep(200);
    expect(await world.stopGateway('SIGINT')).toBe(130);
    expect(await first).toBe(130);
    await expect(response.text()).rejects.toThrow();
    gate.resolve();
    await world.startGateway();
  });
});
