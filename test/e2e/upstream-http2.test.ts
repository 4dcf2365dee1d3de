import { once } from 'node:events';
import { createSecureServer, createServer as createHttp2, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as requestHttp } from 'node:http';
import { createServer as createTcp, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../support/certificates.ts';
import { block, DATA, END_HEADERS, END_STREAM, frame, HEADERS, RST_STREAM, uint32 } from '../support/http2-frames.ts';
import { type Places, startWorld, usualConfig, type World } from '../support/world.ts';

const SETTINGS = 4;
const GOAWAY = 7;

type Script = (stream: ServerHttp2Stream) => void;

/** An upstream that speaks HTTP/2, and what it saw. */
class Upstream {
  readonly server: Http2Server;
  readonly heads: string[][] = [];
  readonly bodies: string[] = [];
  readonly resets: number[] = [];
  sessions = 0;
  #next: Script[] = [];

  constructor(server: Http2Server) {
    this.server = server;
    server.on('session', () => this.sessions++);
    server.on('stream', (stream: ServerHttp2Stream, _headers: unknown, _flags: unknown, raw: string[]) => {
      this.heads.push(raw);
      stream.on('error', () => {});
      stream.on('close', () => this.resets.push(stream.rstCode));
      let body = '';
      stream.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      stream.on('end', () => {
        this.bodies.push(body);
        const script = this.#next.shift() ?? usual;
        if (!stream.destroyed) script(stream);
      });
    });
  }

  next(script: Script): void {
    this.#next.push(script);
  }
}

const usual: Script = (stream) => {
  stream.respond([':status', '200', 'content-type', 'application/json', 'x-b', '1', 'x-a', '2', 'x-b', '3']);
  stream.end('{"ok":true}');
};

async function listening(server: Server | Http2Server, path?: string): Promise<string> {
  if (path === undefined) server.listen(0, '127.0.0.1');
  else server.listen(path);
  await once(server, 'listening');
  const bound = server.address();
  return bound === null || typeof bound === 'string' ? '' : `127.0.0.1:${bound.port}`;
}

let world: World;
let token: string;
let folder: string;
let plain: Upstream;
let raw: Server;
let script: (socket: Socket) => void = () => {};
const rawSockets = new Set<Socket>();
/** Every call is the first stream of its connection. */
afterEach(async () => {
  if (rawSockets.size === 0) return;
  for (const socket of rawSockets) socket.destroy();
  rawSockets.clear();
  await sleep(50);
});
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-sock-'));
  plain = new Upstream(createHttp2());
  const authority = createAuthority();
  // what the gateway trusts beside the public authorities
  writeFileSync(join(folder, 'ca.pem'), authority.cert);
  process.env['NODE_EXTRA_CA_CERTS'] = join(folder, 'ca.pem');
  const { cert, key } = authority.issue('localhost');
  const secure = new Upstream(createSecureServer({ cert, key }));
  const stranger = new Upstream(createSecureServer(createAuthority('nobody').issue('localhost')));
  raw = createTcp((socket) => {
    socket.on('error', () => {});
    rawSockets.add(socket);
    socket.write(frame(SETTINGS, 0, 0));
    socket.once('data', () => setTimeout(() => script(socket), 30));
  });
  const old = createServer((_req, res) => res.end('{"old":true}'));
  const inFolder = createServer((req, res) => res.end(JSON.stringify({ path: req.url, host: req.headers.host })));
  const servers = [plain.server, secure.server, raw, old, stranger.server];
  const [h2, tls, frames, http1, unknown] = await Promise.all(servers.map((server) => listening(server)));
  await listening(inFolder, join(folder, 'model.sock'));
  const service = (name: string, upstream: string): string =>
    `  - { name: ${name}, protocol: http, opaque: allow, upstream: { ${upstream} } }\n`;
  const services = [
    service('h2', `url: http://${h2}/mount, http: 2, credential: { bearer: { env: UPSTREAM_KEY } }`),
    service('tls', `url: https://${tls}, http: 2`),
    service('unknown', `url: https://${unknown}, http: 2`),
    service('raw', `url: http://${frames}, http: 2, idle_timeout: 700ms, answer_timeout: 700ms`),
    service('old', `url: http://${http1}, http: 2, connect_timeout: 700ms`),
    service('gone', 'url: http://127.0.0.1:1, http: 2'),
    service('sock', `url: unix:${folder}/model.sock:/v9`),
    service('nosock', `url: unix:${folder}/nobody.sock`),
  ];
  const config = (places: Places): string =>
    usualConfig(places)
      .replace(
        'listeners: [{ address: 127.0.0.1:0 }]',
        `listeners: [{ address: 127.0.0.1:0 }, { address: "unix:${folder}/gw.sock" }]\ntrusted_proxies: [unix]\nworkers: 2`,
      )
      .replace('services:\n', `services:\n${services.join('')}`);
  world = await startWorld(config);
  token = await world.idp.token('carol');
});
afterAll(async () => {
  await world.close();
  for (const server of [plain.server, raw]) server.close();
  rmSync(folder, { recursive: true, force: true });
});

