import { type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { Writable } from 'node:stream';
import { Metadata, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { frameOf } from '../../src/protocol/grpc/grpc.ts';
import { DESK_DESCRIPTORS } from '../kit/proto.ts';
import { type DeskClient, deskClient } from '../support/grpc-desk.ts';
import { fine, head, type ScriptedServer, type Script, startScripted, trailers } from '../support/scripted-grpc.ts';
import { startWorld, type World } from '../support/world.ts';

let server: ScriptedServer;
let world: World;
let direct: DeskClient;
let through: DeskClient;
beforeAll(async () => {
  server = await startScripted();
  world = await startWorld(
    ({ issuer }) => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
limits: { stall_timeout: 4s }
identity: { issuers: [{ issuer: ${issuer}, audience: sallyport }] }
services:
  - name: desk
    protocol: grpc
    upstream: { url: http://127.0.0.1:${server.port} }
    grpc: { descriptors: { file: ${DESK_DESCRIPTORS} } }
policies:
  - { name: ml-may, when: '"ml" in caller.groups', then: allow }
  - { name: no-shouting, when: 'call.texts.exists(t, t.text.contains("LOUD"))', then: deny }
masking: [{ name: pii, when: '!("privacy-cleared" in caller.groups)', entities: [email] }]
`,
  );
  // without retries of its own, a client shows what happened to the call
  direct = deskClient(`127.0.0.1:${server.port}`, { 'grpc.enable_retries': 0 });
  through = deskClient(new URL(world.url).host, { 'grpc.enable_retries': 0 });
});
beforeEach(() => server.next(fine));
afterAll(async () => {
  direct.close();
  through.close();
  await world.close();
  await server.close();
});

async function as(who: string): Promise<Metadata> {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${await world.idp.token(who)}`);
  return metadata;
}

const message = (text: string): Buffer => frameOf(Buffer.concat([Buffer.from([0x12, text.length]), Buffer.from(text)]));

const FAULTS: readonly (readonly [string, Script])[] = [
  ['resets with REFUSED_STREAM', (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM)],
  ['resets with INTERNAL_ERROR', (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR)],
  ['resets with CANCEL', (stream) => stream.close(constants.NGHTTP2_CANCEL)],
  ['resets with ENHANCE_YOUR_CALM', (stream) => stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM)],
  ['resets with INADEQUATE_SECURITY', (stream) => stream.close(constants.NGHTTP2_INADEQUATE_SECURITY)],
  [
    'resets behind a message',
    (stream) => {
      head(stream);
      stream.write(message('one'));
      setTimeout(() => stream.close(constants.NGHTTP2_INTERNAL_ERROR), 50);
    },
  ],
  [
    'answers with 404 and no gRPC',
    (stream) => {
      stream.respond({ ':status': 404, 'content-type': 'text/html' });
      stream.end('<p>');
    },
  ],
  ['answers with 503 and no gRPC', (stream) => stream.respond({ ':status': 503 }, { endStream: true })],
  ['answers with 401 and no gRPC', (stream) => stream.respond({ ':status': 401 }, { endStream: true })],
  [
    'sends trailers without a status',
    (stream) => {
      head(stream);
      trailers(stream, { 'x-odd': '1' });
    },
  ],
  [
    'sends a status that is none',
    (stream) =>
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': 'x' }, { endStream: true }),
  ],
];

describe('an upstream that fails', () => {
  it.each(FAULTS)('%s: the caller sees the status that it would see without the gateway', async (_, script) => {
    server.next(script);
    const expected = await direct.call('Spread', [{}]);
    const got = await through.call('Spread', [{}], { metadata: await as('carol') });
    expect({ code: got.code, letters: got.letters }).toEqual({ code: expected.code, letters: expected.letters });
  });

  it('ends without trailers: the caller learns that the answer is not whole', async () => {
    server.next((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      stream.end(message('one'));
    });
    const got = await through.call('Spread', [{}], { metadata: await as('carol') });
    expect(got.code).toBe(status.INTERNAL);
  });

  it.each([
    ['cuts a message short', message('hello').subarray(0, 7)],
    ['sends bytes that are no message', frameOf(Buffer.from([0x12, 0x7f, 1]))],
    ['sends a flag that does not exist', Buffer.from([9, 0, 0, 0, 0])],
    ['announces more than there may be', Buffer.from([0, 0x7f, 0xff, 0xff, 0xff])],
  ])('%s: nothing of it passes a mask', async (_, bytes) => {
    server.next((stream) => {
      head(stream);
      stream.write(bytes);
      trailers(stream, { 'grpc-status': '0' });
    });
    const got = await through.call('Spread', [{}], { metadata: await as('alice') });
    expect(got).toMatchObject({ code: status.INTERNAL, letters: [] });
  });

  it('is connected to anew after GOAWAY, and after it died', async () => {
    expect((await through.call('Ask', [{}], { metadata: await as('carol') })).code).toBe(0);
    for (const end of [() => server.sessions.at(-1)?.goaway(0), () => server.sessions.at(-1)?.destroy()]) {
      const before = server.sessions.length;
      end();
      await expect.poll(async () => (await through.call('Ask', [{}], { metadata: await as('carol') })).code).toBe(0);
      expect(server.sessions.length).toBe(before + 1);
    }
  });

  it('lets a call end that was under way when it said GOAWAY', async () => {
    server.next((stream) => {
      head(stream);
      stream.write(message('one'));
      stream.session?.goaway(0);
      setTimeout(() => {
        stream.write(message('two'));
        trailers(stream, { 'grpc-status': '0' });
      }, 100);
    });
    const got = await through.call('Spread', [{}], { metadata: await as('carol') });
    expect(got).toMatchObject({ code: 0, letters: [{ text: 'one' }, { text: 'two' }] });
  });
});

describe('a call that is over', () => {
  const waits: Script = (stream) => {
    head(stream);
    stream.on('data', () => {});
  };
  const lastReset = (): number | undefined => server.resets.at(-1);

  it.each([
    ['the caller cancels', { cancelAfter: 100 }, [{ text: 'a' }], status.CANCELLED],
    ['its deadline passes', { deadline: 200 }, [{ text: 'a' }], status.DEADLINE_EXCEEDED],
    ['a message is denied', {}, [{ text: 'a' }, { text: 'LOUD' }], status.PERMISSION_DENIED],
  ] as const)('is reset upstream with CANCEL when %s', async (_, making, letters, code) => {
    server.next(waits);
    const before = server.resets.length;
    const got = await through.call('Talk', letters, { metadata: await as('carol'), ...making });
    expect(got.code).toBe(code);
    await expect.poll(() => server.resets.length).toBe(before + 1);
    expect(lastReset()).toBe(constants.NGHTTP2_CANCEL);
  });

  it('tells an upstream that it ended before its caller did', async () => {
    server.next((stream) =>
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '8' }, { endStream: true }),
    );
    const letters = Array.from({ length: 2000 }, () => ({ text: 'x'.repeat(1000) }));
    const got = await through.call('Gather', letters, { metadata: await as('carol') });
    expect(got.code).toBe(status.RESOURCE_EXHAUSTED);
  });
});

describe('who does not read', () => {
  /** What the windows and buffers between two ends may hold; a stream without backpressure would go far beyond. */
  const BOUND = 4 * 1024 * 1024;
  const MESSAGE = message('x'.repeat(100));
  const BLOCK = Buffer.concat(Array.from({ length: 500 }, () => MESSAGE));

  /** Writes for as long as the other side takes it; returns how much it took. */
  const pour = (stream: Writable): (() => number) => {
    let written = 0;
    const more = (): void => {
      let goesOn = stream.writable;
      while (goesOn) {
        written += BLOCK.length;
        goesOn = stream.write(BLOCK) && stream.writable;
      }
    };
    stream.on('drain', more);
    more();
    return () => written;
  };

  /** Resolves to how much was taken once no more is. */
  const settled = async (taken: () => number): Promise<number> => {
    let last = -1;
    const still = (): boolean => {
      const before = last;
      last = taken();
      return last > 0 && last === before;
    };
    await expect.poll(still, { interval: 500, timeout: 20_000 }).toBe(true);
    return last;
  };

  /** Begins a call as no library does: nothing is read and nothing is sent unless the test does it. */
  const begin = async (
    method: string,
    who: string,
  ): Promise<{ readonly stream: ClientHttp2Stream; readonly end: () => void }> => {
    const session = connect(world.url).on('error', () => {});
    const stream = session.request({
      ':method': 'POST',
      ':path': `/desk.v1.Desk/${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
      authorization: `Bearer ${await world.idp.token(who)}`,
    });
    stream.on('error', () => {}).pause();
    return { stream, end: () => session.destroy() };
  };

  it.each(['carol', 'alice'])('holds the upstream back, also while messages are masked: %s', async (who) => {
    let taken = (): number => 0;
    server.next((stream) => {
      head(stream);
      taken = pour(stream);
    });
    const { stream, end } = await begin('Spread', who);
    stream.end(frameOf(new Uint8Array(0)));
    expect(await settled(() => taken())).toBeLessThan(BOUND);
    end();
  });

  it('is let go after a while, and so is the upstream', async () => {
    let reset: number | undefined;
    server.next((stream) => {
      head(stream);
      pour(stream);
      stream.on('close', () => {
        reset = stream.rstCode;
      });
    });
    const { stream, end } = await begin('Spread', 'carol');
    stream.end(frameOf(new Uint8Array(0)));
    await expect.poll(() => reset, { timeout: 20_000 }).toBe(constants.NGHTTP2_CANCEL);
    await expect.poll(() => world.log()).toContain('"reason":"caller-stalled"');
    end();
  });

  it('holds the caller back when the upstream does not read', async () => {
    server.next((stream) => {
      head(stream);
      stream.pause();
    });
    const { stream, end } = await begin('Gather', 'carol');
    expect(await settled(pour(stream))).toBeLessThan(BOUND);
    end();
  });
});

describe('a caller that cancels much', () => {
  const bytes = (value: Buffer): Buffer => value;

  it('keeps its connection and the calls on it, also when none that it cancels had been answered', async () => {
    const metadata = await as('carol');
    const ask = (callback: (code: number) => void) =>
      through.client.makeUnaryRequest('/desk.v1.Desk/Ask', bytes, bytes, Buffer.alloc(0), metadata, (error) =>
        callback(error === null ? status.OK : error.code),
      );
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    server.next((stream, headers) => {
      arrived.resolve();
      void held.then(() => fine(stream, headers));
    });
    const lasting = new Promise<number>((resolve) => ask(resolve));
    await arrived.promise;

    // some waves: each call is cancelled once it is at the server, which answers none
    for (let wave = 0; wave < 16; wave++) {
      const cancels: (() => void)[] = [];
      let there = 0;
      server.next(() => {
        if (++there === 50) for (const cancel of cancels) cancel();
      });
      const codes = Array.from({ length: 50 }, () => {
        const { promise, resolve } = Promise.withResolvers<number>();
        const call = ask(resolve);
        cancels.push(() => call.cancel());
        return promise;
      });
      expect(new Set(await Promise.all(codes))).toEqual(new Set([status.CANCELLED]));
    }
    release();
    expect(await lasting).toBe(status.OK);
  });
});

describe('an upstream that tells beside its messages what a rule masks', () => {
  const telling = 'found maria@example.com';

  it.each([
    ['in its head', { 'x-found': telling, 'x-found-bin': Buffer.from(telling).toString('base64') }, {}],
    ['in its trailers', {}, { 'x-found': telling, 'x-found-bin': Buffer.from(telling).toString('base64') }],
  ])('%s', async (_, ahead, behind) => {
    server.next((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...ahead }, { waitForTrailers: true });
      trailers(stream, { 'grpc-status': '0', ...behind });
    });
    const all = async (who: string): Promise<string> => {
      const { head: first, trailers: rest } = await through.call('Spread', [{}], { metadata: await as(who) });
      return [first, rest]
        .flatMap((metadata) => ['x-found', 'x-found-bin'].flatMap((name) => metadata?.get(name) ?? []))
        .map(String)
        .join(' ');
    };
    expect(await all('carol')).toBe(`${telling} ${telling}`);
    expect(await all('alice')).toBe('found <EMAIL>');
  });
});
