/** Slow, large and many callers: each is refused with its reason, while a call of somebody else goes through. */

import { once } from 'node:events';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  block,
  DATA,
  END_HEADERS,
  type Field,
  frame,
  GOAWAY,
  HEADERS,
  openFrames,
  PING,
} from '../support/http2-frames.ts';
import { chat } from '../support/model-answers.ts';
import { speak } from '../support/raw-http.ts';
import { startWorld, usualConfig, type World } from '../support/world.ts';

const LIMITS = `limits:
  head_timeout: 700ms
  body_timeout: 700ms
  stall_timeout: 1s
  headers: 16KiB
  connections: 12
  calls: 6
  buffered: 1MiB`;

let world: World;
let alice: string;
let carol: string;
const open: Socket[] = [];
const sessions: ClientHttp2Session[] = [];
beforeAll(async () => {
  world = await startWorld((places) =>
    usualConfig(places, `${LIMITS}\nworkers: 1`).replaceAll(
      'protocol: openai\n',
      'protocol: openai\n    max_body: 768KiB\n',
    ),
  );
  [alice, carol] = await Promise.all([world.idp.token('alice'), world.idp.token('carol')]);
});
afterEach(async () => {
  for (const socket of [...open.splice(0), ...sessions.splice(0)]) socket.destroy();
  await sleep(20);
});
afterAll(() => world.close());

const dial = async (): Promise<Socket> => {
  const { hostname, port } = new URL(world.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  open.push(socket);
  await once(socket, 'connect');
  return socket;
};

/** Resolves to all that came until the gateway ended the connection. */
const allOf = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.once('close', () => resolve(text));
  });

const PATH = '/llm/v1/chat/completions';
const BODY = JSON.stringify({ model: 'm', messages: [] });
const head = (token: string, ...lines: readonly string[]): string =>
  [`POST ${PATH} HTTP/1.1`, 'Host: gw', `x-api-key: ${token}`, 'Content-Type: application/json', ...lines, '', ''].join(
    '\r\n',
  );

/** One call on a connection of its own. */
async function call(
  token: string,
  more: Readonly<Record<string, string>> = {},
  body: string | Buffer = BODY,
  path = PATH,
) {
  const request = requestHttp(`${world.url}${path}`, {
    method: 'POST',
    agent: false,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...more },
  });
  request.end(body);
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    request.on('response', resolve).on('error', reject),
  );
  return { status: response.statusCode, headers: response.headers, bytes: await buffer(response) };
}

/** Resolves to what came first for a call on `socket`; empty when it was closed. A connection may still be one too many. */
async function asked(socket: Socket): Promise<string> {
  socket.write(head(carol, `Content-Length: ${BODY.length}`) + BODY);
  const [bytes] = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => [''])]);
  return String(bytes);
}

const othersPass = async (): Promise<void> => expect((await call(carol)).status).toBe(200);

/** How often a reason has been counted so far; the same word as in the answer (promise 5). */
async function counted(reason: string): Promise<number> {
  const text = await (await fetch(`${world.control}/metrics`)).text();
  return [...text.matchAll(/^sallyport_\w+\{[^}]*reason="([a-z-]+)"[^}]*\} (\d+)/gm)]
    .filter(([, word]) => word === reason)
    .reduce((sum, [, , count]) => sum + Number(count), 0);
}

describe('slow callers', () => {
  it.each([
    ['of HTTP/1.1', `GET ${PATH} HTTP/1.1\r\nHost: gw\r\nX: `],
    ['that begins like HTTP/2', 'PRI * HTTP/2.0'],
    ['that has not begun', ''],
  ])('a head %s that does not end is refused, whatever still drips', async (_what, bytes) => {
    const before = await counted('head-timeout');
    const socket = await dial();
    socket.write(bytes);
    const drip = setInterval(() => bytes !== '' && !bytes.startsWith('PRI') && socket.write('x'), 50);
    const answer = allOf(socket);
    await othersPass();
    expect(await answer).toMatch(/^HTTP\/1\.1 408 [\s\S]*"reason":"head-timeout"/);
    clearInterval(drip);
    expect(await counted('head-timeout')).toBe(before + 1);
  });

  it('a second head on a connection has no more time than the first', async () => {
    const socket = await dial();
    socket.write(head(carol, `Content-Length: ${BODY.length}`) + BODY);
    await once(socket, 'data');
    socket.write('POST / HT');
    expect(await allOf(socket)).toContain('"reason":"head-timeout"');
  });

  it.each([
    ['with a length', 'Content-Length: 100', 'x'],
    ['in chunks', 'Transfer-Encoding: chunked', '1\r\nx\r\n'],
  ])('an upload %s that drips is refused', async (_what, line, piece) => {
    const socket = await dial();
    socket.write(head(carol, line));
    const drip = setInterval(() => socket.write(piece), 50);
    const answer = allOf(socket);
    await othersPass();
    expect(await answer).toMatch(/^HTTP\/1\.1 408 [\s\S]*"reason":"body-timeout"/);
    clearInterval(drip);
  });

  it('an upload over HTTP/2 that drips is refused, and its connection lives', async () => {
    const session = connectHttp2(world.url);
    const slow = session.request({
      ':method': 'POST',
      ':path': PATH,
      'x-api-key': carol,
      'content-type': 'application/json',
    });
    slow.on('error', () => {});
    const drip = setInterval(() => !slow.closed && slow.write('x'), 50);
    const [headers] = await once(slow, 'response');
    clearInterval(drip);
    expect(headers[':status']).toBe(408);
    const good = session.request({
      ':method': 'POST',
      ':path': PATH,
      'x-api-key': carol,
      'content-type': 'application/json',
    });
    good.end(BODY);
    const [fine] = await once(good, 'response');
    expect(fine[':status']).toBe(200);
    session.destroy();
  });
});

