import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect as connectHttp2, type ClientHttp2Session, constants, type IncomingHttpHeaders } from 'node:http2';
import { request as requestHttps } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../support/certificates.ts';
import {
  block,
  DATA,
  END_HEADERS,
  END_STREAM,
  type Frame,
  frame,
  GOAWAY,
  HEADERS,
  openFrames,
  RST_STREAM,
  uint32,
} from '../support/http2-frames.ts';
import { breakOff, chat, chatStream } from '../support/model-answers.ts';
import { type Places, startWorld, usualConfig, type World } from '../support/world.ts';

const authority = createAuthority();
const server = authority.issue('localhost');
const client = authority.issue('client');
const stranger = createAuthority('somebody else').issue('client');

const tlsListener = (more = ''): string =>
  `{ address: 127.0.0.1:0, tls: { cert: { file: tls.pem }, key: { file: tls.key }${more} } }`;
const config = (places: Places): string =>
  usualConfig(places).replace(
    'listeners: [{ address: 127.0.0.1:0 }]',
    `listeners: [{ address: 127.0.0.1:0 }, ${tlsListener()}, ${tlsListener(', clientCa: { file: ca.pem }')}]`,
  );

let world: World;
let token: string;
let carol: string;
const sessions: ClientHttp2Session[] = [];
beforeAll(async () => {
  world = await startWorld(config, (folder) => {
    writeFileSync(join(folder, 'tls.pem'), server.cert);
    writeFileSync(join(folder, 'tls.key'), server.key, { mode: 0o600 });
    writeFileSync(join(folder, 'ca.pem'), authority.cert);
  });
  [token, carol] = await Promise.all([world.idp.token('alice'), world.idp.token('carol')]);
});
afterEach(() => sessions.splice(0).forEach((session) => session.destroy()));
afterAll(() => world.close());

const BODY = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }] });

const open = (url: string, options: Parameters<typeof connectHttp2>[1] = {}): ClientHttp2Session => {
  const session = connectHttp2(url, options);
  session.on('error', () => {});
  sessions.push(session);
  return session;
};

const fields = (more: Readonly<Record<string, string>> = {}) => ({
  ':method': 'POST',
  ':path': '/llm/v1/chat/completions',
  authorization: `Bearer ${token}`,
  'content-type': 'application/json',
  ...more,
});

async function call(session: ClientHttp2Session, more: Readonly<Record<string, string>> = {}, body = BODY) {
  const stream = session.request(fields(more));
  stream.on('error', () => {});
  stream.end(body);
  const headers = await new Promise<IncomingHttpHeaders>((resolve) => stream.on('response', resolve));
  return { headers, text: await text(stream) };
}

