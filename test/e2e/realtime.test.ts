import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createAuthority } from '../support/certificates.ts';
import { type RealtimeConnection, type RealtimeServer, startRealtimeServer } from '../support/realtime-server.ts';
import { startWorld, UPSTREAM_KEY, type World } from '../support/world.ts';

let world: World;
let server: RealtimeServer;
const authority = createAuthority();

beforeAll(async () => {
  server = await startRealtimeServer();
  world = await startWorld(
    ({ issuer }) => `
listeners:
  - { address: 127.0.0.1:0 }
  - { address: 127.0.0.1:0, tls: { cert: { file: tls.pem }, key: { file: tls.key } } }
control: { address: 127.0.0.1:0 }
identity: { issuers: [{ issuer: ${issuer}, audience: sallyport }] }
services:
  - name: voice
    protocol: openai
    websocket: allow
    max_body: 64KiB
    upstream: { url: ${server.url}, credential: { bearer: { env: UPSTREAM_KEY } } }
  - name: closed
    protocol: openai
    upstream: { url: ${server.url} }
policies:
  - { name: ml-may, when: '"ml" in caller.groups', then: allow }
  - name: no-shell
    on: message
    when: 'call.tools.exists(t, t.name == "shell")'
    then: deny
    message: The shell tool is not available here.
  - { name: three-messages, when: '"three" in caller.groups', limit: { per: [caller], requests: 3, within: 1m } }
  - { name: one-at-once, when: '"three" in caller.groups', limit: { per: [caller], concurrent: 1 } }
  - { name: few-tokens, when: '"tokens" in caller.groups', limit: { per: [caller], answer_tokens: 100, within: 1m } }
  - { name: no-loud-model, on: request, when: 'call.model == "loud"', then: deny }
masking:
  - { name: pii, when: '!("privacy-cleared" in caller.groups)', direction: both, entities: [email] }
`,
    (folder) => {
      const { cert, key } = authority.issue('localhost');
      writeFileSync(join(folder, 'tls.pem'), cert);
      writeFileSync(join(folder, 'tls.key'), key, { mode: 0o600 });
    },
  );
});
afterAll(async () => {
  await world.close();
  await server.close();
});

const open = async (who: string): Promise<OpenAIRealtimeWS> => {
  // the client speaks TLS only
  const baseURL = `${world.urls[1]?.replace('http:', 'https:')}/voice/v1`;
  const client = new OpenAI({ baseURL, apiKey: await world.idp.token(who) });
  const realtime = new OpenAIRealtimeWS({ model: 'gpt-realtime', options: { ca: authority.cert } }, client);
  realtime.on('error', () => {});
  return realtime;
};

const raw = async (
  who: string | null,
  protocols: string[] = [],
  service = 'voice',
  model = 'gpt-realtime',
): Promise<WebSocket> => {
  const token = await world.idp.token('alice', who === 'nobody' ? { groups: [] } : {});
  const headers =
    who === null ? {} : { authorization: `Bearer ${who === 'carol' ? await world.idp.token(who) : token}` };
  const url = `${world.url.replace('http', 'ws')}/${service}/v1/realtime?model=${model}`;
  return new WebSocket(url, protocols, { headers });
};

/** Resolves with the model server's end of a connection that opens. */
const opened = async (socket: WebSocket): Promise<RealtimeConnection> =>
  (await Promise.all([server.next(), once(socket, 'open')]))[0];

/** Resolves with the status of a handshake that failed. */
const refusedWith = async (socket: WebSocket): Promise<{ status: number; body: string }> => {
  socket.on('error', () => {});
  const [, answer] = await once(socket, 'unexpected-response');
  let body = '';
  for await (const chunk of answer) body += chunk;
  return { status: answer.statusCode, body };
};

const closing = async (socket: WebSocket): Promise<{ code: number; reason: string; last: string }> => {
  let last = '';
  socket.on('message', (data: Buffer) => (last = data.toString()));
  socket.on('error', () => {});
  const [code, reason] = await once(socket, 'close');
  return { code, reason: String(reason), last };
};