describe('callers over HTTP/2 who do not leave', () => {
  const over = (socket: Socket) => new Promise((resolve) => socket.on('error', () => {}).once('close', resolve));

  it('are let go when their session is over, and nothing of theirs is waited for', async () => {
    const { socket } = await openFrames(world.url);
    open.push(socket);
    socket.allowHalfOpen = true;
    const closed = over(socket);
    // no stream comes: the gateway says goodbye and ends its side
    await once(socket, 'end');
    const ping = setInterval(() => socket.write(frame(PING, 0, 0, Buffer.alloc(8))), 20);
    await closed;
    clearInterval(ping);
  });

  it('are let go though part of a refused request was never read', async () => {
    const { socket, frames } = await openFrames(world.url);
    open.push(socket);
    const closed = over(socket);
    const fields: readonly Field[] = [
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', PATH],
      [':authority', 'gw'],
      ['x-api-key', carol],
      ['content-type', 'application/json'],
    ];
    socket.write(frame(HEADERS, END_HEADERS, 1, block(fields)));
    const drip = setInterval(() => socket.write(frame(DATA, 0, 1, 'x')), 2);
    while (!frames.some(({ type }) => type === HEADERS)) await once(socket, 'data');
    socket.write(frame(GOAWAY, 0, 0, Buffer.alloc(8)));
    await closed;
    clearInterval(drip);
  });
});

describe('callers who do not read', () => {
  const large = Buffer.alloc(32 * 1024 * 1024, 'x');
  const answer = { status: 200, headers: ['Content-Type', 'text/plain'], steps: [{ send: large }] };

  it.each(['HTTP/1.1', 'HTTP/2'])('%s: are let go after a while, and so is the model server', async (version) => {
    world.model.next(answer);
    const before = world.model.requests.length;
    const stalled = (): number => world.log().match(/"reason":"caller-stalled"/g)?.length ?? 0;
    const recorded = stalled();
    if (version === 'HTTP/1.1') {
      const socket = await dial();
      socket.pause();
      socket.write(head(carol, `Content-Length: ${BODY.length}`).replace(PATH, '/opaque/x') + BODY);
    } else {
      const session = connectHttp2(world.url);
      session.on('error', () => {});
      sessions.push(session);
      const fields = {
        ':method': 'POST',
        ':path': '/opaque/x',
        'x-api-key': carol,
        'content-type': 'application/json',
      };
      session
        .request(fields)
        .on('error', () => {})
        .end(BODY);
    }
    const seen = await world.model.seen(before);
    await world.model.ended(seen);
    expect(seen.state).toBe('aborted');
    for (let waited = 0; waited < 3_000 && stalled() === recorded; waited += 20) await sleep(20);
    expect(stalled()).toBe(recorded + 1);
    await othersPass();
  });

  it('are waited for while they read, however slowly', async () => {
    world.model.next(answer);
    const socket = await dial();
    socket.write(head(carol, `Content-Length: ${BODY.length}`, 'Connection: close').replace(PATH, '/opaque/x') + BODY);
    let read = 0;
    let rest = 1024 ** 2;
    socket.on('data', (chunk: Buffer) => {
      read += chunk.length;
      rest -= chunk.length;
      if (rest > 0) return;
      rest = 1024 ** 2;
      socket.pause();
      setTimeout(() => socket.resume(), 100);
    });
    await once(socket, 'close');
    expect(read).toBeGreaterThan(large.length);
  });
});

