import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Metadata, status } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { loadProto } from '../kit/proto.ts';
import { type DeskClient, deskClient, type DeskServer, type Letter, startDesk } from '../support/grpc-desk.ts';
import { type RealtimeConnection, type RealtimeServer, startRealtimeServer } from '../support/realtime-server.ts';
import { startWorld, type World } from '../support/world.ts';

const SECRET = 'anna@example.com';
/** What is recorded of one call at most, originals included. */
const BOUND = 64 * 1024;

let world: World;
let desk: DeskServer;
let realtime: RealtimeServer;
let toDesk: DeskClient;

beforeAll(async () => {
  desk = await startDesk({ more: (server) => new ReflectionService(loadProto('desk')).addToServer(server) });
  realtime = await startRealtimeServer();
  const own = await generateIdentity();
  const recipient = await identityToRecipient(own);
  world = await startWorld(
    ({ issuer }) => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
identity: { issuers: [{ issuer: ${issuer}, audience: sallyport }] }
services:
  - name: desk
    protocol: grpc
    upstream: { url: http://127.0.0.1:${desk.port} }
    grpc: { descriptors: reflection }
  - name: voice
    protocol: openai
    websocket: allow
    upstream: { url: ${realtime.url} }
policies: [{ name: ml-may, when: '"ml" in caller.groups', then: allow }]
masking:
  - { name: pii, when: 'caller.groups.size() == 1', direction: both, entities: [email] }
  - { name: answers, when: '"ml-leads" in caller.groups', direction: response, entities: [email] }
  - name: asked-for
    when: 'call.texts.exists(t, t.text.contains("quietly"))'
    direction: response
    entities: [email]
recording: { originals: [${recipient}], max_session: ${BOUND}B }
`,
    (folder) => writeFileSync(join(folder, 'auditor.txt'), `${own}\n`),
  );
  toDesk = deskClient(new URL(world.url).host);
});
afterAll(async () => {
  toDesk.close();
  await world.close();
  await Promise.all([desk.close(), realtime.close()]);
});

interface Content {
  readonly text: string;
  readonly encoding?: 'base64';
}

const bytesOf = ({ text, encoding = 'utf8' as const }: { text: string; encoding?: 'base64' | 'utf8' }): string =>
  Buffer.from(text, encoding).toString('latin1');

/** What a recording says was asked and answered. */
async function recorded(id: string, ...args: readonly string[]): Promise<{ asked: string; answered: string }> {
  const ran = await world.cli(['sessions', 'export', id, '--format', 'har', ...args]);
  if (ran.code !== 0) throw new Error(ran.stderr);
  const har: {
    readonly log: {
      readonly entries: readonly {
        readonly request: { readonly postData?: Content };
        readonly response: { readonly content: Content };
      }[];
    };
  } = JSON.parse(ran.stdout);
  const [entry] = har.log.entries;
  return {
    asked: bytesOf(entry?.request.postData ?? { text: '' }),
    answered: bytesOf(entry?.response.content ?? { text: '' }),
  };
}

const original = (id: string) => recorded(id, '--original', '--identity', 'auditor.txt');

/** Resolves to a session once it has ended for this reason. */
const ended = (id: string, reason: string): Promise<string> =>
  vi.waitFor(async () => {
    const { stdout } = await world.cli(['--json', 'sessions', 'list']);
    const rows: readonly { readonly id: string; readonly reason: string }[] = JSON.parse(stdout);
    expect(rows.find((row) => row.id === id)?.reason).toBe(reason);
    return id;
  }, 20_000);

describe('originals of a gRPC call', () => {
  const as = async (who: string): Promise<Metadata> => {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${await world.idp.token(who)}`);
    metadata.set('sallyport-service', 'desk');
    return metadata;
  };
  const call = async (method: 'Ask' | 'Spread' | 'Talk', letters: readonly Letter[], who = 'alice', cancelAt = 99) => {
    const outcome = await toDesk.call(method, letters, { metadata: await as(who), cancelAt });
    // an answer without messages has its head in its trailers
    const heads = [outcome.head, outcome.trailers].flatMap((found) => found?.get('sallyport-session') ?? []);
    return { ...outcome, id: String(heads[0]) };
  };

  it('are what the caller asked and the server answered; without the identity there is what was masked', async () => {
    const { letters, code, id } = await call('Ask', [{ text: `to ${SECRET}` }]);
    expect([code, letters[0]?.text]).toEqual([0, 're: to <EMAIL>']);
    await ended(id, 'completed');
    const shown = await recorded(id);
    // the request that came is sealed: what went upstream stands in its place
    expect(shown.asked).toContain('to <EMAIL>');
    expect(JSON.stringify(shown)).not.toContain(SECRET);
    expect((await original(id)).asked).toContain(`to ${SECRET}`);
    // bob's letters go as they come, what is said to him is masked
    const told = await call('Ask', [{ text: `from ${SECRET}` }], 'bob');
    expect(told.letters[0]?.text).toBe('re: from <EMAIL>');
    const answer = await ended(told.id, 'completed');
    expect((await recorded(answer)).answered).toContain('re: from <EMAIL>');
    expect((await original(answer)).answered).toContain(`re: from ${SECRET}`);
  });

  it('are those of every message of a conversation, in order', async () => {
    const texts = [`one ${SECRET}`, 'two', 'three bob@example.com'];
    const { letters, id } = await call(
      'Talk',
      texts.map((text) => ({ text })),
    );
    expect(letters.map(({ text }) => text)).toEqual(['re: one <EMAIL>', 're: two', 're: three <EMAIL>']);
    await ended(id, 'completed');
    expect((await original(id)).asked).toMatch(/one anna@example\.com.*two.*three bob@example\.com/s);
  });

  it('of a stream hold what the server said until the caller left', async () => {
    const lines = ['first', 'second carla@example.com', 'sleep'];
    const { code, letters, id } = await call('Spread', [{ lines }], 'bob', 2);
    expect([code, letters.at(-1)?.text]).toEqual([status.CANCELLED, 're: second <EMAIL>']);
    await ended(id, 'caller-left');
    expect((await recorded(id)).answered).toMatch(/re: first.*re: second <EMAIL>/s);
    expect((await original(id)).answered).toMatch(/re: first.*re: second carla@example\.com/s);
  });

  it('count towards the bound of a recording: the call ends there, and what left is on record', async () => {
    // the request takes half of it, each answer a quarter: as the server said it and as the caller saw it
    const lines = Array.from({ length: 4 }, () => 'x'.repeat(8_000));
    const { code, letters, id } = await call('Spread', [{ lines }]);
    expect(code).toBe(status.UNAVAILABLE);
    expect(letters.length).toBeLessThan(4);
    await ended(id, 'evidence-unavailable');
    const { answered } = await recorded(id);
    expect(answered.split('re: ').length - 1).toBe(letters.length);
  });
});