const delta = (text: string, more: object = {}) => ({
  type: 'response.output_text.delta',
  event_id: 'event_1',
  response_id: 'resp_1',
  item_id: 'item_1',
  output_index: 0,
  content_index: 0,
  delta: text,
  ...more,
});
const ended = (text: string) => [
  { ...delta(''), type: 'response.output_text.done', delta: undefined, text },
  {
    type: 'response.done',
    event_id: 'event_9',
    response: { id: 'resp_1', output: [], usage: { total_tokens: 12, input_tokens: 7, output_tokens: 5 } },
  },
];

const sessions = async (): Promise<readonly Record<string, unknown>[]> => {
  const { stdout } = await world.cli(['sessions', 'list', '--json']);
  return JSON.parse(stdout).sessions ?? JSON.parse(stdout);
};

/** Resolves with the newest session once it has this reason. */
const lastSession = async (reason: string): Promise<Record<string, unknown>> => {
  for (let tries = 0; ; tries++) {
    const [row] = await sessions();
    if (row?.['reason'] === reason) return row;
    if (tries === 20) throw new Error(`expected ${reason}, found ${String(row?.['reason'])}`);
  }
};

describe('the unmodified openai realtime client', () => {
  it('talks with the model, and sees no address that straddles events', async () => {
    const client = await open('alice');
    const upstream = await opened(client.socket);
    const texts: string[] = [];
    client.on('response.output_text.delta', ({ delta: text }) => texts.push(text));
    const whole = new Promise<string>((resolve) => client.on('response.output_text.done', ({ text }) => resolve(text)));
    const done = new Promise((resolve) => client.on('response.done', resolve));
    client.send({ type: 'response.create', response: { instructions: 'Ask bob@example.com.' } });
    await upstream.received(1);
    expect(JSON.parse(upstream.messages[0]!)).toEqual({
      type: 'response.create',
      response: { instructions: 'Ask <EMAIL>.' },
    });
    upstream.say(
      delta('Write to maria.l'),
      delta('indqvist@exam'),
      delta('ple.com today'),
      ...ended('Write to maria.lindqvist@example.com today'),
    );
    await done;
    expect(texts.join('')).toBe('Write to <EMAIL> today');
    expect(await whole).toBe('Write to <EMAIL> today');
    client.close();
    expect(await upstream.closed).toBe(1000);
    const row = await lastSession('completed');
    expect(row).toMatchObject({ service: 'voice', operation: 'realtime', model: 'gpt-realtime', status: 101 });
    expect(row).toMatchObject({ input_tokens: 7, output_tokens: 5 });
    const shown = await world.cli(['sessions', 'show', String(row['id']), '--bodies', '--json']);
    expect(shown.stdout).toContain('Ask bob@example.com.');
    expect(shown.stdout).not.toContain('lindqvist');
  });

  it('sees an error event and a policy close when a message is denied, and the model never hears of it', async () => {
    const client = await open('alice');
    const upstream = await opened(client.socket);
    const error = new Promise<Error>((resolve) => client.on('error', resolve));
    const closed = closing(client.socket);
    client.send({ type: 'session.update', session: { type: 'realtime', instructions: 'hi' } });
    client.send({
      type: 'session.update',
      session: { type: 'realtime', tools: [{ type: 'function', name: 'shell', parameters: {} }] },
    });
    client.send({ type: 'input_audio_buffer.clear' });
    expect((await error).message).toContain('The shell tool is not available here.');
    expect(await closed).toMatchObject({ code: 1008, reason: 'policy-denied' });
    await upstream.closed;
    expect(upstream.messages.map((text) => JSON.parse(text).type)).toEqual(['session.update']);
    await lastSession('policy-denied');
  });
});

