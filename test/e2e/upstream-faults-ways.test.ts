/** What an upstream can do wrong, seen by callers over HTTP/1.1 and HTTP/2: half an answer never looks whole. */

import { once } from 'node:events';
import { request as requestHttp } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startWorld, usualConfig, type World } from '../support/world.ts';

/** What the upstream does once the head of a request is there. Text is written as it stands. */
type Step = string | number | typeof CLOSE | typeof RESET;
const CLOSE = Symbol('close');
const RESET = Symbol('reset');

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n';
const JSON_HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';
const SSE_HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
const EVENT = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'hello' } }] })}\n\n`;
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

let steps: readonly Step[] = [];
let requests = 0;

async function perform(socket: Socket): Promise<void> {
  for (const step of steps) {
    if (step === CLOSE) return void socket.end();
    if (step === RESET) return void socket.resetAndDestroy();
    if (typeof step === 'number') await sleep(step);
    else socket.write(step);
  }
}

let upstream: Server;
let world: World;
let tokens: Readonly<Record<'alice' | 'carol', string>>;
beforeAll(async () => {
  upstream = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      // a body of these tests never begins a chunk so
      if (bytes.toString('latin1', 0, 5) !== 'POST ') return;
      requests++;
      void perform(socket);
    });
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const bound = upstream.address();
  const url = bound === null || typeof bound === 'string' ? '' : `http://127.0.0.1:${bound.port}`;
  const times = 'answer_timeout: 600ms, idle_timeout: 600ms';
  const services = `  - { name: raw, protocol: http, opaque: allow, upstream: { url: "${url}", ${times} } }
  - { name: chat, protocol: openai, upstream: { url: "${url}", ${times} } }
`;
  world = await startWorld((places) => usualConfig(places).replace('services:\n', `services:\n${services}`));
  tokens = { alice: await world.idp.token('alice'), carol: await world.idp.token('carol') };
});
beforeEach(() => {
  requests = 0;
});
afterAll(async () => {
  await world.close();
  upstream.close();
});

/** What a caller saw. */
interface Seen {
  readonly status: number;
  readonly text: string;
  /** The answer ended as an answer ends. */
  readonly whole: boolean;
  readonly trailers: readonly string[];
}

type Caller = (path: string, token: string, body?: string) => Promise<Seen>;
const CHAT = '{"model":"m","stream":true,"messages":[]}';

const overHttp1: Caller = (path, token, body = CHAT) =>
  new Promise((resolve) => {
    const request = requestHttp(`${world.url}${path}`, {
      method: 'POST',
      agent: false,
      headers: { 'x-api-key': token, 'content-type': 'application/json' },
    });
    request.on('error', (error) => resolve({ status: 0, text: error.message, whole: false, trailers: [] }));
    request.on('response', (response) => {
      let text = '';
      const done = (): void =>
        resolve({ status: response.statusCode ?? 0, text, whole: response.complete, trailers: response.rawTrailers });
      response.on('data', (bytes: Buffer) => {
        text += bytes.toString();
      });
      response.on('error', () => {});
      response.on('close', done);
    });
    request.end(body);
  });

const overHttp2: Caller = (path, token, body = CHAT) =>
  new Promise((resolve) => {
    const session = connectHttp2(world.url);
    session.on('error', () => {});
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'x-api-key': token,
      'content-type': 'application/json',
    });
    let [status, text, ended] = [0, '', false];
    let trailers: readonly string[] = [];
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0;
    });
    stream.on('data', (bytes: Buffer) => {
      text += bytes.toString();
    });
    stream.on('trailers', (_headers, _flags, raw: string[]) => {
      trailers = raw;
    });
    stream.on('end', () => {
      ended = true;
    });
    stream.on('error', () => {});
    stream.on('close', () => {
      session.destroy();
      resolve({ status, text, whole: ended && stream.rstCode === 0, trailers });
    });
    stream.end(body);
  });

const CALLERS: readonly (readonly [string, Caller])[] = [
  ['HTTP/1.1', overHttp1],
  ['HTTP/2', overHttp2],
];

/** Within an answer: its head has been sent on, so that only the way it ends can tell. */
const WITHIN: readonly (readonly [string, readonly Step[]])[] = [
  ['closes within a body with a length', [`${HEAD}Content-Length: 20\r\n\r\n`, 'half', 50, CLOSE]],
  ['resets within a body with a length', [`${HEAD}Content-Length: 20\r\n\r\n`, 'half', 50, RESET]],
  ['closes within a chunk', [`${HEAD}Transfer-Encoding: chunked\r\n\r\n`, '8\r\nhalf', 50, CLOSE]],
  ['closes between chunks', [`${HEAD}Transfer-Encoding: chunked\r\n\r\n`, chunk('half'), 50, CLOSE]],
  ['resets between chunks', [`${HEAD}Transfer-Encoding: chunked\r\n\r\n`, chunk('half'), 50, RESET]],
  ['closes within the last chunk', [`${HEAD}Transfer-Encoding: chunked\r\n\r\n`, chunk('half'), 50, '0\r\n', CLOSE]],
  ['breaks its chunks', [`${HEAD}Transfer-Encoding: chunked\r\n\r\n`, chunk('half'), 50, 'zz\r\n']],
  [
    'closes within its trailers',
    [`${HEAD}Transfer-Encoding: chunked\r\n\r\n`, chunk('half'), 50, '0\r\nX-Sum: 1', CLOSE],
  ],
  ['stalls within a body', [`${HEAD}Content-Length: 20\r\n\r\n`, 'half']],
  ['stalls within a chunk', [`${HEAD}Transfer-Encoding: chunked\r\n\r\n`, '8\r\nhalf']],
  ['stalls behind the head', [`${HEAD}Content-Length: 20\r\n\r\n`]],
  ['closes behind the head', [`${HEAD}Content-Length: 20\r\n\r\n`, 50, CLOSE]],
];

