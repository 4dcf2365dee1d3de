import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import {
  ada,
  allRows,
  completed,
  durable,
  type House,
  newFolder,
  oneCall,
  opening,
  openHouse,
  verifyJournals,
  written,
} from '../../test/record/house.ts';
import { decodeLeaf, type Leaf } from '../ledger/leaf.ts';
import { Failure } from '../reasons.ts';
import { readLeaves } from './ledger-leaves.ts';
import { bodyOf, readSession, type RecordedSession } from './read-session.ts';

const leavesOf = async ({ folder, ledger }: House): Promise<readonly Leaf[]> => {
  await ledger.checkpoint();
  const leaves: Leaf[] = [];
  for await (const bytes of readLeaves(folder, 0, ledger.size)) {
    const read = decodeLeaf(bytes);
    if (read.kind === 'known') leaves.push(read.leaf);
  }
  return leaves;
};

/** Resolves once everything so far is sealed and in the index. */
const settled = async (house: House): Promise<void> => {
  house.recorder.flush();
  await vi.waitFor(() => {
    expect(house.recording.totals).toMatchObject({ undurable: 0, unsealed: 0 });
    expect(house.index.raw.prepare('SELECT size FROM progress').get()).toEqual({ size: house.ledger.size });
  });
  await house.ledger.checkpoint();
};

const read = async (house: House, id: string): Promise<RecordedSession> => {
  await settled(house);
  const row = (await allRows(house.index)).find((each) => each.id === id);
  if (row === undefined) throw new Error('expected a row');
  return readSession(row, { folder: house.folder, pageKeys: house.pageKeys, ledgerSize: house.ledger.size });
};

