/** Callers who leave, and callers who do not read: over HTTP/1.1 and HTTP/2, to model servers that speak either. */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttp1, request as requestHttp } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2 } from 'node:http2';
import type { Server } from 'node:net';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, usualConfig, type World } from '../support/world.ts';

/** The part of an answer that both versions of HTTP have. */
interface Answering {
  writeHead(status: number, fields: Record<string, string>): unknown;
  write(bytes: Buffer | string): boolean;
  end(): unknown;
  once(event: 'drain' | 'close', listener: () => void): unknown;
}

/** What a model server does with one request. */
type Script = (answer: Answering) => void;

let script: Script = () => {};
let arrived = Promise.withResolvers<void>();
let left = Promise.withResolvers<number>();

const onRequest = (request: Readable, answer: Answering): void => {
  request.resume();
  answer.once('close', () => left.resolve(performance.now()));
  script(answer);
  arrived.resolve();
};

const upstreams: readonly Server[] = [createHttp1(onRequest), createHttp2(onRequest)];
let world: World;
let carol: string;
let alice: string;
beforeAll(async () => {
  const urls = await Promise.all(
    upstreams.map(async (server) => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const bound = server.address();
      return bound === null || typeof bound === 'string' ? '' : `http://127.0.0.1:${bound.port}`;
    }),
  );
  const service = (name: string, url: string | undefined, http: string, more = ''): string =>
    `  - { name: ${name}, protocol: http, opaque: allow, ${more} upstream: { url: ${url}, http: ${http} } }\n`;
  const services = [
    service('one', urls[0], '1.1'),
    service('two', urls[1], '2'),
    service('stay-one', urls[0], '1.1', 'abort_upstream: false,'),
    service('stay-two', urls[1], '2', 'abort_upstream: false,'),
    `  - { name: chat, protocol: openai, upstream: { url: ${urls[0]} } }\n`,
  ];
  world = await startWorld((places) => usualConfig(places).replace('services:\n', `services:\n${services.join('')}`));
  [alice, carol] = await Promise.all([world.idp.token('alice'), world.idp.token('carol')]);
});
afterAll(async () => {
  await world.close();
  for (const server of upstreams) server.close();
});

/** A call under way. */
interface Call {
  /** Resolves to the answer once its head is there; it is not read yet. */
  readonly answer: Promise<Readable>;
  readonly leave: () => void;
}

type Caller = (path: string, token?: string) => Call;

const overHttp1: Caller = (path, token = carol) => {
  const request = requestHttp(`${world.url}${path}`, {
    method: 'POST',
    agent: false,
    headers: { 'x-api-key': token, 'content-type': 'application/json' },
  });
  request.on('error', () => {});
  request.end('{"model":"m","stream":true,"messages":[]}');
  const answer = new Promise<Readable>((resolve) => {
    request.on('response', (response) => {
      response.on('error', () => {});
      resolve(response);
    });
  });
  return { answer, leave: () => request.destroy() };
};

const overHttp2: Caller = (path, token = carol) => {
  const session = connectHttp2(world.url);
  session.on('error', () => {});
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'x-api-key': token,
    'content-type': 'application/json',
  });
  stream.on('error', () => {});
  stream.end('{"model":"m","stream":true,"messages":[]}');
  const answer = new Promise<Readable>((resolve) => stream.on('response', () => resolve(stream)));
  return { answer, leave: () => stream.close(8) };
};

const again = (next: Script): void => {
  script = next;
  arrived = Promise.withResolvers();
  left = Promise.withResolvers();
};

const WAYS: readonly (readonly [string, Caller, string])[] = [
  ['HTTP/1.1 to HTTP/1.1', overHttp1, 'one'],
  ['HTTP/1.1 to HTTP/2', overHttp1, 'two'],
  ['HTTP/2 to HTTP/1.1', overHttp2, 'one'],
  ['HTTP/2 to HTTP/2', overHttp2, 'two'],
];

const PHASES: readonly (readonly [string, Script, boolean])[] = [
  ['before the answer', () => {}, false],
  [
    'within the answer',
    (answer) => {
      answer.writeHead(200, { 'content-type': 'text/plain' });
      answer.write('first');
    },
    true,
  ],
];