/** Ahead of an answer: the caller is told why. */
const AHEAD: readonly (readonly [string, readonly Step[], string])[] = [
  ['closes without a word', [CLOSE], 'upstream-failed'],
  ['resets without a word', [RESET], 'upstream-failed'],
  ['closes within its head', ['HTTP/1.1 200 OK\r\nContent-Ty', 20, CLOSE], 'upstream-failed'],
  ['stalls ahead of its head', [], 'upstream-timeout'],
  ['stalls within its head', ['HTTP/1.1 200 OK\r\nContent-Ty'], 'upstream-timeout'],
  ['closes behind a 1xx head', ['HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n', 20, CLOSE], 'upstream-failed'],
  ['says two lengths', [`${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc`], 'upstream-failed'],
  ['says a length and chunks', [`${HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n`], 'upstream-failed'],
  [
    'switches protocols unasked',
    ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
    'upstream-failed',
  ],
];

describe.each(CALLERS)('an upstream, called over %s, that', (_version, call) => {
  it.each(WITHIN)('%s: the answer looks broken', async (_what, next) => {
    steps = next;
    const seen = await call('/raw/x', tokens.carol);
    expect(seen).toMatchObject({ status: 200, whole: false });
    expect('half'.startsWith(seen.text)).toBe(true);
    expect(requests).toBe(1);
  });

  it.each(AHEAD)('%s: the caller is told why, and nothing is sent twice', async (_what, next, reason) => {
    steps = next;
    const seen = await call('/raw/x', tokens.carol);
    expect(seen).toMatchObject({ whole: true, text: expect.stringContaining(`"reason":"${reason}"`) });
    expect(requests).toBe(1);
  });

  it('closes within a masked stream: what was masked came, and the end does not', async () => {
    steps = [SSE_HEAD, chunk(EVENT), 50, CLOSE];
    const seen = await call('/chat/v1/chat/completions', tokens.alice);
    expect(seen).toMatchObject({ status: 200, whole: false });
    expect(seen.text).not.toContain('[DONE]');
  });

  it("stalls within a masked stream: the stream says so in the protocol's words, and breaks off", async () => {
    steps = [SSE_HEAD, chunk(EVENT)];
    const seen = await call('/chat/v1/chat/completions', tokens.alice);
    expect(seen).toMatchObject({ status: 200, whole: false, text: expect.stringContaining('upstream-timeout') });
  });

  it('closes within a whole answer that is masked: a refusal, nothing of the half', async () => {
    steps = [`${JSON_HEAD}Content-Length: 500\r\n\r\n`, '{"choices":[{"message":{"content":"secret', 50, CLOSE];
    const seen = await call('/chat/v1/chat/completions', tokens.alice);
    expect(seen).toMatchObject({ status: 502, whole: true });
    expect(seen.text).not.toContain('secret');
  });

  it('sends more than its length: the answer is what the length says', async () => {
    steps = [`${HEAD}Content-Length: 4\r\n\r\nhalfHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`];
    expect(await call('/raw/x', tokens.carol)).toMatchObject({ status: 200, text: 'half' });
    // what was too much is nobody's answer
    steps = [`${HEAD}Content-Length: 4\r\n\r\ngood`];
    expect(await call('/raw/x', tokens.carol)).toMatchObject({ status: 200, text: 'good', whole: true });
  });

  it('closes to end an answer without a length: that is its end', async () => {
    steps = [`${HEAD}Connection: close\r\n\r\n`, 'all of it', 20, CLOSE];
    expect(await call('/raw/x', tokens.carol)).toMatchObject({ status: 200, text: 'all of it', whole: true });
  });

  it('sends trailers: they arrive', async () => {
    steps = [`${HEAD}Transfer-Encoding: chunked\r\n\r\n`, chunk('x'), '0\r\nX-Sum: 1\r\nX-Sum: 2\r\n\r\n'];
    const seen = await call('/raw/x', tokens.carol);
    expect(seen).toMatchObject({ text: 'x', whole: true });
    expect(seen.trailers.map((part) => part.toLowerCase())).toEqual(['x-sum', '1', 'x-sum', '2']);
  });

  it.each(['100 Continue', '102 Processing', '103 Early Hints'])(
    'sends %s first: the final answer counts',
    async (line) => {
      steps = [`HTTP/1.1 ${line}\r\nLink: </a>\r\n\r\n`, 20, `HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok`];
      expect(await call('/raw/x', tokens.carol)).toMatchObject({ status: 201, text: 'ok', whole: true });
    },
  );

  it.each<[string, readonly Step[]]>([
    ['goes on to read', [`HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno`]],
    ['closes', [`HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno`, 50, CLOSE]],
  ])('answers before the body has arrived, and %s: its answer arrives', async (_what, next) => {
    steps = next;
    const body = JSON.stringify({ text: 'x'.repeat(8_000_000) });
    expect(await call('/raw/x', tokens.carol, body)).toMatchObject({ status: 413, text: 'no' });
    expect(requests).toBe(1);
  });
});

it('the gateway lives', async () => {
  expect((await fetch(`${world.control}/readyz`)).status).toBe(200);
});