describe('limits', () => {
  const limited = async (group: string): Promise<WebSocket> => {
    const token = await world.idp.token('carol', { groups: ['ml', 'privacy-cleared', group] });
    const url = `${world.url.replace('http', 'ws')}/voice/v1/realtime?model=gpt-realtime`;
    return new WebSocket(url, [], { headers: { authorization: `Bearer ${token}` } });
  };

  it('count the connection and every message of it, and one place', async () => {
    const socket = await limited('three');
    const upstream = await opened(socket);
    expect((await refusedWith(await limited('three'))).status).toBe(429);
    const closed = closing(socket);
    for (let message = 0; message < 3; message++) socket.send('{"type":"input_audio_buffer.clear"}');
    expect(await closed).toMatchObject({ code: 1008, reason: 'rate-limited' });
    await upstream.closed;
    expect(upstream.messages).toHaveLength(2);
    await lastSession('rate-limited');
  });

  it('end a connection whose answers use them up', async () => {
    const socket = await limited('tokens');
    const upstream = await opened(socket);
    const got: string[] = [];
    socket.on('message', (data) => got.push(Buffer.isBuffer(data) ? data.toString() : ''));
    const closed = closing(socket);
    for (let event = 0; event < 50; event++) upstream.say(delta('twenty bytes of text'));
    expect(await closed).toMatchObject({ code: 1008, reason: 'budget-exceeded' });
    expect(got.length).toBeLessThan(25);
    expect(got.at(-1)).toContain('budget-exceeded');
  });
});

describe('a handshake', () => {
  it('carries the token as a subprotocol, which the model server does not see', async () => {
    const key = `openai-insecure-api-key.${await world.idp.token('alice')}`;
    const socket = await raw(null, ['realtime', key, 'openai-beta.realtime-v1']);
    const { request, closed } = await opened(socket);
    expect(socket.protocol).toBe('realtime');
    expect(request.headers['sec-websocket-protocol']).toBe('realtime,openai-beta.realtime-v1');
    expect(request.headers.authorization).toBe(`Bearer ${UPSTREAM_KEY}`);
    expect(request.url).toBe('/v1/realtime?model=gpt-realtime');
    expect(JSON.stringify(request.rawHeaders)).not.toContain('insecure');
    socket.close(4321, 'enough');
    expect(await closed).toBe(4321);
  });

  it('names its session', async () => {
    const socket = await raw('alice');
    const [response] = await once(socket, 'upgrade');
    expect(response.headers['sallyport-session']).toMatch(/^[0-9a-z]{26}$/);
    await server.next();
    socket.terminate();
    await lastSession('caller-left');
  });

  it.each([
    ['without a token', null, 'voice', 401, 'no-token'],
    ['of somebody whom no rule allows', 'nobody', 'voice', 403, 'no-rule'],
    ['at a service that has not opted in', 'alice', 'closed', 400, 'bad-request'],
  ])('%s is refused like any call, and reaches no model server', async (_, who, service, status, reason) => {
    const before = server.handshakes.length;
    const refused = await refusedWith(await raw(who, [], service));
    expect(refused.status).toBe(status);
    expect(JSON.parse(refused.body)).toMatchObject({ reason });
    expect(server.handshakes.length).toBe(before);
  });

  it('is decided on with the model that its query names', async () => {
    const refused = await refusedWith(await raw('alice', [], 'voice', 'loud'));
    expect(JSON.parse(refused.body)).toMatchObject({ reason: 'policy-denied' });
  });

  it('that the model server refuses is refused in its words', async () => {
    server.refuseNext(429, 'too many voices');
    expect(await refusedWith(await raw('alice'))).toEqual({ status: 429, body: 'too many voices' });
    await lastSession('completed');
  });

  it('is no plain request, nor one for another protocol', async () => {
    const token = await world.idp.token('alice');
    const headers = { authorization: `Bearer ${token}` };
    const plain = await fetch(`${world.url}/voice/v1/realtime`, { headers });
    expect(plain.status).toBe(400);
    expect(await plain.json()).toMatchObject({ reason: 'bad-request' });
  });
});