describe('a recorded call', () => {
  it('reads back as it was, matches its leaves, and is a row of the index', async () => {
    const house = await openHouse();
    const id = await oneCall(house.recorder);
    const session = await read(house, id);
    expect(session.seal).toEqual({ kind: 'sealed' });
    expect(session.opening).toMatchObject({ caller: { subject: 'ada' }, rule: 'ml-may-chat' });
    expect(session.details).toMatchObject({ caller: { groups: ['ml'] }, path: '/v1/chat/completions' });
    expect(bodyOf(session, 'q').toString()).toBe('{"messages":"hello"}');
    expect(bodyOf(session, 'd').toString()).toBe('data: one\n\ndata: two\n\n');
    expect(session.ending).toMatchObject({ ...completed, bytes: 22, chunks: 2, dropped: 0 });
    expect(session.row).toMatchObject({ subject: 'ada', reason: 'completed', answer_bytes: 22, findings: 3 });
    expect((await leavesOf(house)).map(({ type }) => type)).toEqual([
      'gateway.start',
      'recording.key',
      'key.page',
      'session.start',
      'session.end',
    ]);
    await house.close();
  });

  it('leaves no name, text or credential in the clear: not in a journal, not in the ledger', async () => {
    const house = await openHouse();
    // a name that no hexadecimal hash can hold by chance
    await oneCall(house.recorder, { caller: { ...ada, subject: 'mirjam.zyx' } });
    house.recorder.refused('203.0.113.9', 'no-token');
    await house.close();
    const files = readdirSync(house.folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.startsWith('index.db'))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
    expect(files.length).toBeGreaterThan(3);
    for (const secret of [
      'mirjam.zyx',
      'idp.example.com',
      'hello',
      'data: one',
      'secret-token',
      '203.0.113.9',
      '192.0.2.7',
    ]) {
      for (const file of files) expect(file).not.toContain(secret);
    }
  });

  it('holds no credential even for who has the key: a marker stands in its place', async () => {
    const house = await openHouse({ redact: new Set(['x-upstream-key']) });
    const rawHeaders = ['X-Upstream-Key', 'secret-1', 'AUTHORIZATION', 'Bearer secret-2', 'Cookie', 'secret-3'];
    const id = await oneCall(house.recorder, {
      request: { ...opening().request, rawHeaders: [...rawHeaders, 'A', 'b'] },
    });
    const session = await read(house, id);
    expect(session.details.fields).toEqual(['X-Upstream-Key', null, 'AUTHORIZATION', null, 'Cookie', null, 'A', 'b']);
    expect(JSON.stringify(session.events)).toContain(
      '["Content-Type","text/event-stream","Set-Cookie",null]'.replaceAll('"', '\\"'),
    );
    expect(JSON.stringify(session.events)).not.toContain('secret');
    await house.close();
  });

  it('keeps times as they were, to the microsecond', async () => {
    let mono = 5_000;
    const house = await openHouse({ clock: { now: () => 1_800_000_000_000, mono: () => mono } });
    const session = house.recorder.open(opening({ mono, at: 1_800_000_000_000 }));
    mono += 250_000;
    session.head(200, []);
    mono += 10;
    session.bytes(Buffer.from('a'));
    mono += 1_500_000;
    session.bytes(Buffer.from('b'));
    mono += 40;
    session.bytes(Buffer.from('c'));
    session.close(completed);
    const recorded = await read(house, session.id);
    expect(recorded.events.map(({ at, code }) => `${at} ${code}`)).toEqual([
      '0 o',
      '0 c',
      '0 q',
      '250000 h',
      '250010 d',
      '1750010 d',
      '1750050 d',
      '1750050 x',
    ]);
    expect(recorded.ending).toMatchObject({ first: 250_010, last: 1_750_050, maxGap: 1_500_000 });
    expect(recorded.row).toMatchObject({ first: 250_010, duration: 1_750_050 });
    await house.close();
  });

  it('keeps bodies of any size, split over frames, and a masked rendering beside the original', async () => {
    const house = await openHouse();
    const body = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
    const forwarded = Buffer.from(body).fill('*', 5, 100);
    const session = house.recorder.open(opening({ body, forwarded }));
    for (let at = 0; at < body.length; at += 7_000) session.bytes(body.subarray(at, at + 7_000));
    session.close(completed);
    const recorded = await read(house, session.id);
    expect(bodyOf(recorded, 'q').equals(body)).toBe(true);
    expect(bodyOf(recorded, 'f').equals(forwarded)).toBe(true);
    expect(bodyOf(recorded, 'd').equals(body)).toBe(true);
    expect(recorded.seal).toEqual({ kind: 'sealed' });
    await house.close();
  });

  it('with more than 64 frames is committed to by one hash over theirs', async () => {
    const house = await openHouse();
    const session = house.recorder.open(opening());
    for (let index = 0; index < 70; index++) {
      session.bytes(Buffer.from(`piece ${index}`));
      house.recorder.flush();
    }
    session.close(completed);
    expect((await read(house, session.id)).seal).toEqual({ kind: 'sealed' });
    const end = (await leavesOf(house)).find(({ type }) => type === 'session.end');
    expect(end).toMatchObject({ frames: 71, ctr: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(end).not.toHaveProperty('cts');
    await house.close();
    expect(await verifyJournals(house.folder, house.ledger.size)).toMatchObject({ problems: [], frames: 73 });
  });
});

describe('a session', () => {
  it('is written at the end of the turn in which it was opened, durable later', async () => {
    const house = await openHouse();
    const session = house.recorder.open(opening());
    const order: string[] = [];
    session.durable(() => order.push('durable'));
    session.written(() => order.push('written'));
    expect(order).toEqual([]);
    await durable(session);
    expect(order).toEqual(['written', 'durable']);
    session.written((ok) => order.push(`written ${ok}`));
    session.durable((ok) => order.push(`durable ${ok}`));
    expect(order.slice(2)).toEqual(['written true', 'durable true']);
    session.close(completed);
    await house.close();
  });

  it('ends once: what comes after its end leaves no trace', async () => {
    const house = await openHouse();
    const session = house.recorder.open(opening());
    session.close(completed);
    session.close({ ...completed, reason: 'caller-left' });
    session.head(500, []);
    session.mark('late');
    session.trailers(['a', 'b']);
    expect(session.bytes(Buffer.from('late'))).toBe(false);
    expect((await read(house, session.id)).events.map(({ code }) => code)).toEqual(['o', 'c', 'q', 'x']);
    expect((await leavesOf(house)).filter(({ type }) => type === 'session.end')).toHaveLength(1);
    await house.close();
  });

  it('refuses bytes over its bound and keeps those before', async () => {
    const house = await openHouse({ maxSession: 100 });
    const session = house.recorder.open(opening({ body: Buffer.alloc(40) }));
    expect(session.bytes(Buffer.alloc(60))).toBe(true);
    expect(session.bytes(Buffer.alloc(1))).toBe(false);
    session.close({ ...completed, ended: 'truncated' });
    expect((await read(house, session.id)).ending).toMatchObject({ bytes: 60, dropped: 0 });
    await house.close();
  });

  it('goes on over its bound where the config says so, and says what is not in it', async () => {
    const house = await openHouse({ maxSession: 100, over: 'truncate' });
    const session = house.recorder.open(opening({ body: Buffer.alloc(40) }));
    expect([60, 1, 5].map((length) => session.bytes(Buffer.alloc(length)))).toEqual([true, true, true]);
    session.close(completed);
    const recorded = await read(house, session.id);
    expect(recorded.ending).toMatchObject({ bytes: 60, dropped: 6, chunks: 3 });
    expect(recorded.events.filter(({ code }) => code === 'm')).toMatchObject([{ payload: 'truncated' }]);
    expect(recorded.row.answer_bytes).toBe(66);
    await house.close();
  });

  it('is not opened for bodies that alone are over the bound', async () => {
    const house = await openHouse({ maxSession: 100 });
    expect(() => house.recorder.open(opening({ body: Buffer.alloc(101) }))).toThrow(
      expect.objectContaining({ reason: 'body-too-large' }),
    );
    await house.close();
  });

  it('that is slow has its bytes in the journal within a second', async () => {
    const house = await openHouse();
    const session = house.recorder.open(opening());
    session.bytes(Buffer.from('first words'));
    await vi.waitFor(async () => expect(bodyOf(await read(house, session.id), 'd').toString()).toBe('first words'), {
      timeout: 5_000,
    });
    expect((await read(house, session.id)).seal).toEqual({ kind: 'open' });
    session.close(completed);
    await house.close();
  });

  it('that is still open when its recorder closes ends as interrupted', async () => {
    const house = await openHouse();
    const session = house.recorder.open(opening());
    await written(session);
    await house.recorder.close();
    expect(() => house.recorder.open(opening())).toThrow(Failure);
    await house.recording.close();
    expect(await house.rows()).toMatchObject([{ id: session.id, reason: 'interrupted', ended: 'truncated' }]);
  });
});

describe('refusals of strangers', () => {
  it('are counted by source and reason, in one leaf each, and their sources are rows of the index only', async () => {
    const house = await openHouse();
    for (let count = 0; count < 3; count++) house.recorder.refused('203.0.113.9', 'no-token');
    house.recorder.refused('203.0.113.9', 'token-expired');
    await house.close();
    const index = (await import('../store/sqlite.ts')).openIndex(house.folder);
    expect(index.raw.prepare('SELECT source, reason, count FROM refusal ORDER BY leaf').all()).toEqual([
      { source: '203.0.113.9', reason: 'no-token', count: 3 },
      { source: '203.0.113.9', reason: 'token-expired', count: 1 },
    ]);
    await index.close();
    expect(await verifyJournals(house.folder, house.ledger.size)).toMatchObject({ problems: [] });
  });
});

describe('the ledger', () => {
  it('names one caller differently in every session', async () => {
    const house = await openHouse();
    await oneCall(house.recorder);
    await oneCall(house.recorder);
    await settled(house);
    const names = (await leavesOf(house)).flatMap((leaf) => (leaf.type === 'session.start' ? [leaf.subj] : []));
    expect(new Set(names).size).toBe(2);
    await house.close();
  });

  it('takes leaves of other parts, durably, between those of sessions', async () => {
    const house = await openHouse();
    const hash = createHash('sha256').update('config').digest('hex');
    const [first, second] = await Promise.all([
      house.recording.append({ type: 'config', hash }),
      house.recording.append({ type: 'config', hash }),
      oneCall(house.recorder),
    ]);
    await house.close();
    expect(second).toBe(first + 1);
    expect((await verifyJournals(house.folder, house.ledger.size)).problems).toEqual([]);
  });

  it('counts the leaves of a run without a gap', async () => {
    const house = await openHouse({ workers: 2 });
    await Promise.all(house.recorders.map((recorder) => oneCall(recorder)));
    await settled(house);
    const leaves = await leavesOf(house);
    expect(leaves.map(({ iseq }) => iseq)).toEqual(leaves.map((_, index) => index));
    await house.close();
  });
});

describe('a second run', () => {
  it('goes on in the same ledger and index', async () => {
    const folder = newFolder();
    const first = await openHouse({ folder });
    const one = await oneCall(first.recorder);
    await first.close();
    const second = await openHouse({ folder });
    const two = await oneCall(second.recorder);
    await settled(second);
    expect((await second.rows()).map(({ id }) => id)).toEqual([one, two]);
    await second.close();
    expect(await verifyJournals(folder, second.ledger.size)).toMatchObject({ problems: [], open: 0, sessions: 2 });
  });
});
