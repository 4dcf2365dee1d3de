import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, usualConfig, type World } from '../support/world.ts';

/** What the upstream does with the next request. */
let answer: (socket: Socket, request: Buffer) => void = () => {};
let upstream: Server;
let world: World;
let token: string;

beforeAll(async () => {
  upstream = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (request) => answer(socket, Buffer.from(request)));
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const address = upstream.address();
  const port = typeof address === 'object' ? address?.port : 0;
  world = await startWorld((places) =>
    usualConfig(places).replace(
      'policies:\n',
      `  - { name: raw, protocol: http, upstream: { url: http://127.0.0.1:${port} } }\npolicies:\n`,
    ),
  );
  // nothing of carol's is masked
  token = await world.idp.token('carol');
});
afterAll(async () => {
  await world.close();
  upstream.close();
});

/** Sends a request and returns its connection, unread. */
function send(more: readonly string[] = []): Socket {
  const { hostname, port } = new URL(world.url);
  const socket = connect(Number(port), hostname);
  const lines = ['Host: gw', `Authorization: Bearer ${token}`, 'Content-Type: application/json', ...more];
  socket.write(`POST /raw/v1/things?a=%2F&b HTTP/1.1\r\n${lines.join('\r\n')}\r\nContent-Length: 8\r\n\r\n{"a":1 }`);
  return socket;
}

const CHUNK = Buffer.alloc(64 * 1024, 'abcdefgh\n');
const CHUNKS = 768;

describe('promise 9: what policy does not touch', () => {
  it('goes to the model server with the lines, the case and the order that it came with', async () => {
    const seen = Promise.withResolvers<string>();
    answer = (socket, request) => {
      seen.resolve(request.toString('latin1'));
      socket.end('HTTP/1.1 204 No Content\r\n\r\n');
    };
    const own = ['X-SeCoNd: 2', 'x-first: 1', 'X-SeCoNd: 3', 'Accept-Encoding: br, gzip', 'User-Agent: caf\u00e9/1'];
    send([...own, 'Connection: close']).resume();
    const [head = '', body] = (await seen.promise).split('\r\n\r\n');
    const [line, ...fields] = head.split('\r\n');
    expect(line).toBe('POST /v1/things?a=%2F&b HTTP/1.1');
    expect(fields.filter((field) => own.some((one) => Buffer.from(one).toString('latin1') === field))).toEqual(
      own.map((one) => Buffer.from(one).toString('latin1')),
    );
    expect(body).toBe('{"a":1 }');
  });

  it('comes back with the status, the lines, the case, the order and the bytes that it had', async () => {
    const lines = ['X-CuStOm: a', 'x-second: 1', 'X-Second: 2', 'Content-Type: text/x-own', 'Content-Length: 6'];
    answer = (socket) => socket.end(`HTTP/1.1 207 So So\r\n${lines.join('\r\n')}\r\n\r\n\u0001he\rlo`);
    const [head = '', body] = (await buffer(send(['Connection: close']))).toString('latin1').split('\r\n\r\n');
    const [status, ...fields] = head.split('\r\n');
    expect(status).toBe('HTTP/1.1 207 So So');
    expect(fields.slice(0, lines.length)).toEqual(lines);
    expect(body).toBe('\u0001he\rlo');
  });

  it('waits at the model server while its caller does not read, and then comes whole', async () => {
    const sent = { bytes: 0 };
    const flood = async (socket: Socket): Promise<void> => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/x-own\r\nContent-Length: ${CHUNK.length * CHUNKS}\r\n\r\n`);
      for (let n = 0; n < CHUNKS; n++) {
        if (!socket.write(CHUNK)) await once(socket, 'drain');
        sent.bytes += CHUNK.length;
      }
    };
    answer = (socket) => void flood(socket);
    const socket = send(['Connection: close']);
    let before = -1;
    while (sent.bytes === 0 || sent.bytes !== before) {
      before = sent.bytes;
      await sleep(500);
    }
    // what the kernel and the gateway hold on the way, and no more
    expect(sent.bytes).toBeLessThan((CHUNK.length * CHUNKS) / 2);
    const all = (await buffer(socket)).subarray(-CHUNK.length * CHUNKS);
    const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
    expect(digest(all)).toBe(digest(Buffer.concat(Array.from({ length: CHUNKS }, () => CHUNK))));
  });

  it('ends at the model server when its caller leaves', async () => {
    const closed = Promise.withResolvers<void>();
    answer = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/x-own\r\nContent-Length: 1000\r\n\r\nbegun');
      socket.on('close', () => closed.resolve());
    };
    const socket = send();
    await once(socket, 'data');
    socket.destroy();
    await closed.promise;
  });
});
