import { gzipSync } from 'node:zlib';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chat, chatStream } from '../support/model-answers.ts';
import type { Answer } from '../support/model-server.ts';
import { startWorld, UPSTREAM_KEY, type World } from '../support/world.ts';

let world: World;
let tokens: Readonly<Record<string, string>>;
beforeAll(async () => {
  world = await startWorld();
  tokens = { alice: await world.idp.token('alice'), carol: await world.idp.token('carol') };
});
afterAll(() => world.close());

/** Returns everything that came over the connection, head and trailers included, and what the model server saw. */
async function ask(who: string, answer: Answer, service = 'llm') {
  const seen = world.model.requests.length;
  world.model.next(answer);
  const { hostname, port } = new URL(world.url);
  const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hello' }] });
  const socket = connect(Number(port), hostname);
  socket.write(
    `POST /${service}/v1/chat/completions HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer ${tokens[who]}\r\n` +
      'Content-Type: application/json\r\nAccept-Encoding: gzip, br\r\nTE: trailers\r\nConnection: close\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  socket.setEncoding('latin1');
  return { got: await text(socket), request: await world.model.seen(seen) };
}

const json = ['Content-Type', 'application/json'];
const raw = (bytes: string | Buffer): Answer => ({
  status: 200,
  headers: [],
  framing: 'raw',
  steps: [{ send: bytes }],
});
const errorPage = `{"error":"no such model","request":{"authorization":"Bearer ${UPSTREAM_KEY}"}}`;
const zipped = gzipSync(errorPage);
const inPieces = errorPage.split('').map((send) => ({ send }));

/** An upstream that sends back what it was shown, in every place of an answer; carol's answers are not masked. */
const ECHOES: readonly (readonly [string, Answer])[] = [
  ['in the body', { status: 404, headers: json, steps: [{ send: errorPage }] }],
  ['in the body, byte by byte', { status: 404, headers: json, steps: inPieces }],
  ['in a text of the model', chat(`the key is ${UPSTREAM_KEY}.`)],
  ['in a stream', chatStream(['the key', ` is ${UPSTREAM_KEY}`, '.'])],
  ['in a field line', { status: 200, headers: [...json, 'X-Debug', `key=${UPSTREAM_KEY}`], steps: [{ send: '{}' }] }],
  [
    'in a trailer',
    { status: 200, headers: json, steps: [{ send: '{}' }], trailers: ['X-Debug', UPSTREAM_KEY, 'X-Sum', '1'] },
  ],
  [
    'in the reason phrase',
    raw(`HTTP/1.1 400 ${UPSTREAM_KEY}\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nno`),
  ],
  [
    'compressed, though it was asked not to',
    { status: 404, headers: [...json, 'Content-Encoding', 'gzip'], steps: [{ send: zipped }] },
  ],
  [
    'compressed for the transfer',
    raw(
      Buffer.concat([
        Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'),
        Buffer.from(`${zipped.length.toString(16)}\r\n`),
        zipped,
        Buffer.from('\r\n0\r\n\r\n'),
      ]),
    ),
  ],
];

describe('promise 8: an upstream that sends back the credential it was shown', () => {
  for (const who of ['alice', 'carol'])
    it.each(ECHOES)(`%s: ${who} does not get it, in any coding`, async (_where, answer) => {
      const { got, request } = await ask(who, answer);
      expect(request.header('authorization')).toBe(`Bearer ${UPSTREAM_KEY}`);
      // what is asked for is what can be looked into
      expect(request.header('accept-encoding')).toBe('identity');
      expect(got).toMatch(/^HTTP\/1\.1 \d/);
      expect(got).not.toContain(UPSTREAM_KEY);
      expect(Buffer.from(got, 'latin1').includes(zipped.subarray(10, 40))).toBe(false);
    });

  it('keeps the other trailers', async () => {
    const { got } = await ask('carol', ECHOES.find(([where]) => where === 'in a trailer')![1]);
    expect(got).toContain('X-Sum: 1');
  });

  it('says that a compressed answer was not passed', async () => {
    const { got } = await ask('carol', ECHOES.find(([where]) => where.startsWith('compressed, '))![1]);
    expect(got).toContain('"reason":"answer-unreadable"');
  });

  it('promise 9: a service without a credential passes codings as they come', async () => {
    const answer = { status: 404, headers: [...json, 'Content-Encoding', 'gzip'], steps: [{ send: zipped }] };
    const { got, request } = await ask('carol', answer, 'any');
    expect(request.header('accept-encoding')).toBe('gzip, br');
    expect(Buffer.from(got, 'latin1').includes(zipped)).toBe(true);
  });
});