describe('one port', () => {
  it('answers HTTP/1.1 and HTTP/2 on the same address', async () => {
    world.model.next(chat('one'), chat('two'));
    const first = await fetch(`${world.url}/llm/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: BODY,
    });
    expect(await first.json()).toMatchObject({ choices: [{ message: { content: 'one' } }] });
    const second = await call(open(world.url));
    expect(second.headers[':status']).toBe(200);
    expect(JSON.parse(second.text)).toMatchObject({ choices: [{ message: { content: 'two' } }] });
    expect(second.headers['sallyport-session']).toMatch(/^[0-9a-z]{26}$/);
  });

  it('promise 9: transparent — an HTTP/2 call arrives upstream as one HTTP/1.1 request, fields and bytes kept', async () => {
    const before = world.model.requests.length;
    await call(open(world.url), { 'x-two': 'b', 'x-one': 'a', 'x-high': '\u00e9' });
    const seen = await world.model.seen(before);
    expect(seen.body.toString()).toBe(BODY);
    expect(seen.header('host')).toBe(new URL(world.model.url).host);
    expect(seen.header('content-length')).toBe(String(BODY.length));
    expect(seen.header('x-high')).toBe('\u00e9');
    const names = seen.rawHeaders.filter((_, at) => at % 2 === 0);
    expect(names.filter((name) => name.startsWith('x-'))).toEqual(['x-two', 'x-one', 'x-high']);
    expect(names.filter((name) => name.startsWith(':'))).toEqual([]);
    expect(seen.rawHeaders.join()).not.toContain(token);
  });

  it('refuses over HTTP/2 with the same words', async () => {
    const session = open(world.url);
    const shell = { model: 'm', messages: [], tools: [{ type: 'function', function: { name: 'shell' } }] };
    const denied = await call(session, {}, JSON.stringify(shell));
    expect(denied.headers[':status']).toBe(403);
    expect(JSON.parse(denied.text)).toMatchObject({ reason: 'policy-denied' });
    expect(denied.headers['sallyport-session']).toMatch(/^[0-9a-z]{26}$/);
    const nobody = await call(session, { authorization: '' });
    expect(nobody.headers[':status']).toBe(401);
    expect(nobody.headers['www-authenticate']).toContain('Bearer');
    // one refused call is no reason to lose the others
    expect((await call(session)).headers[':status']).toBe(200);
  });

  it('streams an answer event by event over HTTP/2', async () => {
    const gate = Promise.withResolvers<void>();
    const answer = chatStream(['a', 'b']);
    const [first, ...rest] = answer.steps;
    world.model.next({ ...answer, steps: [first!, { until: gate.promise }, ...rest] });
    const stream = open(world.url).request(fields({ authorization: `Bearer ${carol}` }));
    stream.end(BODY);
    const [chunk] = await once(stream, 'data');
    expect(String(chunk)).toContain('"role":"assistant"');
    gate.resolve();
    expect(await text(stream)).toContain('data: [DONE]');
  });

  it('passes trailers to an HTTP/2 caller', async () => {
    world.model.next({ ...chat('x'), headers: ['Content-Type', 'application/json'], trailers: ['X-Sum', '1'] });
    const stream = open(world.url).request(fields({ authorization: `Bearer ${carol}` }));
    stream.end(BODY);
    stream.resume();
    const [trailers] = await once(stream, 'trailers');
    expect(trailers).toMatchObject({ 'x-sum': '1' });
  });

  it('speaks HTTP/2 or HTTP/1.1 by ALPN under TLS', async () => {
    const url = world.urls[1]!.replace('http:', 'https:');
    const session = open(url, { ca: authority.cert });
    expect((await call(session)).headers[':status']).toBe(200);
    expect(session.alpnProtocol).toBe('h2');
    const request = requestHttps(`${url}/llm/v1/models`, { ca: authority.cert, headers: { 'x-api-key': token } });
    request.end();
    const [response] = await once(request, 'response');
    expect([response.statusCode, response.httpVersion]).toEqual([200, '1.1']);
    response.resume();
  });

  it('asks for a client certificate where the listener says so, and takes no other', async () => {
    const url = world.urls[2]!.replace('http:', 'https:');
    const withCertificate = open(url, { ca: authority.cert, ...client });
    expect((await call(withCertificate)).headers[':status']).toBe(200);
    for (const wrong of [{}, stranger]) {
      const socket = connectTls({ port: Number(new URL(url).port), host: '127.0.0.1', ca: authority.cert, ...wrong });
      socket.write('GET /llm/v1/models HTTP/1.1\r\nHost: a\r\n\r\n');
      const failure = await new Promise<string>((resolve) => {
        socket.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
        socket.on('data', (bytes) => resolve(`an answer: ${String(bytes)}`));
        socket.on('close', () => resolve('closed'));
      });
      expect(failure).toMatch(/^ERR_SSL_|^ECONNRESET$|^closed$/);
    }
  });

  it('tells a gRPC client in gRPC that its calls are not carried', async () => {
    const stream = open(world.url).request(
      fields({ 'content-type': 'application/grpc+proto', te: 'trailers', ':path': '/llm.Service/Method' }),
    );
    const [headers] = await once(stream, 'response');
    expect(headers).toMatchObject({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' });
    stream.resume();
    await once(stream, 'close');
  });

  it('answers an expectation after identify only', async () => {
    const stream = open(world.url).request(fields({ expect: '100-continue' }));
    await once(stream, 'continue');
    stream.end(BODY);
    const [headers] = await once(stream, 'response');
    expect(headers[':status']).toBe(200);
    stream.resume();
  });

  it('tells the upstream when an HTTP/2 caller leaves', async () => {
    const before = world.model.requests.length;
    world.model.next({ ...chatStream(['a']), steps: [{ send: ': hi\n\n' }, { wait: 60_000 }] });
    const stream = open(world.url).request(fields({ authorization: `Bearer ${carol}` }));
    stream.on('error', () => {});
    stream.end(BODY);
    await once(stream, 'data');
    const seen = await world.model.seen(before);
    stream.close(constants.NGHTTP2_CANCEL);
    await world.model.ended(seen);
    expect(seen.state).toBe('aborted');
  });
});

const head: readonly (readonly [string, string])[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/llm/v1/chat/completions'],
  [':authority', 'gw'],
  ['content-type', 'application/json'],
];
const isOn = (stream: number, type: number) => (got: Frame) => got.stream === stream && got.type === type;

describe('HTTP/2 frames', () => {
  const auth = (): readonly [string, string] => ['authorization', `Bearer ${carol}`];

  it('promise 2: one reading — half a body that was reset is no body', async () => {
    const before = world.model.requests.length;
    for (const code of [0, 2, 8]) {
      const connection = await openFrames(world.url);
      connection.send(frame(HEADERS, END_HEADERS, 1, block([...head, auth()])), frame(DATA, 0, 1, BODY));
      // the body is being read by now
      if (code !== 8) await sleep(50);
      connection.send(frame(RST_STREAM, 0, 1, uint32(code)));
      // a later call on the same connection shows that the first was over
      connection.send(frame(HEADERS, END_HEADERS, 3, block([...head, auth()])), frame(DATA, END_STREAM, 3, BODY));
      await connection.until(isOn(3, HEADERS));
      connection.close();
    }
    expect(world.model.requests.length - before).toBe(3);
  });

  it('an answer that broke off is reset, and never ends as if it were whole', async () => {
    for (const answer of [breakOff(chatStream(['a', 'b', 'c']), 200), breakOff(chat('long enough an answer'), 30)]) {
      world.model.next(answer);
      const connection = await openFrames(world.url);
      connection.send(frame(HEADERS, END_HEADERS, 1, block([...head, auth()])), frame(DATA, END_STREAM, 1, BODY));
      const reset = await connection.until(isOn(1, RST_STREAM));
      expect(reset.payload.readUInt32BE()).toBe(constants.NGHTTP2_INTERNAL_ERROR);
      expect(connection.frames.filter((got) => got.type === DATA).length).toBeGreaterThan(0);
      const ends = connection.frames.filter(
        ({ stream, flags, type }) => stream === 1 && type <= 1 && flags & END_STREAM,
      );
      expect(ends).toEqual([]);
      connection.close();
    }
  });

  it('a refused upload is told to stop, and the connection lives', async () => {
    const connection = await openFrames(world.url);
    connection.send(frame(HEADERS, END_HEADERS, 1, block(head)), frame(DATA, 0, 1, 'x'));
    const reset = await connection.until(isOn(1, RST_STREAM));
    expect(reset.payload.readUInt32BE()).toBe(constants.NGHTTP2_NO_ERROR);
    connection.send(frame(HEADERS, END_HEADERS, 3, block([...head, auth()])), frame(DATA, END_STREAM, 3, BODY));
    await connection.until(isOn(3, HEADERS));
    expect(connection.frames.some(({ type }) => type === GOAWAY)).toBe(false);
    connection.close();
  });
});
