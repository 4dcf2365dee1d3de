/** Model servers behind TLS of their own: a private authority, a name that is not the host's, certificates of the gateway. */

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from 'node:http2';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createAuthority } from '../support/certificates.ts';
import { startWorld, type World } from '../support/world.ts';

const authority = createAuthority();
const model = authority.issue('model.internal');
const client = authority.issue('gateway');
const stranger = createAuthority('somebody else').issue('gateway');

/** What arrived: the name that was asked for, and who the gateway proved to be. */
const arrived: string[] = [];
const note = (socket: unknown): void => {
  if (!(socket instanceof TLSSocket)) return;
  const { subject } = socket.getPeerCertificate();
  arrived.push(`${socket.servername === false ? '' : (socket.servername ?? '')} ${String(subject?.CN ?? '')}`);
};

const mutual = { ...model, ca: authority.cert, requestCert: true, rejectUnauthorized: true };
const servers: (Server | Http2SecureServer)[] = [];
async function listening(server: Server | Http2SecureServer): Promise<number> {
  servers.push(server);
  server.on('tlsClientError', () => {});
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const bound = server.address();
  return bound === null || typeof bound === 'string' ? 0 : bound.port;
}

function http1(): Server {
  const server = createServer(mutual, (req, res) => {
    note(req.socket);
    res.end('{"ok":true}');
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, req) => {
    note(req.socket);
    socket.send('{"type":"session.created"}');
  });
  return server;
}

function http2(): Http2SecureServer {
  const server = createSecureServer(mutual);
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    note(stream.session?.socket);
    if (headers['content-type'] !== 'application/grpc') {
      stream.respond({ ':status': 200, 'content-type': 'application/json' });
      stream.end('{"ok":true}');
      return;
    }
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    // a HealthCheckResponse that says SERVING
    stream.end(Buffer.from([0, 0, 0, 0, 2, 8, 1]));
  });
  return server;
}

let world: World;
let token = '';
beforeAll(async () => {
  const [one, two] = await Promise.all([listening(http1()), listening(http2())]);
  const all = 'ca: { file: ca.pem }, cert: { file: gateway.pem }, key: { file: gateway.key }';
  const service = (name: string, tls: string, more = ''): string =>
    `  - { name: ${name}, protocol: http, upstream: { url: "https://127.0.0.1:${more === '' ? one : two}", tls: { ${tls} }${more} } }\n`;
  const ways = ['', ', http: 2'].flatMap((more, at) => [
    service(`good${at}`, all, more),
    service(`named${at}`, `${all}, server_name: model.internal`, more),
    service(`misnamed${at}`, `${all}, server_name: other.internal`, more),
    service(`public${at}`, 'cert: { file: gateway.pem }, key: { file: gateway.key }', more),
    service(`anonymous${at}`, 'ca: { file: ca.pem }', more),
    service(`stranger${at}`, 'ca: { file: ca.pem }, cert: { file: stranger.pem }, key: { file: stranger.key }', more),
  ]);
  world = await startWorld(
    ({ issuer }) => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
identity: { issuers: [{ issuer: ${issuer}, audience: sallyport }] }
services:
${ways.join('')}
  - name: voice
    protocol: openai
    websocket: allow
    upstream: { url: "https://127.0.0.1:${one}", tls: { ${all}, server_name: model.internal } }
  - name: desk
    protocol: grpc
    upstream: { url: "https://127.0.0.1:${two}", tls: { ${all}, server_name: model.internal } }
policies: [{ name: all, when: 'true', then: allow }]
`,
    (folder) => {
      const file = (name: string, text: string): void => writeFileSync(join(folder, name), text, { mode: 0o600 });
      file('ca.pem', authority.cert);
      file('gateway.pem', client.cert);
      file('gateway.key', client.key);
      file('stranger.pem', stranger.cert);
      file('stranger.key', stranger.key);
    },
  );
  token = await world.idp.token('carol');
});
afterAll(async () => {
  await world.close();
  for (const server of servers) server.close();
});

async function ask(service: string): Promise<string> {
  const answer = await fetch(`${world.url}/${service}/x`, {
    method: 'POST',
    headers: { 'x-api-key': token },
    body: '{}',
  });
  const text = await answer.text();
  return answer.status === 200 ? `200 ${text}` : `${answer.status} ${/"reason":"([a-z-]+)"/.exec(text)?.[1]}`;
}

describe.each([
  ['HTTP/1.1', 0],
  ['HTTP/2', 1],
] as const)('a model server with TLS of its own, over %s,', (_version, at) => {
  it.each([
    ['is believed by its own authority, and the gateway proves itself', 'good', '200 {"ok":true}', ' gateway'],
    ['is asked for by its name', 'named', '200 {"ok":true}', 'model.internal gateway'],
  ])('%s', async (_what, service, becomes, seen) => {
    arrived.length = 0;
    expect(await ask(`${service}${at}`)).toBe(becomes);
    expect(arrived).toEqual([seen]);
  });

  it.each([
    ['has another name', 'misnamed', '502 upstream-failed'],
    ['is not believed by the public web', 'public', '502 upstream-failed'],
    ['wants to know who asks', 'anonymous', '502 upstream-failed'],
    ['does not know who vouches for the gateway', 'stranger', '502 upstream-failed'],
  ])('gets no call when it %s', async (_what, service, becomes) => {
    arrived.length = 0;
    expect(await ask(`${service}${at}`)).toBe(becomes);
    expect(arrived).toEqual([]);
  });
});

it('a WebSocket goes the same way', async () => {
  arrived.length = 0;
  const url = `${world.url.replace('http', 'ws')}/voice/v1/realtime?model=m`;
  const socket = new WebSocket(url, { headers: { 'x-api-key': token } });
  const [message] = await once(socket, 'message');
  expect(String(message)).toBe('{"type":"session.created"}');
  expect(arrived).toEqual(['model.internal gateway']);
  socket.terminate();
});

it('gRPC goes the same way', async () => {
  arrived.length = 0;
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  metadata.set('sallyport-service', 'desk');
  const caller = new Client(new URL(world.url).host, credentials.createInsecure());
  const bytes = (value: Buffer): Buffer => value;
  const answer = await new Promise((resolve) => {
    caller.makeUnaryRequest('/grpc.health.v1.Health/Check', bytes, bytes, Buffer.alloc(0), metadata, (error, value) =>
      resolve(error ?? value),
    );
  });
  caller.close();
  expect(answer).toEqual(Buffer.from([8, 1]));
  expect(arrived).toEqual(['model.internal gateway']);
});
