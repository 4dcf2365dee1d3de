/** HTTP/2 at the front door: malformed heads and bodies as data, and floods, in frames written by hand. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type FrontDoor, openFrontDoor } from '../support/front-door.ts';
import {
  block,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  type Field,
  frame,
  type FrameConnection,
  GOAWAY,
  HEADERS,
  openFrames,
  PING,
  RST_STREAM,
  SETTINGS,
  uint32,
  WINDOW_UPDATE,
} from '../support/http2-frames.ts';

interface Http2Case {
  readonly name: string;
  readonly head?: readonly Field[];
  readonly fields?: readonly Field[];
  readonly body?: string;
  readonly becomes: string;
  readonly arrives?: readonly string[];
  readonly absent?: readonly string[];
}

const cases: readonly Http2Case[] = parse(
  readFileSync(join(import.meta.dirname, '../cases/front-door-http2.yaml'), 'utf8'),
);

let door: FrontDoor;
beforeAll(async () => {
  door = await openFrontDoor();
});
afterAll(() => door.close());

const HEAD: readonly Field[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/a'],
  [':authority', 'gw'],
];
const token = (): Field => ['x-api-key', door.auth.replace('x-api-key: ', '')];

/** Waits for the end of stream 1 and says what it was. */
async function endOf(connection: FrameConnection): Promise<string> {
  const ended = await connection.until(
    ({ type, stream, flags }) =>
      type === GOAWAY || (stream === 1 && (type === RST_STREAM || (type <= HEADERS && (flags & END_STREAM) !== 0))),
  );
  // a refused sender is told to stop behind the answer
  const answer = connection.frames.find(({ type, stream }) => type === HEADERS && stream === 1);
  if (answer === undefined) {
    if (ended.type === GOAWAY) return `goaway ${ended.payload.readUInt32BE(4)}`;
    return `reset ${ended.payload.readUInt32BE()}`;
  }
  const body = Buffer.concat(
    connection.frames.filter(({ type, stream }) => type === DATA && stream === 1).map(({ payload }) => payload),
  ).toString();
  const reason = /"reason":"([a-z-]+)"/.exec(body)?.[1];
  const status = /"status":(\d+)/.exec(body)?.[1] ?? '200';
  return reason === undefined ? status : `${status} ${reason}`;
}

describe('promise 2: one reading of HTTP/2 frames at the front door', () => {
  it.each(cases)('$name', async ({ head = HEAD, fields = [], body, becomes, arrives, absent = [] }) => {
    const { model, url } = door.world;
    const before = model.requests.length;
    const connection = await openFrames(url);
    const late = head.findIndex(([name]) => !name.startsWith(':'));
    const all = late === -1 ? [...head, token(), ...fields] : [...head, ...fields, token()];
    connection.send(
      frame(HEADERS, END_HEADERS | (body === undefined ? END_STREAM : 0), 1, block(all)),
      ...(body === undefined ? [] : [frame(DATA, END_STREAM, 1, body)]),
    );
    const end = await endOf(connection);
    connection.close();
    const arrived = model.requests.slice(before);
    expect(`${end}; upstream ${arrived.length}`).toBe(becomes);
    if (arrives !== undefined)
      expect(arrived.map(({ method, target, body: got }) => `${method} ${target} ${got.toString()}`)).toEqual(arrives);
    const names = arrived.flatMap(({ rawHeaders }) => rawHeaders.map((part) => part.toLowerCase()));
    for (const name of absent) expect(names).not.toContain(name);
    expect(names.join('\n')).not.toContain('smuggled');
  });
});

describe('limits of one HTTP/2 head', () => {
  it.each<[string, readonly Field[], string]>([
    ['its size', [['x-a', 'a'.repeat(17_000)]], '431 headers-too-large'],
    ['its lines', Array.from({ length: 300 }, (_, at): Field => [`x-${at}`, '']), 'reset 11'],
  ])('%s', async (_what, fields, becomes) => {
    const connection = await openFrames(door.world.url);
    const bytes = block([...HEAD, token(), ...fields]);
    connection.send(
      frame(HEADERS, END_STREAM, 1, bytes.subarray(0, 1_000)),
      frame(CONTINUATION, 0, 1, bytes.subarray(1_000, 10_000)),
      frame(CONTINUATION, END_HEADERS, 1, bytes.subarray(10_000)),
    );
    expect(await endOf(connection)).toBe(becomes);
    connection.close();
    await othersPass();
  });
});

