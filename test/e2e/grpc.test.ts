import { Metadata, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DESK_DESCRIPTORS } from '../kit/proto.ts';
import {
  type DeskClient,
  deskClient,
  type DeskServer,
  type Letter,
  type Making,
  type Outcome,
  startDesk,
} from '../support/grpc-desk.ts';
import { type Places, startWorld, UPSTREAM_KEY, type World } from '../support/world.ts';

const config = (desk: number, { issuer }: Places): string => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
recording: { max_session: 1GiB }
limits: { buffered: 1GiB }
identity:
  issuers: [{ issuer: ${issuer}, audience: sallyport }]
services:
  - name: desk
    protocol: grpc
    upstream: { url: http://127.0.0.1:${desk}, credential: { bearer: { env: UPSTREAM_KEY } } }
    grpc: { descriptors: { file: ${DESK_DESCRIPTORS} }, max_message: 200MiB }
  - name: small
    protocol: grpc
    host: small.example
    upstream: { url: http://127.0.0.1:${desk} }
    grpc: { descriptors: { file: ${DESK_DESCRIPTORS} }, max_message: 1KiB }
  - name: blind
    protocol: grpc
    upstream: { url: http://127.0.0.1:${desk} }
  - name: opaque
    protocol: grpc
    opaque: allow
    upstream: { url: http://127.0.0.1:${desk} }
  - name: gone
    protocol: grpc
    upstream: { url: http://127.0.0.1:1 }
    grpc: { descriptors: { file: ${DESK_DESCRIPTORS} } }
policies:
  - name: ml-may
    when: '"ml" in caller.groups && call.model != "unspoken"'
    then: allow
  - name: no-secret-model
    when: 'call.model == "secret"'
    then: deny
    message: That model is not for you.
  - name: no-shouting
    when: 'call.texts.exists(t, t.text.contains("LOUD"))'
    then: deny
    message: Not so loud.
  - name: big-needs-a-human
    when: 'call.max_tokens > 8000 && call.max_tokens < 1000000'
    then: { approve: { by: ["group:ml-leads"], within: 1m, use_within: 1m } }
  - { name: three-messages, when: '"three" in caller.groups', limit: { per: [caller], requests: 3, within: 1m } }
  - { name: one-at-once, when: '"three" in caller.groups', limit: { per: [caller], concurrent: 1 } }
  - { name: few-bytes, when: '"bytes" in caller.groups', limit: { per: [caller], answer_bytes: 60B, within: 1m } }
masking:
  - name: pii
    when: '!("privacy-cleared" in caller.groups)'
    direction: both
    entities: [email, credit_card, secret]
`;

let desk: DeskServer;
let world: World;
let direct: DeskClient;
let through: DeskClient;
beforeAll(async () => {
  desk = await startDesk();
  world = await startWorld((places) => config(desk.port, places));
  direct = deskClient(`127.0.0.1:${desk.port}`);
  through = deskClient(new URL(world.url).host);
});
afterAll(async () => {
  direct.close();
  through.close();
  await world.close();
  await desk.close();
});

/** Returns metadata with a person's token, for a service. */
async function as(who: string, service = 'desk', more: Readonly<Record<string, string>> = {}): Promise<Metadata> {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${await world.idp.token(who)}`);
  metadata.set('sallyport-service', service);
  for (const [name, value] of Object.entries(more)) metadata.set(name, value);
  return metadata;
}

type Method = Parameters<DeskClient['call']>[0];

/** What a caller can tell apart, without what the gateway adds and what two runs differ in. */
const plain = ({ letters, code, details, head, trailers }: Outcome): unknown => {
  const known = (metadata: Metadata | null) => {
    const map = { ...metadata?.toJSON() };
    delete map['sallyport-session'];
    delete map['date'];
    return map;
  };
  return { letters, code, details, head: known(head), trailers: known(trailers) };
};

const makeCalls: readonly (readonly [string, Method, readonly Letter[]])[] = [
  ['unary', 'Ask', [{ text: 'hello', tags: { a: 'b' } }]],
  ['an empty message', 'Ask', [{}]],
  ['client stream', 'Gather', [{ text: 'a' }, { text: 'b' }, { text: 'c' }]],
  ['client stream of nothing', 'Gather', []],
  ['server stream', 'Spread', [{ lines: ['one', 'wait', 'two', 'three'] }]],
  ['server stream of nothing', 'Spread', [{ lines: [] }]],
  ['bidirectional', 'Talk', [{ text: 'a' }, { text: 'b' }]],
  ['bidirectional of nothing', 'Talk', []],
  ['error with a head', 'Ask', [{ text: 'fail 9' }]],
  ['error at once (Trailers-Only)', 'Ask', [{ text: 'fail 5 at once' }]],
  ['error behind messages', 'Spread', [{ text: 'fail 11', lines: ['one', 'two'] }]],
  ['error within a conversation', 'Talk', [{ text: 'a' }, { text: 'fail 15' }]],
  ['every status', 'Ask', [{ text: 'fail 16' }]],
];

describe('an unmodified grpc-js client', () => {
  it.each(makeCalls)(
    'promise 9: transparent — %s has the same outcome as without the gateway',
    async (_, method, letters) => {
      const echo = (metadata: Metadata): Metadata => {
        metadata.add('x-echo', 'one');
        metadata.add('x-echo', 'two');
        metadata.add('x-echo-bin', Buffer.from([255, 0, 1]));
        return metadata;
      };
      const expected = await direct.call(method, letters, { metadata: echo(new Metadata()) });
      const got = await through.call(method, letters, { metadata: echo(await as('carol')) });
      expect(plain(got)).toEqual(plain(expected));
      expect(got.head?.get('sallyport-session')[0] ?? got.trailers.get('sallyport-session')[0]).toMatch(
        /^[0-9a-z]{26}$/,
      );
    },
  );

  it.each(['gzip', 'deflate'] as const)('passes messages that are compressed with %s as they came', async (coding) => {
    const compressing = deskClient(new URL(world.url).host, {
      'grpc.default_compression_algorithm': coding === 'gzip' ? 2 : 1,
    });
    const text = 'hello '.repeat(1000);
    const got = await compressing.call('Talk', [{ text }, { text: 'b' }], { metadata: await as('carol') });
    compressing.close();
    expect(got).toMatchObject({ code: 0, letters: [{ text: `re: ${text}` }, { text: 're: b' }] });
    expect(desk.calls.at(-1)?.letters.map((letter) => letter.text)).toEqual([text, 'b']);
  });

  it('promise 8: secrets stay on their side — the upstream sees its own credential and not the caller’s', async () => {
    await through.call('Ask', [{ text: 'x' }], {
      metadata: await as('carol', 'desk', { 'x-custom': 'kept', 'x-api-key': '' }),
    });
    const { metadata } = desk.calls.at(-1)!;
    expect(metadata.get('authorization')).toEqual([`Bearer ${UPSTREAM_KEY}`]);
    expect(metadata.get('x-custom')).toEqual(['kept']);
    expect(metadata.get('sallyport-service')).toEqual([]);
    const echoed = await through.call('Ask', [{ text: UPSTREAM_KEY }], { metadata: await as('carol') });
    expect(JSON.stringify(echoed.letters)).not.toContain(UPSTREAM_KEY);
  });
});

describe('who may call what', () => {
  const reasonOf = ({ trailers }: Outcome): string => {
    const [details] = trailers.get('grpc-status-details-bin');
    return Buffer.from(details ?? '').toString('latin1');
  };

  it('promise 1: nobody unidentified — a stranger is UNAUTHENTICATED and the upstream hears nothing', async () => {
    const before = desk.calls.length;
    for (const metadata of [new Metadata(), await as('alice')]) {
      if (metadata.get('authorization').length > 0) metadata.set('authorization', 'Bearer a.b.c');
      metadata.set('sallyport-service', 'desk');
      const got = await through.call('Talk', [{ text: 'x' }], { metadata });
      expect(got.code).toBe(status.UNAUTHENTICATED);
    }
    expect(desk.calls.length).toBe(before);
  });

  it('denies a model, with the reason in ErrorInfo', async () => {
    const before = desk.calls.length;
    const got = await through.call('Ask', [{ model: 'secret', text: 'x' }], { metadata: await as('carol') });
    expect(got).toMatchObject({ code: status.PERMISSION_DENIED, letters: [] });
    expect(got.details).toContain('That model is not for you.');
    expect(reasonOf(got)).toContain('policy-denied');
    expect(reasonOf(got)).toContain('sallyport');
    expect(desk.calls.length).toBe(before);
  });

  it('denies what no rule allows', async () => {
    const got = await through.call('Ask', [{ model: 'unspoken' }], { metadata: await as('carol') });
    expect(got.code).toBe(status.PERMISSION_DENIED);
    expect(reasonOf(got)).toContain('no-rule');
  });

  it.each(['Gather', 'Talk'] as const)(
    'needs an allow for every message of a stream: %s ends at the one that has none',
    async (method) => {
      const got = await through.call(method, [{ text: 'a' }, { text: 'b' }, { text: 'LOUD' }, { text: 'never' }], {
        metadata: await as('carol'),
      });
      expect(got.code).toBe(status.PERMISSION_DENIED);
      expect(reasonOf(got)).toContain('policy-denied');
      const seen = desk.calls.at(-1)!;
      expect(['a', 'a b']).toContain(seen.letters.map(({ text }) => text).join(' '));
      await expect.poll(() => seen.cancelled).toBe(true);
    },
  );

  it('counts every message against the limits of its caller, and the call as one that is under way', async () => {
    const metadata = await as('carol');
    metadata.set('authorization', `Bearer ${await world.idp.token('carol', { groups: ['ml', 'three'] })}`);
    const got = await through.call('Talk', [{ text: 'a' }, { text: 'b' }], { metadata });
    expect(got).toMatchObject({ code: 0, letters: [{ text: 're: a' }, { text: 're: b' }] });
    const over = await through.call('Talk', [{ text: 'c' }, { text: 'd' }], { metadata });
    expect(over.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(over.details).toContain('At most 3 requests within 1m.');
    expect(reasonOf(over)).toContain('rate-limited');
    expect(reasonOf(over)).toMatch(/retry_after[^0-9]*[56]\d/);
    expect(desk.calls.at(-1)?.letters.map(({ text }) => text)).toEqual(['c']);
  });

  it('ends an answer that uses up a limit, with RESOURCE_EXHAUSTED in the trailers', async () => {
    const metadata = await as('carol');
    metadata.set('authorization', `Bearer ${await world.idp.token('carol', { groups: ['ml', 'bytes'] })}`);
    const lines = ['one line of text', 'wait', 'another line of text', 'wait', 'more', 'wait', 'and more of it'];
    const got = await through.call('Spread', [{ lines }], { metadata });
    expect(got.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(reasonOf(got)).toContain('budget-exceeded');
    expect(got.letters.length).toBeGreaterThan(0);
    expect(got.letters.length).toBeLessThan(4);
  });

  it('answers UNIMPLEMENTED where the service is ambiguous, unknown, or the method is not known', async () => {
    const without = new Metadata();
    without.set('authorization', `Bearer ${await world.idp.token('carol')}`);
    expect((await through.call('Ask', [{}], { metadata: without })).code).toBe(status.UNIMPLEMENTED);
    expect((await through.call('Ask', [{}], { metadata: await as('carol', 'nobody') })).code).toBe(
      status.UNIMPLEMENTED,
    );
    const blind = await through.call('Ask', [{}], { metadata: await as('carol', 'blind') });
    expect(blind.code).toBe(status.UNIMPLEMENTED);
    expect(reasonOf(blind)).toContain('operation-unknown');
  });

  it('finds a service by its host, and refuses metadata that names another', async () => {
    const byHost = deskClient(new URL(world.url).host, { 'grpc.default_authority': 'small.example' });
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${await world.idp.token('carol')}`);
    expect(await byHost.call('Ask', [{ text: 'x' }], { metadata })).toMatchObject({ code: 0 });
    expect((await byHost.call('Ask', [{}], { metadata: await as('carol', 'desk') })).code).toBe(
      status.INVALID_ARGUMENT,
    );
    byHost.close();
  });

  it('lets an opaque service pass what nobody can read, and says so', async () => {
    const got = await through.call('Talk', [{ text: 'a' }, { text: 'b' }], { metadata: await as('carol', 'opaque') });
    expect(got).toMatchObject({ code: 0, letters: [{ text: 're: a' }, { text: 're: b' }] });
  });

  it('holds a call for a human, and lets it pass once, with the very bytes', async () => {
    const letters = [{ text: 'big', max_tokens: 9000 }];
    const held = await through.call('Ask', letters, { metadata: await as('carol') });
    expect(held.code).toBe(status.FAILED_PRECONDITION);
    const [, id = ''] = /to approve (\S+),/.exec(held.details) ?? [];
    expect(reasonOf(held)).toContain('approval-required');
    expect(reasonOf(held)).toContain(id);
    expect(await world.cli(['approvals', 'approve', id, '--yes'], 'bob')).toMatchObject({ code: 0 });
    const other = await through.call('Ask', [{ text: 'bigger', max_tokens: 9000 }], {
      metadata: await as('carol', 'desk', { 'sallyport-approval': id }),
    });
    expect(reasonOf(other)).toContain('approval-mismatch');
    const passed = await through.call('Ask', letters, {
      metadata: await as('carol', 'desk', { 'sallyport-approval': id }),
    });
    expect(passed).toMatchObject({ code: 0, letters: [{ text: 're: big' }] });
    const again = await through.call('Ask', letters, {
      metadata: await as('carol', 'desk', { 'sallyport-approval': id }),
    });
    expect(reasonOf(again)).toContain('approval-used');
  });
});

describe('masking', () => {
  it('masks requests and answers, texts and texts in bytes, and error messages', async () => {
    const got = await through.call(
      'Ask',
      [{ text: 'to anna@example.com', blob: Buffer.from('card 4111 1111 1111 1111') }],
      {
        metadata: await as('alice'),
      },
    );
    expect(desk.calls.at(-1)?.letters[0]).toMatchObject({
      text: 'to <EMAIL>',
      blob: Buffer.from('card <CREDIT_CARD>'),
    });
    expect(got).toMatchObject({
      code: 0,
      letters: [{ text: 're: to <EMAIL>', blob: Buffer.from('card <CREDIT_CARD>') }],
    });
    const failed = await through.call('Ask', [{ text: 'fail 9' }], { metadata: await as('alice') });
    expect(failed.details).toBe('as you wish: ü% <EMAIL>');
  });

  it('masks what the server says, compressed or not', async () => {
    for (const algorithm of [0, 2]) {
      const client = deskClient(new URL(world.url).host, { 'grpc.default_compression_algorithm': algorithm });
      // the server answers with what the gateway never saw: the mask of the request is not in the way
      const got = await client.call('Spread', [{ lines: ['a', 'b'] }], { metadata: await as('alice') });
      expect(got).toMatchObject({ code: 0, letters: [{ text: 're: a' }, { text: 're: b' }] });
      client.close();
    }
  });
});

describe('how calls end', () => {
  const finished = async (made: Promise<Outcome>): Promise<Outcome> => made;

  it('tells a deadline upstream, and enforces it', async () => {
    const making: Making = { metadata: await as('carol'), deadline: 300 };
    const got = await finished(through.call('Ask', [{ text: 'sleep' }], making));
    expect(got.code).toBe(status.DEADLINE_EXCEEDED);
    const seen = desk.calls.at(-1)!;
    expect(seen.deadline).toBeGreaterThan(0);
    expect(seen.deadline).toBeLessThanOrEqual(301);
    await expect.poll(() => seen.cancelled).toBe(true);
  });

  it.each(['Ask', 'Spread', 'Talk'] as const)('cancels upstream when the caller cancels: %s', async (method) => {
    const letters = [{ text: 'sleep', lines: ['a', 'sleep'] }];
    const got = await through.call(method, letters, { metadata: await as('carol'), cancelAfter: 150 });
    // a conversation that has said everything ends by itself
    if (method === 'Talk') return expect(got.code).toBe(0);
    expect(got.code).toBe(status.CANCELLED);
    const seen = desk.calls.at(-1)!;
    await expect.poll(() => seen.cancelled).toBe(true);
  });

  it('says UNAVAILABLE when nobody listens', async () => {
    expect((await through.call('Ask', [{}], { metadata: await as('carol', 'gone') })).code).toBe(status.UNAVAILABLE);
  });

  it('refuses a message that is too long before it is read', async () => {
    const got = await through.call('Ask', [{ text: 'x'.repeat(2000) }], { metadata: await as('carol', 'small') });
    expect(got.code).toBe(status.RESOURCE_EXHAUSTED);
  });
});

describe('size', () => {
  it('carries a message of 100 MB both ways', async () => {
    const blob = Buffer.alloc(100_000_000, 0xfe);
    const got = await through.call('Ask', [{ text: 'big', blob }], { metadata: await as('carol') });
    expect(got.code).toBe(0);
    expect(got.letters[0]?.blob?.equals(blob)).toBe(true);
  });

  it('carries thousands of messages on one stream, in order', async () => {
    const letters = Array.from({ length: 5000 }, (_, at) => ({ text: `${at} ${'x'.repeat(200)}` }));
    const got = await through.call('Talk', letters, { metadata: await as('carol') });
    expect(got.code).toBe(0);
    expect(got.letters.map(({ text }) => text)).toEqual(letters.map(({ text }) => `re: ${text}`));
  });
});

describe('the record', () => {
  it('keeps every message as it passed, with its time', async () => {
    const got = await through.call('Talk', [{ text: 'first' }, { text: 'anna@example.com' }], {
      metadata: await as('alice'),
    });
    const session = String(got.head?.get('sallyport-session')[0]);
    const shown = async (): Promise<{
      ending: { reason: string } | null;
      events: readonly { code: string; text?: string }[];
    }> => JSON.parse((await world.cli(['--json', 'sessions', 'show', session, '--bodies'])).stdout);
    await expect.poll(async () => (await shown()).ending?.reason, { timeout: 10_000 }).toBe('completed');
    const { events } = await shown();
    const codes = events.map(({ code }) => code).join('');
    expect(codes).toMatch(/^oc/);
    const of = (code: string): string =>
      events.flatMap((event) => (event.code === code ? [event.text ?? ''] : [])).join('');
    expect(of('q')).toContain('anna@example.com');
    expect(of('f')).toContain('<EMAIL>');
    expect(of('d')).toContain('re: <EMAIL>');
    expect(of('t')).toContain('grpc-status');
  });
});