const call = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${world.url}${path}`, {
    method: 'POST',
    body: '{"a":1}',
    ...init,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'X-Mixed': 'Case' },
  });
const reason = async (path: string): Promise<unknown> => {
  const document: unknown = await (await call(path)).json();
  return typeof document === 'object' && document !== null && 'reason' in document ? document.reason : document;
};

describe('an upstream spoken to in HTTP/2', () => {
  it('promise 9: transparent — gets the same request, and its answer comes back line by line', async () => {
    const answer = await call('/h2/x%2Fy?q=1');
    expect([answer.status, await answer.text()]).toEqual([200, '{"ok":true}']);
    expect([answer.headers.get('x-a'), answer.headers.get('x-b')]).toEqual(['2', '1, 3']);
    const head = plain.heads.at(-1) ?? [];
    expect(head.slice(0, 8)).toEqual([
      ':method',
      'POST',
      ':scheme',
      'http',
      ':authority',
      new URL(`http://${head[5]}`).host,
      ':path',
      '/mount/x%2Fy?q=1',
    ]);
    expect(head).toContain('x-mixed');
    expect(head.join(' ')).toContain('authorization Bearer upstream-secret-6f1c');
    expect(head.join(' ')).not.toContain(token);
    expect(plain.bodies.at(-1)).toBe('{"a":1}');
  });

  it('carries many calls on one connection', async () => {
    await call('/h2/x');
    const before = plain.sessions;
    const answers = await Promise.all(Array.from({ length: 50 }, () => call('/h2/x').then((got) => got.text())));
    expect(answers).toEqual(Array.from({ length: 50 }, () => '{"ok":true}'));
    // two data workers, a session each at most
    expect(plain.sessions).toBeLessThanOrEqual(before + 1);
  });

  it('is named as the reason when it is not there, speaks another version or cannot prove who it is', async () => {
    expect(await reason('/old/x')).toBe('upstream-failed');
    expect(await reason('/gone/x')).toBe('upstream-unreachable');
    expect(await reason('/unknown/x')).toBe('upstream-failed');
  });

  it('passes trailers on', async () => {
    plain.next((stream) => {
      stream.respond([':status', '200'], { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '7' }));
      stream.end('body');
    });
    const request = requestHttp(`${world.url}/h2/x`, {
      method: 'POST',
      headers: { 'x-api-key': token, 'content-type': 'application/json' },
    });
    request.end('{}');
    const [response] = await once(request, 'response');
    expect(await text(response)).toBe('body');
    expect(response.rawTrailers).toEqual(['x-sum', '7']);
  });

  it('agrees on HTTP/2 under TLS', async () => {
    expect(await (await call('/tls/x')).json()).toEqual({ ok: true });
  });

  it('passes over 1xx heads and takes the final one', async () => {
    plain.next((stream) => {
      stream.additionalHeaders({ ':status': 103, link: '</x>' });
      stream.respond([':status', '201']);
      stream.end('final');
    });
    const answer = await call('/h2/x');
    expect([answer.status, await answer.text()]).toEqual([201, 'final']);
  });

  it('sees within a moment that the caller left', async () => {
    const before = plain.resets.length;
    plain.next((stream) => {
      stream.respond([':status', '200', 'content-type', 'text/plain']);
      stream.write('first');
    });
    const leaving = new AbortController();
    const answer = await call('/h2/x', { signal: leaving.signal });
    await answer.body?.getReader().read();
    const left = performance.now();
    leaving.abort();
    while (plain.resets.length === before) await sleep(2);
    expect(performance.now() - left).toBeLessThan(1_000);
    expect(plain.resets.at(-1)).toBe(8);
  });

  const head = frame(
    HEADERS,
    END_HEADERS,
    1,
    block([
      [':status', '200'],
      ['content-type', 'text/plain'],
    ]),
  );
  const part = frame(DATA, 0, 1, 'half');

  it.each([
    ['resets with NO_ERROR', [head, part, frame(RST_STREAM, 0, 1, uint32(0))]],
    ['resets with CANCEL', [head, part, frame(RST_STREAM, 0, 1, uint32(8))]],
    ['resets with INTERNAL_ERROR', [head, part, frame(RST_STREAM, 0, 1, uint32(2))]],
    ['says GOAWAY with an error', [head, part, frame(GOAWAY, 0, 0, Buffer.concat([uint32(1), uint32(2)]))]],
    ['closes the connection', [head, part, null]],
    ['goes silent', [head, part]],
    [
      'lies about its length',
      [
        frame(
          HEADERS,
          END_HEADERS,
          1,
          block([
            [':status', '200'],
            ['content-length', '9'],
          ]),
        ),
        frame(DATA, END_STREAM, 1, 'half'),
      ],
    ],
    ['sends a broken frame', [head, part, frame(HEADERS, END_HEADERS, 1, Buffer.from([0x80]))]],
  ])('that %s within an answer never looks whole', async (_what, frames) => {
    script = (socket) => frames.forEach((bytes) => (bytes === null ? socket.destroy() : socket.write(bytes)));
    const answer = await call('/raw/x');
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow();
  });

  it.each([
    ['resets', [frame(RST_STREAM, 0, 1, uint32(0))], 'upstream-failed'],
    ['refuses the stream by GOAWAY', [frame(GOAWAY, 0, 0, Buffer.concat([uint32(0), uint32(0)]))], 'upstream-failed'],
    ['closes', [null], 'upstream-failed'],
    ['stalls', [], 'upstream-timeout'],
    ['speaks no HTTP/2', [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')], 'upstream-failed'],
  ])('that %s before an answer is named as the reason', async (_what, frames, why) => {
    script = (socket) => frames.forEach((bytes) => (bytes === null ? socket.destroy() : socket.write(bytes)));
    expect(await reason('/raw/x')).toBe(why);
  });

  it('that ended while the caller did not read is whole all the same', async () => {
    const body = Buffer.alloc(200_000, 'x');
    const frames = [head];
    for (let at = 0; at < body.length; at += 16_000) frames.push(frame(DATA, 0, 1, body.subarray(at, at + 16_000)));
    script = (socket) => socket.write(Buffer.concat([...frames, frame(DATA, END_STREAM, 1, '')]));
    const answer = await call('/raw/x');
    await sleep(200);
    expect((await answer.text()).length).toBe(200_000);
  });
});

const overSocket = async (path: string, more: Readonly<Record<string, string>> = {}) => {
  const request = requestHttp({
    socketPath: join(folder, 'gw.sock'),
    path,
    method: 'POST',
    headers: { 'x-api-key': token, 'content-type': 'application/json', ...more },
  });
  request.end('{"a":1}');
  const [response] = await once(request, 'response');
  return { status: response.statusCode, text: await text(response) };
};

describe('Unix sockets', () => {
  it('lead to a model server, its mount path included', async () => {
    expect(await (await call('/sock/x?y')).json()).toEqual({ path: '/v9/x?y', host: 'localhost' });
    expect(await reason('/nosock/x')).toBe('upstream-unreachable');
  });

  it('take calls', async () => {
    expect(await overSocket('/sock/x')).toMatchObject({ status: 200 });
  });

  it('are taken over from a process that is gone', async () => {
    await world.stopGateway('SIGKILL');
    await world.startGateway();
    expect(await overSocket('/sock/x')).toMatchObject({ status: 200 });
  });
});
