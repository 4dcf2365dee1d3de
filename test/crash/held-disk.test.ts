/** What waits for the disk, on a disk whose syncs do not come back until they may. */

import { realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, usualConfig, type World } from '../support/world.ts';
import { buildPreload } from './preload.ts';

const library = buildPreload('held');
let world: World;
let held: string;

/** Long enough for a call that does not wait to get where it should not be. Milliseconds. */
const MEANWHILE = 300;

const hold = (): void => writeFileSync(held, '');
const release = (): void => rmSync(held, { force: true });

async function openHeldWorld(): Promise<void> {
  world = await startWorld((places) =>
    usualConfig(places).replace(
      'policies:\n',
      `  - { name: strict, protocol: openai, durable: before_forward, upstream: { url: ${places.model} } }
  - { name: ollama, protocol: ollama, upstream: { url: ${places.model} } }
policies:
  - { name: leads-may-pull, when: 'call.management && "ml" in caller.groups', then: allow }
`,
    ),
  );
  await world.stopGateway();
  held = join(world.folder, 'held');
  const journals = join(realpathSync(world.folder), 'data/journal');
  await world.startGateway({ env: { LD_PRELOAD: library ?? '', HELD_FOLDER: journals, HELD_WHILE: held } });
}

/** Begins a call and returns what has come of it so far. */
async function begin(path: string, body: object, headers: Readonly<Record<string, string>> = {}) {
  const before = world.model.requests.length;
  const call = { headed: false, over: false, status: 0 };
  const make = async (): Promise<void> => {
    const answer = await fetch(`${world.url}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await world.idp.token('alice')}`,
        'content-type': 'application/json',
        ...headers,
      },
      body: JSON.stringify(body),
    });
    call.headed = true;
    call.status = answer.status;
    await answer.text();
    call.over = true;
  };
  const done = make();
  return { call, done, reached: () => world.model.requests.length - before };
}

const chat = { model: 'm', messages: [{ role: 'user', content: 'hello' }] };

if (library === null) {
  console.warn('held disk: not run, there is no C compiler (cc) here');
  it('held disk: not run, there is no C compiler (cc) here', () => {});
} else {
  beforeAll(openHeldWorld);
  afterEach(release);
  afterAll(() => {
    release();
    return world.close();
  });

  describe('promise 3: while the opening record of a call is not on the disk', () => {
    it.each([false, true])('the model works, and no byte of its answer leaves (streamed: %s)', async (stream) => {
      hold();
      const { call, done, reached } = await begin('/llm/v1/chat/completions', { ...chat, stream });
      await expect.poll(reached, { timeout: 10_000 }).toBe(1);
      await world.model.ended(world.model.requests.at(-1)!);
      await sleep(MEANWHILE);
      expect(call).toEqual({ headed: false, over: false, status: 0 });
      release();
      await done;
      expect(call).toMatchObject({ over: true, status: 200 });
    });

    it('a refusal does not leave either: it says which record it has', async () => {
      hold();
      const { call, done } = await begin('/llm/v1/chat/completions', {
        ...chat,
        tools: [{ type: 'function', function: { name: 'shell', parameters: {} } }],
      });
      await sleep(MEANWHILE);
      expect(call.headed).toBe(false);
      release();
      await done;
      expect(call.status).toBe(403);
    });

    it.each([
      ['of a service that says before_forward', '/strict/v1/chat/completions', chat],
      ['for an operation on the server itself', '/ollama/api/pull', { model: 'm', stream: false }],
    ])('a call %s does not reach the model server', async (_what, path, body) => {
      hold();
      const { call, done, reached } = await begin(path, body);
      await sleep(MEANWHILE);
      expect(reached()).toBe(0);
      release();
      await done;
      expect(reached()).toBe(1);
      expect(call.over).toBe(true);
    });

    it('a call that was approved does not reach the model server', async () => {
      hold();
      const { call, done, reached } = await begin(
        '/llm/v1/chat/completions',
        { ...chat, max_tokens: 9000 },
        { prefer: 'wait=30' },
      );
      const stateOf = async (): Promise<readonly { readonly id: string; readonly state: string }[]> =>
        JSON.parse((await world.cli(['--json', 'approvals', 'list', '--state', 'all'], 'bob')).stdout);
      await expect.poll(async () => (await stateOf()).length, { timeout: 20_000 }).toBe(1);
      const id = (await stateOf())[0]?.id ?? '';
      expect((await world.cli(['approvals', 'approve', '--yes', id], 'bob')).code).toBe(0);
      await expect.poll(async () => (await stateOf())[0]?.state, { timeout: 20_000 }).toBe('consumed');
      await sleep(MEANWHILE);
      expect(reached()).toBe(0);
      release();
      await done;
      expect(reached()).toBe(1);
      expect(call).toMatchObject({ over: true, status: 200 });
    });
  });
}
