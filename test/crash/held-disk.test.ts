/** What waits for the disk, on a disk whose syncs do not come back until they may. */

import { once } from 'node:events';
import { realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Metadata } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type RawData, WebSocket } from 'ws';
import { DESK_DESCRIPTORS } from '../kit/proto.ts';
import { type DeskServer, deskClient, startDesk } from '../support/grpc-desk.ts';
import { type RealtimeServer, startRealtimeServer } from '../support/realtime-server.ts';
import { startWorld, usualConfig, type World } from '../support/world.ts';
import { buildPreload } from './preload.ts';

const library = buildPreload('held');
let world: World;
let held: string;

/** Long enough for a call that does not wait to get where it should not be. Milliseconds. */
const MEANWHILE = 300;

const hold = (): void => writeFileSync(held, '');
const release = (): void => rmSync(held, { force: true });

let realtime: RealtimeServer;
let desk: DeskServer;

async function openHeldWorld(): Promise<void> {
  [realtime, desk] = await Promise.all([startRealtimeServer(), startDesk()]);
  world = await startWorld((places) =>
    usualConfig(places).replace(
      'policies:\n',
      `  - { name: strict, protocol: openai, durable: before_forward, upstream: { url: ${places.model} } }
  - { name: ollama, protocol: ollama, upstream: { url: ${places.model} } }
  - { name: voice, protocol: openai, websocket: allow, upstream: { url: ${realtime.url} } }
  - { name: strict-voice, protocol: openai, websocket: allow, durable: before_forward, upstream: { url: ${realtime.url} } }
  - name: desk
    protocol: grpc
    upstream: { url: "http://127.0.0.1:${desk.port}" }
    grpc: { descriptors: { file: ${DESK_DESCRIPTORS} } }
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

// `ws` hands over one buffer where nothing else is asked of it
const textOf = (data: RawData): string => (Buffer.isBuffer(data) ? data.toString() : '');

const chat = { model: 'm', messages: [{ role: 'user', content: 'hello' }] };

if (library === null) {
  console.warn('held disk: not run, there is no C compiler (cc) here');
  it('held disk: not run, there is no C compiler (cc) here', () => {});
} else {
  beforeAll(openHeldWorld);
  afterEach(release);
  afterAll(() => {
    release();
    return Promise.all([world.close(), realtime.close(), desk.close()]);
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
  describe('promise 3: while a further message of a caller is not on the disk', () => {
    const EVENT = '{"type":"response.create"}';

    /** An open connection, what the caller has heard on it, and the model server's end. */
    async function connect(service: string) {
      const connection = realtime.next();
      const socket = new WebSocket(`${world.url.replace('http', 'ws')}/${service}/v1/realtime?model=m`, {
        headers: { authorization: `Bearer ${await world.idp.token('alice')}` },
      });
      const heard: string[] = [];
      socket.on('message', (data) => heard.push(textOf(data)));
      await once(socket, 'open');
      return { socket, heard, server: await connection };
    }

    it('the model server has it, and nothing it says to it leaves', async () => {
      const { socket, heard, server } = await connect('voice');
      server.say({ type: 'session.created' });
      await expect.poll(() => heard.length, { timeout: 10_000 }).toBe(1);
      hold();
      socket.send(EVENT);
      await server.received(1);
      server.say({ type: 'response.created' });
      await sleep(MEANWHILE);
      expect(heard).toHaveLength(1);
      release();
      await expect.poll(() => heard.length, { timeout: 10_000 }).toBe(2);
      socket.terminate();
    });

    it('it does not reach the model server of a service that says before_forward', async () => {
      const { socket, server } = await connect('strict-voice');
      hold();
      socket.send(EVENT);
      await sleep(MEANWHILE);
      expect(server.messages).toEqual([]);
      release();
      await server.received(1);
      expect(server.messages).toEqual([EVENT]);
      socket.terminate();
    });

    it('one that is denied is told nothing either, and is on record', async () => {
      const { socket, heard } = await connect('voice');
      hold();
      socket.send(
        '{"type":"session.update","session":{"type":"realtime","tools":[{"type":"function","name":"shell"}]}}',
      );
      await sleep(MEANWHILE);
      expect(heard).toEqual([]);
      release();
      const [, reason] = await once(socket, 'close');
      expect(String(reason)).toBe('policy-denied');
      const session = /"session":"([0-9a-z]{26})"/.exec(heard.join())?.[1] ?? '';
      const recorded = async (): Promise<string> => (await world.cli(['--json', 'sessions', 'replay', session])).stdout;
      await expect.poll(recorded, { timeout: 20_000 }).toContain('session.update');
    });

    it('a gRPC server has it, and nothing it says to it leaves', async () => {
      const client = deskClient(new URL(world.url).host, { 'grpc.enable_retries': 0 });
      const metadata = new Metadata();
      metadata.set('authorization', `Bearer ${await world.idp.token('alice')}`);
      metadata.set('sallyport-service', 'desk');
      const bytes = (value: Buffer): Buffer => value;
      const talk = client.client.makeBidiStreamRequest('/desk.v1.Desk/Talk', bytes, bytes, metadata);
      let heard = 0;
      talk.on('data', () => heard++);
      talk.on('error', () => {});
      talk.write(Buffer.alloc(0));
      await expect.poll(() => heard, { timeout: 10_000 }).toBe(1);
      hold();
      talk.write(Buffer.alloc(0));
      await expect.poll(() => desk.calls.at(-1)?.letters.length, { timeout: 10_000 }).toBe(2);
      await sleep(MEANWHILE);
      expect(heard).toBe(1);
      release();
      await expect.poll(() => heard, { timeout: 10_000 }).toBe(2);
      talk.cancel();
      client.close();
    });
  });
}