describe.each(WAYS)('a caller who leaves, %s', (_way, call, service) => {
  it.each(PHASES)('%s: the model server learns it within a tenth of a second', async (_phase, next, answered) => {
    const took: number[] = [];
    for (let round = 0; round < 5; round++) {
      again(next);
      const { answer, leave } = call(`/${service}/x`);
      await arrived.promise;
      if (answered) await once(await answer, 'data');
      const began = performance.now();
      leave();
      took.push((await left.promise) - began);
    }
    // the middle of five, because the machine may be busy with something else
    expect(took.toSorted((a, b) => a - b)[2]).toBeLessThan(100);
  });

  it('lets the model server finish where the service says so', async () => {
    const total = 4 * 1024 * 1024;
    const wrote = Promise.withResolvers<void>();
    again((answer) => {
      answer.writeHead(200, { 'content-type': 'text/plain' });
      pour(answer, total, () => {}).then(wrote.resolve, wrote.reject);
    });
    const { answer, leave } = call(`/stay-${service}/x`);
    await once(await answer, 'data');
    leave();
    // nobody reads any more, and all of it is taken all the same
    await wrote.promise;
    await left.promise;
  });
});

const PIECE = Buffer.alloc(64 * 1024, 'abcdefghijklmnopqrstuvwxyz');

/** Writes `total` bytes as fast as they are taken; tells how many were. */
async function pour(answer: Answering, total: number, tell: (bytes: number) => void): Promise<void> {
  for (let written = 0; written < total; written += PIECE.length) {
    tell(written);
    if (!answer.write(PIECE)) await new Promise<void>((resolve) => void answer.once('drain', resolve));
  }
  answer.end();
}

/** Resolves to the value once it has not changed for so many looks, fifty milliseconds apart. */
async function settled(value: () => number, looks = 10): Promise<number> {
  for (let last = -1, same = 0; ; last = value()) {
    same = last === value() ? same + 1 : 0;
    if (same === looks) return last;
    await sleep(50);
  }
}

describe.each(WAYS)('a caller who does not read, %s', (_way, call, service) => {
  it('costs a bounded amount of memory, holds the model server, and gets everything in the end', async () => {
    const total = 48 * 1024 * 1024;
    let written = 0;
    again((answer) => {
      answer.writeHead(200, { 'content-type': 'text/plain' });
      void pour(answer, total, (bytes) => {
        written = bytes;
      });
    });
    const answer = await call(`/${service}/x`).answer;
    const held = await settled(() => written);
    // what the kernel takes for two connections on this machine, and a little of our own
    expect(held).toBeLessThan(24 * 1024 * 1024);
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of answer) {
      hash.update(chunk);
      size += chunk.length;
    }
    const whole = createHash('sha256');
    for (let at = 0; at < total; at += PIECE.length) whole.update(PIECE);
    expect([size, hash.digest('hex')]).toEqual([total, whole.digest('hex')]);
  });
});

it('a caller who does not read a masked stream holds the model server, too', async () => {
  const event = Buffer.from(
    `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: `mail a@b.example, ${'or write a letter. '.repeat(400)}` } }] })}\n\n`,
  );
  let written = 0;
  again((answer) => {
    answer.writeHead(200, { 'content-type': 'text/event-stream' });
    const more = (): void => {
      while (written < 100 * 1024 * 1024) {
        written += event.length;
        if (!answer.write(event)) return void answer.once('drain', more);
      }
    };
    more();
  });
  const { answer, leave } = overHttp1('/chat/v1/chat/completions', alice);
  const stream = await answer;
  // masking takes its time: a pause of the gateway is not yet a limit
  const held = await settled(() => written, 40);
  expect(held).toBeLessThan(24 * 1024 * 1024);
  // it was held, not ended: what comes now is more than what waited
  let read = 0;
  for await (const chunk of stream) {
    read += chunk.length;
    if (read > held) break;
  }
  expect(read).toBeGreaterThan(held);
  leave();
  await left.promise;
});

it('a caller who leaves while it sends is on record, and nothing goes upstream', async () => {
  const recorded = (): number => world.log().match(/"reason":"caller-left"/g)?.length ?? 0;
  await settled(recorded);
  const before = recorded();
  let reached = false;
  again(() => {
    reached = true;
  });
  const request = requestHttp(`${world.url}/one/x`, {
    method: 'POST',
    agent: false,
    headers: { 'x-api-key': carol, 'content-type': 'application/json', 'content-length': '100' },
  });
  request.on('error', () => {});
  request.write('{"half":');
  await sleep(100);
  request.destroy();
  for (let waited = 0; waited < 2_000 && recorded() === before; waited += 20) await sleep(20);
  expect(recorded()).toBe(before + 1);
  expect(reached).toBe(false);
});