/** A call on another connection goes through: whatever happens to one, others are unharmed. */
async function othersPass(): Promise<void> {
  const connection = await openFrames(door.world.url);
  connection.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block([...HEAD, token()])));
  expect(await endOf(connection)).toBe('200');
  connection.close();
}

/** Sends until the gateway ends the connection; fails when it takes everything. */
async function floods(connection: FrameConnection, bytes: (turn: number) => Buffer, turns: number): Promise<void> {
  for (let turn = 0; turn < turns && !connection.closed(); turn++) {
    connection.send(bytes(turn));
    if (turn % 20 === 0) await sleep(1);
  }
  for (let waited = 0; waited < 3_000 && !connection.closed(); waited += 10) await sleep(10);
  expect(connection.closed()).toBe(true);
}

describe('floods of HTTP/2 frames end their connection and nobody else', () => {
  it('rapid reset (CVE-2023-44487)', async () => {
    const { model, url } = door.world;
    const before = model.requests.length;
    const connection = await openFrames(url);
    const head = block([...HEAD, token()]);
    await floods(
      connection,
      (turn) =>
        Buffer.concat([
          frame(HEADERS, END_HEADERS | END_STREAM, 2 * turn + 1, head),
          frame(RST_STREAM, 0, 2 * turn + 1, uint32(8)),
        ]),
      5_000,
    );
    // a stream that is reset at once costs the model server nothing, and 5,000 were tried
    expect(model.requests.length - before).toBeLessThan(300);
    await othersPass();
  });

  it('CONTINUATION (CVE-2024-28182)', async () => {
    const connection = await openFrames(door.world.url);
    connection.send(frame(HEADERS, END_STREAM, 1, block(HEAD)));
    await floods(connection, () => frame(CONTINUATION, 0, 1, block([['x', 'a'.repeat(100)]])), 5_000);
    await othersPass();
  });

  it('SETTINGS (CVE-2019-9515), answers unread', async () => {
    const connection = await openFrames(door.world.url);
    connection.socket.pause();
    await floods(connection, () => Buffer.concat(Array.from({ length: 1_000 }, () => frame(SETTINGS, 0, 0))), 3_000);
    await othersPass();
  });

  it('PING (CVE-2019-9512), answers unread', async () => {
    const connection = await openFrames(door.world.url);
    connection.socket.pause();
    await floods(
      connection,
      () => Buffer.concat(Array.from({ length: 1_000 }, () => frame(PING, 0, 0, Buffer.alloc(8)))),
      3_000,
    );
    await othersPass();
  });

  it('empty DATA (CVE-2019-9518)', async () => {
    const connection = await openFrames(door.world.url);
    connection.send(frame(HEADERS, END_HEADERS, 1, block([...HEAD, token()])));
    await floods(connection, () => Buffer.concat(Array.from({ length: 50 }, () => frame(DATA, 0, 1))), 200);
    await othersPass();
  });

  it('more streams than one connection may have', async () => {
    const { model, url } = door.world;
    const hold = Promise.withResolvers<void>();
    model.always(async () => {
      await hold.promise;
      return { status: 200, headers: ['Content-Length', '2'], steps: [{ send: 'ok' }] };
    });
    const connection = await openFrames(url);
    const head = block([...HEAD, token()]);
    for (let at = 0; at < 120; at++) connection.send(frame(HEADERS, END_HEADERS | END_STREAM, 2 * at + 1, head));
    const refused = await connection.until(({ type, stream }) => type === RST_STREAM && stream > 200);
    expect([1, 7]).toContain(refused.payload.readUInt32BE());
    hold.resolve();
    await connection.until(({ type, stream }) => type === HEADERS && stream === 1);
    connection.close();
    await othersPass();
  });

  it('windows that overflow', async () => {
    const connection = await openFrames(door.world.url);
    await floods(connection, () => frame(WINDOW_UPDATE, 0, 0, uint32(0x7fffffff)), 3);
    await othersPass();
  });

  it('connections that only sit', async () => {
    const silent = await openFrames(door.world.url);
    const pinging = await openFrames(door.world.url);
    const pings = setInterval(() => pinging.send(frame(PING, 0, 0, Buffer.alloc(8))), 100);
    for (const connection of [silent, pinging])
      for (let waited = 0; waited < 4_000 && !connection.closed(); waited += 10) await sleep(10);
    clearInterval(pings);
    expect([silent.closed(), pinging.closed()]).toEqual([true, true]);
  });
});
