/** Heads ahead of that of an answer (RFC 9110 §15.2, RFC 8297): to callers as they come, by the rules of the answer's own. */

import { once } from 'node:events';
import { request as requestHttp } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { speak } from '../support/raw-http.ts';
import { startWorld, UPSTREAM_KEY, usualConfig, type World } from '../support/world.ts';

/** A head: its status, then its field lines. */
type Head = readonly [number, readonly string[]];

let heads: readonly Head[] = [];
/** What the model server waits for between its interim heads and its answer. */
let goOn = Promise.resolve();
const text = ([status, fields]: Head): string => {
  const lines = fields.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${fields[at + 1]}\r\n`] : []));
  return `HTTP/1.1 ${status} Interim\r\n${lines.join('')}\r\n`;
};

const http1 = createServer((socket: Socket) => {
  socket.on('error', () => {});
  socket.on('data', (bytes: Buffer) => {
    if (bytes.toString('latin1', 0, 5) !== 'POST ') return;
    socket.write(heads.map(text).join(''));
    void goOn.then(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
  });
});
const http2 = createHttp2Server();
http2.on('stream', (stream: ServerHttp2Stream) => {
  for (const [status, fields] of heads) {
    const lines: Record<string, string[]> = {};
    for (let at = 0; at < fields.length; at += 2) (lines[fields[at] ?? ''] ??= []).push(fields[at + 1] ?? '');
    stream.additionalHeaders({ ':status': status, ...lines });
  }
  const answer = (): void => {
    if (stream.destroyed) return;
    stream.respond({ ':status': 200 });
    stream.end('ok');
  };
  void goOn.then(answer);
});

let world: World;
let token = '';
beforeAll(async () => {
  const urls = await Promise.all(
    [http1, http2].map(async (server) => {
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const bound = server.address();
      return bound === null || typeof bound === 'string' ? '' : `http://127.0.0.1:${bound.port}`;
    }),
  );
  const credential = 'credential: { header: x-key, value: { env: UPSTREAM_KEY } }';
  const services = `  - { name: one, protocol: http, opaque: allow, max_body: 1KiB, upstream: { url: "${urls[0]}", ${credential} } }
  - { name: two, protocol: http, opaque: allow, upstream: { url: "${urls[1]}", http: 2, ${credential} } }
  - { name: sealed, protocol: http, upstream: { url: "${urls[0]}" } }
`;
  world = await startWorld((places) => usualConfig(places).replace('services:\n', `services:\n${services}`));
  token = await world.idp.token('carol');
});
afterAll(async () => {
  await world.close();
  http1.close();
  http2.close();
});

/** What a caller saw; the heads are those ahead of the answer. */
interface Seen {
  readonly heads: readonly Head[];
  readonly status: number;
  readonly body: string;
  readonly session: string;
}

type Caller = (service: string, onHead?: () => void) => Promise<Seen>;

const lower = (raw: readonly string[]): readonly string[] =>
  raw.map((part, at) => (at % 2 === 0 ? part.toLowerCase() : part));

const overHttp1: Caller = (service, onHead = () => {}) =>
  new Promise((resolve, reject) => {
    const seen: Head[] = [];
    const request = requestHttp(`${world.url}/${service}/x`, {
      method: 'POST',
      agent: false,
      headers: { 'x-api-key': token, 'content-type': 'application/json' },
    });
    request.on('information', ({ statusCode, rawHeaders }) => {
      seen.push([statusCode, lower(rawHeaders)]);
      onHead();
    });
    request.on('error', reject);
    request.on('response', (response) => {
      let body = '';
      response.on('data', (bytes: Buffer) => {
        body += bytes.toString();
      });
      const session = String(response.headers['sallyport-session']);
      response.on('close', () => resolve({ heads: seen, status: response.statusCode ?? 0, body, session }));
    });
    request.end('{}');
  });

const overHttp2: Caller = (service, onHead = () => {}) =>
  new Promise((resolve, reject) => {
    const seen: Head[] = [];
    const session = connectHttp2(world.url);
    const stream = session.request({ ':method': 'POST', ':path': `/${service}/x`, 'x-api-key': token });
    let [status, id, body] = [0, '', ''];
    stream.on('headers', (headers, _flags, raw: string[]) => {
      seen.push([Number(headers[':status']), raw.slice(2)]);
      onHead();
    });
    stream.on('response', (headers) => {
      status = Number(headers[':status']);
      id = String(headers['sallyport-session']);
    });
    stream.on('data', (bytes: Buffer) => {
      body += bytes.toString();
    });
    stream.on('error', reject);
    stream.on('close', () => {
      session.destroy();
      resolve({ heads: seen, status, body, session: id });
    });
    stream.end('{}');
  });