describe('a connection', () => {
  it('passes messages byte for byte where nothing is masked', async () => {
    const socket = await raw('carol');
    const upstream = await opened(socket);
    const odd = '{ "type":"response.output_text.delta",\t"delta":"caf\\u00e9 🙂", "z":1.0e2 }';
    const back = once(socket, 'message');
    upstream.socket.send(odd);
    expect(String((await back)[0])).toBe(odd);
    const asked = '{"type" : "input_audio_buffer.append","audio":"AAAA" }';
    socket.send(asked);
    await upstream.received(1);
    expect(upstream.messages).toEqual([asked]);
    socket.close();
    await upstream.closed;
  });

  it.each([
    ['no JSON', '{"type":', 1007, 'body-unreadable'],
    ['a member twice', '{"type":"response.create","type":"session.update"}', 1007, 'body-unreadable'],
    ['no type', '{"audio":"AAAA"}', 1007, 'body-unreadable'],
    ['bytes', Buffer.from('{"type":"response.create"}'), 1007, 'body-unreadable'],
    ['more than the inspection limit', `"${'x'.repeat(65 * 1024)}"`, 1009, 'body-too-large'],
  ])('ends with a message that is %s', async (_, message, code, reason) => {
    const socket = await raw('alice');
    const upstream = await opened(socket);
    const closed = closing(socket);
    socket.send(message);
    expect(await closed).toMatchObject({ code });
    await upstream.closed;
    expect(upstream.messages).toEqual([]);
    await lastSession(reason);
  });

  it('ends with a word when the model server breaks off', async () => {
    const socket = await raw('alice');
    const upstream = await opened(socket);
    const closed = closing(socket);
    upstream.socket.terminate();
    expect(await closed).toMatchObject({ code: 1014, reason: 'upstream-failed' });
    await lastSession('upstream-failed');
  });

  it('closes with the code of the model server, after what was held back', async () => {
    const socket = await raw('alice');
    const upstream = await opened(socket);
    const closed = closing(socket);
    upstream.say(delta('half of maria@'));
    upstream.socket.close(4000, 'session expired');
    const { code, reason, last } = await closed;
    expect([code, reason]).toEqual([4000, 'session expired']);
    expect(JSON.parse(last)).toMatchObject({ type: 'response.output_text.delta', item_id: 'item_1' });
    await lastSession('completed');
  });

  it('says nothing as it closes that a rule masks', async () => {
    const socket = await raw('alice');
    const upstream = await opened(socket);
    const closed = closing(socket);
    upstream.socket.close(4000, 'no session of maria@example.com');
    expect(await closed).toMatchObject({ code: 4000, reason: '' });
  });

  it('does not outlive the token that opened it', async () => {
    const token = await world.idp.token('alice', { lifetime: 2 });
    const socket = new WebSocket(`${world.url.replace('http', 'ws')}/voice/v1/realtime?model=m`, {
      headers: { authorization: `Bearer ${token}` },
    });
    await server.next();
    expect(await closing(socket)).toMatchObject({ code: 1008, reason: 'token-expired' });
  });

  it('holds a model server whose caller does not read, in a bounded amount of memory', async () => {
    const socket = await raw('carol');
    const upstream = await opened(socket);
    socket.pause();
    const event = { type: 'response.output_audio.delta', item_id: 'item_1', delta: 'A'.repeat(64 * 1024) };
    // 32 MiB, of which the gateway and the sockets between take but a part
    for (let sent = 0; sent < 512; sent++) upstream.say(event);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(upstream.socket.bufferedAmount).toBeGreaterThan(8 * 1024 ** 2);
    let got = 0;
    const all = new Promise<void>((resolve) => socket.on('message', () => ++got === 512 && resolve()));
    socket.resume();
    await all;
    socket.close();
    await lastSession('completed');
  });

  it('keeps the credential of the model server from the caller', async () => {
    const socket = await raw('carol');
    const upstream = await opened(socket);
    const back = once(socket, 'message');
    upstream.say({ type: 'error', error: { message: `bad key ${UPSTREAM_KEY}` } });
    expect(String((await back)[0])).not.toContain(UPSTREAM_KEY);
    socket.close();
  });
});