describe('large requests', () => {
  it('a head over the limit is refused', async () => {
    const bytes = Buffer.from(head(carol, `X: ${'x'.repeat(17_000)}`));
    const { answers } = await speak(world.url, bytes);
    expect(answers).toMatchObject([{ status: 431 }]);
    expect(answers[0]?.body).toContain('"reason":"headers-too-large"');
  });

  it('a body over the limit is refused by its length, and while it comes', async () => {
    const declared = await speak(world.url, Buffer.from(head(carol, 'Content-Length: 800000')));
    expect(declared.answers[0]?.body).toContain('"reason":"body-too-large"');
    const chunk = `${(100_000).toString(16)}\r\n${'x'.repeat(100_000)}\r\n`;
    const growing = await speak(world.url, Buffer.from(head(carol, 'Transfer-Encoding: chunked') + chunk.repeat(9)));
    expect(growing.answers[0]?.body).toContain('"reason":"body-too-large"');
    await othersPass();
  });

  it('bodies together over the budget are refused, one by one', async () => {
    const half = 'x'.repeat(700_000);
    const first = await dial();
    first.write(head(carol, 'Content-Length: 700001') + half);
    await sleep(100);
    const second = await speak(world.url, Buffer.from(head(carol, 'Content-Length: 700001') + half));
    expect(second.answers[0]?.body).toContain('"reason":"overloaded"');
    await othersPass();
  });

  it('a compressed body is refused, not opened: what it expands to costs nothing', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    const answer = await call(carol, { 'content-encoding': 'gzip' }, bomb);
    expect([answer.status, String(answer.bytes)]).toEqual([400, expect.stringContaining('"reason":"body-unreadable"')]);
  });
});

describe('behind a refusal', () => {
  it('what still comes is read and thrown away, and is no call', async () => {
    const before = world.model.requests.length;
    const socket = await dial();
    const answer = allOf(socket);
    socket.allowHalfOpen = true;
    socket.write(head(carol, 'Transfer-Encoding: gzip, chunked'));
    socket.write('0\r\n\r\n');
    await once(socket, 'data');
    await sleep(50);
    socket.write(head(carol, `Content-Length: ${BODY.length}`) + BODY);
    await sleep(200);
    socket.end();
    expect((await answer).match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(world.model.requests.length).toBe(before);
  });
});

describe('compressed answers', () => {
  const bomb = gzipSync(JSON.stringify({ choices: [{ message: { content: 'x'.repeat(8_000_000) } }] }));
  const answer = {
    status: 200,
    headers: ['Content-Type', 'application/json', 'Content-Encoding', 'gzip'],
    steps: [{ send: bomb }],
  };

  it('are not asked for where the answer is masked, and refused unopened when they come all the same', async () => {
    const before = world.model.requests.length;
    world.model.next(answer);
    const got = await call(alice, { 'accept-encoding': 'gzip, br' });
    expect([got.status, String(got.bytes)]).toEqual([502, expect.stringContaining('"reason":"answer-unreadable"')]);
    expect((await world.model.seen(before)).header('accept-encoding')).toBe('identity');
  });

  it('pass as they are where nothing is masked and no credential could hide in them', async () => {
    const before = world.model.requests.length;
    world.model.next(answer);
    const got = await call(carol, { 'accept-encoding': 'gzip' }, BODY, '/any/x');
    expect(got.bytes.equals(bomb)).toBe(true);
    expect((await world.model.seen(before)).header('accept-encoding')).toBe('gzip');
  });
});

describe('many', () => {
  it('connections beyond the limit are told so, and those within it work', async () => {
    const within: Socket[] = [];
    while (within.length < 12) {
      const socket = await dial();
      if ((await asked(socket)).startsWith('HTTP/1.1 200 ')) within.push(socket);
    }
    const before = await counted('overloaded');
    const beyond = await dial();
    expect(await allOf(beyond)).toMatch(/^HTTP\/1\.1 503 [\s\S]*"reason":"overloaded"/);
    expect(await counted('overloaded')).toBe(before + 1);
    expect(await asked(within[3]!)).toMatch(/^HTTP\/1\.1 200 /);
    for (const socket of within) socket.destroy();
    while (!(await asked(await dial())).startsWith('HTTP/1.1 200 '));
  });

  it('calls beyond the limit are refused, and those under way end as they should', async () => {
    const hold = Promise.withResolvers<void>();
    const slow = chat('held');
    world.model.next(
      ...Array.from({ length: 6 }, () => ({ ...slow, steps: [{ until: hold.promise }, ...slow.steps] })),
    );
    const before = world.model.requests.length;
    const held = Array.from({ length: 6 }, () => call(carol));
    await world.model.seen(before + 5);
    const one = await call(carol);
    expect([one.status, String(one.bytes)]).toEqual([503, expect.stringContaining('"reason":"overloaded"')]);
    expect(one.headers['retry-after']).toBe('1');
    hold.resolve();
    for (const answer of await Promise.all(held)) expect(String(answer.bytes)).toContain('held');
    await othersPass();
  });
});