/** A connection: both ends, what the caller has heard, and its session. */
interface Talk {
  readonly caller: WebSocket;
  readonly upstream: RealtimeConnection;
  readonly heard: readonly string[];
  readonly id: string;
}

describe('originals of a WebSocket', () => {
  const open = async (who: string): Promise<Talk> => {
    const url = `${world.url.replace('http', 'ws')}/voice/v1/realtime?model=gpt-realtime`;
    const caller = new WebSocket(url, { headers: { authorization: `Bearer ${await world.idp.token(who)}` } });
    const heard: string[] = [];
    caller.on('message', (data: Buffer) => heard.push(data.toString()));
    const upgraded = once(caller, 'upgrade');
    const [upstream, [answer]] = await Promise.all([realtime.next(), upgraded, once(caller, 'open')]);
    return { caller, upstream, heard, id: String(answer.headers['sallyport-session']) };
  };
  const said = (text: string) => ({
    type: 'conversation.item.create',
    item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] },
  });
  const part = (text: string, type = 'response.output_text.done') => ({
    type,
    event_id: 'event_1',
    response_id: 'resp_1',
    item_id: 'item_1',
    output_index: 0,
    content_index: 0,
    ...(type.endsWith('delta') ? { delta: text } : { text }),
  });
  const heardOf = (heard: readonly string[], count: number): Promise<void> =>
    vi.waitFor(() => expect(heard.length).toBeGreaterThanOrEqual(count), 20_000);

  it('are what both sides said, in order', async () => {
    const { caller, upstream, heard, id } = await open('alice');
    caller.send(JSON.stringify(said(`mine is ${SECRET}`)));
    caller.send(JSON.stringify(said('nothing to hide')));
    await upstream.received(2);
    expect(upstream.messages[0]).toContain('mine is <EMAIL>');
    upstream.say(part('hers is carla@example.com'));
    await heardOf(heard, 1);
    expect(heard[0]).toContain('hers is <EMAIL>');
    caller.close(1000);
    await once(caller, 'close');
    await ended(id, 'completed');
    const shown = await recorded(id);
    expect(JSON.stringify(shown)).not.toMatch(/anna@|carla@/);
    const { asked, answered } = await original(id);
    expect(asked).toMatch(/mine is anna@example\.com.*nothing to hide/s);
    expect(answered).toContain('hers is carla@example.com');
  });

  it('keep what was said before a message brought a rule, beside what was masked after it', async () => {
    const { caller, upstream, heard, id } = await open('carol');
    upstream.say(part('before bob@example.com'));
    await heardOf(heard, 1);
    caller.send(JSON.stringify(said('now quietly')));
    await upstream.received(1);
    upstream.say(part('after carla@example.com'));
    await heardOf(heard, 2);
    expect(heard).toEqual([expect.stringContaining('before bob@'), expect.stringContaining('after <EMAIL>')]);
    caller.close(1000);
    await once(caller, 'close');
    const { answered } = await original(await ended(id, 'completed'));
    expect(answered).toMatch(/before bob@example\.com.*after carla@example\.com/s);
  });

  it('hold what was still held back when the caller broke off', async () => {
    const { caller, upstream, heard, id } = await open('alice');
    caller.send(JSON.stringify(said('go on')));
    await upstream.received(1);
    upstream.say(part('shown, ', 'response.output_text.delta'), part('dora@exam', 'response.output_text.delta'));
    await heardOf(heard, 1);
    // the server's own answer to a ping comes behind what it said
    upstream.say({ type: 'rate_limits.updated', event_id: 'event_2', rate_limits: [] });
    await vi.waitFor(() => expect(heard.join('')).toContain('rate_limits.updated'), 20_000);
    caller.terminate();
    await ended(id, 'caller-left');
    expect((await recorded(id)).answered).not.toContain('dora@exam');
    expect((await original(id)).answered).toMatch(/shown, .*dora@exam/s);
  });

  it('count towards the bound of a recording: the connection ends there, and what left is on record', async () => {
    const { caller, upstream, heard, id } = await open('alice');
    caller.on('error', () => {});
    const closed = once(caller, 'close');
    for (let at = 0; at < 6; at++) upstream.say(part('x'.repeat(10_000)));
    const [, reason] = await closed;
    expect(String(reason)).toBe('evidence-unavailable');
    const { answered } = await recorded(await ended(id, 'evidence-unavailable'));
    for (const message of heard.filter((each) => each.includes('xxx'))) expect(answered).toContain(message);
    expect(heard.filter((each) => each.includes('xxx')).length).toBeLessThan(6);
  });
});
