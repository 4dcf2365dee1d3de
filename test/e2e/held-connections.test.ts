/** Strangers who take connections and do not let go of them: whatever they send, the places are free again for others. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, it } from 'vitest';
import { block, DATA, END_HEADERS, type Field, frame, HEADERS, SETTINGS } from '../support/http2-frames.ts';
import { speak } from '../support/raw-http.ts';
import { startWorld, usualConfig, type World } from '../support/world.ts';

const PLACES = 4;

let world: World;
let token: string;
const open: Socket[] = [];
beforeAll(async () => {
  const limits = `{ head_timeout: 500ms, body_timeout: 500ms, keep_alive: 500ms, stall_timeout: 500ms, connections: ${PLACES} }`;
  world = await startWorld((places) => usualConfig(places, `limits: ${limits}\nworkers: 1`));
  token = await world.idp.token('carol');
});
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});
afterAll(() => world.close());

/** Takes a connection and keeps its own side of it open, whatever the gateway says. `drip` goes on and on. */
async function hold(first: Buffer | string, drip: Buffer | string): Promise<void> {
  const { hostname, port } = new URL(world.url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  socket.on('error', () => {}).resume();
  open.push(socket);
  await once(socket, 'connect');
  socket.write(first);
  if (drip.length === 0) return;
  const timer = setInterval(() => socket.writable && socket.write(drip), 100);
  socket.once('close', () => clearInterval(timer));
}

const call = (): Promise<number | undefined> =>
  speak(world.url, Buffer.from(`GET /any/x HTTP/1.1\r\nHost: gw\r\nx-api-key: ${token}\r\n\r\n`)).then(
    ({ answers }) => answers[0]?.status,
  );

/** Resolves once there is a place for a call, however long it takes. */
async function passes(): Promise<void> {
  while ((await call()) !== 404) await sleep(50);
}

const METADATA = 'GET /.well-known/oauth-protected-resource HTTP/1.1\r\nHost: gw\r\n';

const HTTP2 = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(SETTINGS, 0, 0)]);
const asked = (path: string, method = 'GET'): Buffer => {
  const fields: readonly Field[] = [
    [':method', method],
    [':scheme', 'http'],
    [':authority', 'gw'],
    [':path', path],
  ];
  return Buffer.concat([HTTP2, frame(HEADERS, END_HEADERS, 1, block(fields))]);
};
const DRIP2 = frame(DATA, 0, 1, 'x');

describe('a stranger holds no connection for good', () => {
  it.each([
    { name: 'who says nothing', first: '', drip: '' },
    { name: 'who sends the beginning of a head', first: 'GET / HTTP/1.1\r\nHost: gw\r\n', drip: '' },
    { name: 'who asks for a tunnel', first: 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', drip: '' },
    { name: 'who sends empty lines', first: '\r\n', drip: '\r\n' },
    { name: 'who sends empty lines behind a call', first: `${METADATA}\r\n`, drip: '\r\n' },
    { name: 'who asks with a body that does not end', first: `${METADATA}Content-Length: 99999\r\n\r\n`, drip: 'x' },
    {
      name: 'who asks in chunks without end',
      first: `${METADATA}Transfer-Encoding: chunked\r\n\r\n`,
      drip: '1\r\nx\r\n',
    },
    { name: 'who opens HTTP/2 and no stream', first: HTTP2, drip: '' },
    { name: 'who does not end a stream', first: asked('/.well-known/oauth-protected-resource'), drip: '' },
    { name: 'who goes on with a stream', first: asked('/.well-known/oauth-protected-resource'), drip: DRIP2 },
    { name: 'who goes on with a refused stream', first: asked('/any/x', 'POST'), drip: DRIP2 },
  ])('$name', async ({ first, drip }) => {
    await passes();
    for (let n = 0; n < PLACES; n++) await hold(first, drip);
    await passes();
  });
});
