import { appendFileSync, cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import {
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
import type { IndexTables, SessionRow } from '../store/sessions.ts';
import { openIndex } from '../store/sqlite.ts';
import { journalFolder } from './journal-name.ts';

/** Returns what a kill at this moment leaves: a copy of the files, taken between two turns of the event loop. */
const afterKill = (house: House): string => {
  const folder = newFolder();
  cpSync(house.folder, folder, { recursive: true });
  return folder;
};

const restart = async (folder: string): Promise<House> => {
  const house = await openHouse({ folder });
  await house.close();
  return house;
};

const verified = async (house: House): Promise<void> => {
  const report = await verifyJournals(house.folder, house.ledger.size);
  expect(report).toMatchObject({ problems: [], open: 0, unsealed: 0 });
  expect(house.log.lines.join()).not.toContain('not what it should be');
};

const rowsOf = async (folder: string): Promise<readonly SessionRow[]> => {
  const index = openIndex<IndexTables>(folder);
  const rows = await allRows(index);
  await index.close();
  return rows;
};

const journals = (folder: string): readonly string[] =>
  readdirSync(journalFolder(folder)).map((file) => join(journalFolder(folder), file));

describe('after a kill', () => {
  it('sessions that had ended are sealed, those under way are recovered as interrupted', async () => {
    const house = await openHouse();
    const done = await oneCall(house.recorder);
    const open = house.recorder.open(opening());
    open.bytes(Buffer.from('half an ans'));
    house.recorder.flush();
    const folder = afterKill(house);
    const second = await restart(folder);
    expect(await rowsOf(folder)).toMatchObject([
      { id: done, reason: 'completed', ended: 'ok' },
      { id: open.id, reason: 'interrupted', ended: 'truncated' },
    ]);
    expect(second.log.lines).toEqual(['sealed what an earlier run left unsealed']);
    await verified(second);
    await house.close();
  });

  it('nothing is sealed twice, whatever was sealed when the kill came', async () => {
    const house = await openHouse({ checkpointEvery: 5 });
    const calls = Promise.all(Array.from({ length: 60 }, () => oneCall(house.recorder)));
    const folders: string[] = [];
    for (let kill = 0; kill < 12; kill++) {
      await new Promise((done) => setTimeout(done, kill % 3));
      folders.push(afterKill(house));
    }
    await calls;
    await house.close();
    for (const folder of folders) await verified(await restart(folder));
  });

  it('a recovery of many workers never has more leaves waiting for a checkpoint than the ledger has room for', async () => {
    const house = await openHouse({ workers: 3, checkpointEvery: 3_600_000 });
    for (const recorder of house.recorders) {
      const calls = Array.from({ length: 40 }, () => recorder.open(opening()));
      await Promise.all(calls.map(durable));
    }
    // the openings are in the ledger: what is left to seal is one leaf for each session
    while (house.recording.totals.leaves < 124) await new Promise((done) => setTimeout(done, 5));
    const folder = afterKill(house);
    await house.close();
    const sizes = async (roomBytes: number): Promise<readonly number[]> => {
      const copy = newFolder();
      cpSync(folder, copy, { recursive: true });
      const again = await openHouse({ folder: copy, roomBytes });
      await again.close();
      await verified(again);
      const history = readFileSync(join(copy, 'ledger', 'checkpoints'), 'utf8');
      return [...history.matchAll(/\n(\d+)\n[A-Za-z0-9+/]{43}=\n/g)].map(([, size]) => Number(size));
    };
    // the first three are the empty log and what the killed run left; then each worker has 40 sessions to recover
    const steps = ([, , ...all]: readonly number[]) => all.slice(1).map((size, i) => size - (all[i] ?? 0));
    expect(Math.max(...steps(await sizes(5_000)))).toBeLessThan(60);
    expect(Math.max(...steps(await sizes(100_000_000)))).toBeGreaterThan(110);
  });

  it('a second kill while it recovers changes nothing', async () => {
    const house = await openHouse();
    for (let call = 0; call < 5; call++) await oneCall(house.recorder);
    const open = house.recorder.open(opening());
    await durable(open);
    const once = afterKill(house);
    await house.close();
    const second = await openHouse({ folder: once });
    const twice = afterKill(second);
    await second.close();
    const third = await restart(twice);
    await verified(third);
    expect((await rowsOf(twice)).map(({ id, reason }) => [id, reason])).toEqual(
      (await rowsOf(once)).map(({ id, reason }) => [id, reason]),
    );
  });

  it('a session that was over, but whose opening nobody needs to read again, is left alone', async () => {
    const house = await openHouse();
    const over = house.recorder.open(opening());
    // the key page of its opening is used up, and nothing else that stands in it goes on
    for (let call = 0; call < 130; call++) house.recorder.open(opening()).close(completed);
    house.recorder.flush();
    over.close(completed);
    const open = house.recorder.open(opening());
    await durable(open);
    await vi.waitFor(() => expect(house.recording.totals).toMatchObject({ undurable: 0, unsealed: 0 }));
    const second = await restart(afterKill(house));
    await verified(second);
    await house.close();
  });

  it('a session that spans many frames is recovered with those that are there', async () => {
    const house = await openHouse();
    const stream = house.recorder.open(opening());
    for (let index = 0; index < 80; index++) {
      stream.bytes(Buffer.from(`piece ${index}`));
      house.recorder.flush();
      if (index === 40) await durable(stream);
    }
    await written(stream);
    await vi.waitFor(() => expect(house.recording.totals).toMatchObject({ undurable: 0, unsealed: 0 }));
    const second = await restart(afterKill(house));
    await verified(second);
    stream.close(completed);
    await house.close();
  });

  it.each([1, 7, 20, 300])('a torn tail of %i bytes stays where it is and is stated', async (torn) => {
    const house = await openHouse();
    await oneCall(house.recorder);
    const session = house.recorder.open(opening());
    await written(session);
    const folder = afterKill(house);
    const [file = ''] = journals(folder);
    // a frame that begins like one and ends too soon
    const whole = readFileSync(file);
    appendFileSync(file, whole.subarray(whole.length - 400).subarray(0, torn));
    const second = await restart(folder);
    expect(await verifyJournals(folder, second.ledger.size)).toMatchObject({ problems: [], torn, open: 0 });
    await house.close();
  });

  it('a hole of zeros in the file, as a power cut can leave it, ends what is believed', async () => {
    const house = await openHouse();
    await oneCall(house.recorder);
    const folder = afterKill(house);
    const [file = ''] = journals(folder);
    appendFileSync(file, Buffer.alloc(5_000));
    const second = await restart(folder);
    expect(await verifyJournals(folder, second.ledger.size)).toMatchObject({ problems: [], torn: 5_000 });
    await house.close();
  });

  it('a journal of which only the name is left is closed with nothing in it', async () => {
    const house = await openHouse();
    const folder = afterKill(house);
    const [file = ''] = journals(folder);
    truncateSync(file, 10);
    const second = await restart(folder);
    expect(second.log.lines.join('\n')).toContain('is no journal');
    expect(await verifyJournals(folder, second.ledger.size)).toMatchObject({ problems: [], torn: 10 });
    await house.close();
  });
});

describe('what does not fit', () => {
  it('keeps the gateway from starting when the ledger is gone and journals are there', async () => {
    const house = await openHouse();
    await oneCall(house.recorder);
    await house.close();
    for (const name of ['ledger', 'ledger-wal']) rmSync(join(house.folder, name), { recursive: true });
    await expect(openHouse({ folder: house.folder })).rejects.toThrow(
      'holds journals, but the ledger beside it is new',
    );
  });

  it('is told when a frame of the dead run was changed, and found by whoever verifies', async () => {
    const house = await openHouse();
    const session = house.recorder.open(opening());
    await durable(session);
    session.close(completed);
    await vi.waitFor(() => expect(house.recording.totals).toMatchObject({ undurable: 0, unsealed: 0 }));
    const folder = afterKill(house);
    const [file = ''] = journals(folder);
    const bytes = readFileSync(file);
    bytes[bytes.length - 3] = (bytes.at(-3) ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const second = await restart(folder);
    const { problems } = await verifyJournals(folder, second.ledger.size);
    expect(problems).toContainEqual(expect.objectContaining({ session: session.id }));
    await house.close();
  });
});

describe('index.db', () => {
  it('is the same again when it was deleted', async () => {
    const folder = newFolder();
    const first = await openHouse({ folder, workers: 2 });
    for (let call = 0; call < 5; call++) await Promise.all(first.recorders.map((recorder) => oneCall(recorder)));
    first.recorder.refused('203.0.113.9', 'no-token');
    first.recorder.open(opening());
    await first.close();
    const killed = await openHouse({ folder });
    await durable(killed.recorder.open(opening()));
    const left = afterKill(killed);
    await killed.close();
    await restart(left);
    const before = await rowsOf(left);
    expect(before).toHaveLength(12);
    for (const name of readdirSync(left).filter((name) => name.startsWith('index.db'))) rmSync(join(left, name));
    await restart(left);
    expect(await rowsOf(left)).toEqual(before);
  });

  it('gets the rows that it lacks when it is older than the ledger', async () => {
    const folder = newFolder();
    const first = await openHouse({ folder });
    await oneCall(first.recorder);
    await first.close();
    const old = newFolder();
    cpSync(folder, old, { recursive: true });
    const second = await openHouse({ folder });
    await oneCall(second.recorder);
    await second.close();
    const rows = await rowsOf(folder);
    expect(rows).toHaveLength(2);
    for (const name of ['index.db', 'index.db-wal', 'index.db-shm']) rmSync(join(folder, name), { force: true });
    cpSync(join(old, 'index.db'), join(folder, 'index.db'));
    await restart(folder);
    expect(await rowsOf(folder)).toEqual(rows);
  });
});