const HINTS: Head = [103, ['link', '</a>; rel=preload', 'link', '</b>', 'x-note', 'one']];
const WAYS: readonly (readonly [string, string, Caller])[] = [
  ['HTTP/1.1 from HTTP/1.1', 'one', overHttp1],
  ['HTTP/1.1 from HTTP/2', 'two', overHttp1],
  ['HTTP/2 from HTTP/1.1', 'one', overHttp2],
  ['HTTP/2 from HTTP/2', 'two', overHttp2],
];

describe.each(WAYS)('interim heads, over %s,', (_way, service, call) => {
  it('reach the caller before the answer is there, each with all of its lines', async () => {
    heads = [HINTS, [102, []]];
    const caller = Promise.withResolvers<void>();
    goOn = caller.promise;
    let arrived = 0;
    const seen = await call(service, () => ++arrived === heads.length && caller.resolve());
    expect(seen).toMatchObject({ heads, status: 200, body: 'ok' });
  });

  it('are on record as the caller saw them, ahead of the head of the answer', async () => {
    heads = [HINTS];
    goOn = Promise.resolve();
    const { session } = await call(service);
    const { code, stdout } = await world.cli(['--json', 'sessions', 'replay', session]);
    expect(code).toBe(0);
    const recorded = stdout
      .trim()
      .split('\n')
      .map((line): { code: string; text?: string } => JSON.parse(line))
      .filter((event) => event.code === 'h')
      .map(({ text: head = '' }): { status: number; fields: string[] } => JSON.parse(head));
    expect(recorded.map(({ status }) => status)).toEqual([103, 200]);
    expect(lower(recorded[0]?.fields ?? [])).toEqual(HINTS[1]);
  });

  it('hold nothing that an answer may not: no credential of the upstream, no session of ours, no length', async () => {
    heads = [[103, ['link', '</a>', 'x-echo', `the key is ${UPSTREAM_KEY}`, 'sallyport-session', 'forged']]];
    if (service === 'one')
      heads = [[103, [...(heads[0]?.[1] ?? []), 'content-length', '3', 'connection', 'x-hop', 'x-hop', '1']]];
    goOn = Promise.resolve();
    expect((await call(service)).heads).toEqual([[103, ['link', '</a>']]]);
  });

  it.each<[string, readonly Head[]]>([
    ['more of them than an answer may have', Array.from({ length: 101 }, (): Head => [103, ['link', '</a>']])],
    [
      'more in them than an answer may have',
      Array.from({ length: 12 }, (): Head => [103, ['link', 'x'.repeat(6_000)]]),
    ],
  ])('end the call when there are %s', async (_what, many) => {
    heads = many;
    goOn = new Promise(() => {});
    const seen = await call(service);
    expect(seen.status).toBe(502);
    expect(seen.body).toContain('"reason":"upstream-failed"');
    expect(seen.heads.length).toBeLessThan(many.length);
  });

  it('are answers of nobody when they say 100: that is between us and the model server', async () => {
    heads = service === 'one' ? [[100, ['x-note', 'one']], HINTS, [100, []]] : [[100, []], HINTS];
    goOn = Promise.resolve();
    expect(await call(service)).toMatchObject({ heads: [HINTS], status: 200, body: 'ok' });
  });
});

describe('a caller that waits for our word before its body', () => {
  const head = (service: string, ...lines: string[]): string =>
    [
      `POST /${service}/x HTTP/1.1`,
      'Host: gateway',
      `x-api-key: ${token}`,
      'Expect: 100-continue',
      ...lines,
      '',
      '',
    ].join('\r\n');

  it.each<[string, string, string[], RegExp]>([
    ['says a length over the limit', 'one', ['Content-Length: 2000'], /"reason":"body-too-large"/],
    [
      'will send what cannot be read',
      'sealed',
      ['Content-Length: 9', 'Content-Encoding: gzip'],
      /"reason":"body-unreadable"/,
    ],
  ])('is refused before it is asked for one that %s', async (_what, service, lines, body) => {
    const { answers } = await speak(world.url, Buffer.from(head(service, ...lines)));
    expect(answers).toHaveLength(1);
    expect(answers[0]?.body).toMatch(body);
  });

  it('is not asked for a body that it does not have', async () => {
    heads = [];
    goOn = Promise.resolve();
    const { answers } = await speak(world.url, Buffer.from(head('one', 'Content-Length: 0')));
    expect(answers.map(({ status }) => status)).toEqual([200]);
  });
});
