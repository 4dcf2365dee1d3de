import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { migrate } from './migrate.ts';
import { openIndex, openState, readIndex } from './sqlite.ts';
import { tendIndex } from './tend-index.ts';

interface Tables {
  pet: { name: string; age: number };
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-store-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const PET = 'CREATE TABLE pet (name TEXT PRIMARY KEY, age INTEGER NOT NULL) STRICT';

describe('state.db', () => {
  it('is opened in WAL mode with synchronous=FULL, the second time too', async () => {
    for (let round = 0; round < 2; round++) {
      const store = openState<Tables>(folder);
      expect(store.raw.prepare('PRAGMA journal_mode').get()).toMatchObject({ journal_mode: 'wal' });
      expect(store.raw.prepare('PRAGMA synchronous').get()).toMatchObject({ synchronous: 2 });
      await store.close();
    }
  });

  it('answers kysely queries, with the rows that an insert touched', async () => {
    const store = openState<Tables>(folder);
    migrate(store.raw, 'pets', [PET]);
    const inserted = await store.db.insertInto('pet').values({ name: 'ada', age: 3 }).executeTakeFirst();
    expect(inserted.numInsertedOrUpdatedRows).toBe(1n);
    await store.db.updateTable('pet').set({ age: 4 }).where('name', '=', 'ada').execute();
    expect(await store.db.selectFrom('pet').selectAll().execute()).toEqual([{ name: 'ada', age: 4 }]);
    const removed = await store.db.deleteFrom('pet').returning('name').execute();
    expect(removed).toEqual([{ name: 'ada' }]);
    await store.close();
  });

  it('rolls a failed transaction back and lets others wait for it', async () => {
    const store = openState<Tables>(folder);
    migrate(store.raw, 'pets', [PET]);
    const failing = store.db.transaction().execute(async (trx) => {
      await trx.insertInto('pet').values({ name: 'ada', age: 3 }).execute();
      await new Promise((done) => setTimeout(done, 20));
      throw new Error('changed my mind');
    });
    const beside = store.db.insertInto('pet').values({ name: 'bo', age: 1 }).execute();
    await expect(failing).rejects.toThrow('changed my mind');
    await beside;
    expect(await store.db.selectFrom('pet').select('name').execute()).toEqual([{ name: 'bo' }]);
    await store.close();
  });

  it('refuses a value that SQLite cannot hold', async () => {
    const store = openState<{ pet: { name: unknown; age: number } }>(folder);
    migrate(store.raw, 'pets', [PET]);
    await expect(store.db.insertInto('pet').values({ name: true, age: 3 }).execute()).rejects.toThrow(/found boolean/);
    await store.close();
  });

  it('closes once, however often it is asked', async () => {
    const store = openState<Tables>(folder);
    await store.close();
    await expect(store.close()).resolves.toBeUndefined();
  });
});

describe('index.db', () => {
  it('is read beside its writer, and never written by a reader', async () => {
    expect(readIndex(folder)).toBeNull();
    const writer = openIndex<Tables>(folder);
    migrate(writer.raw, 'pets', [PET]);
    await writer.db.insertInto('pet').values({ name: 'ada', age: 3 }).execute();
    const reader = readIndex<Tables>(folder);
    if (reader === null) throw new Error('expected an index');
    expect(await reader.db.selectFrom('pet').select('name').execute()).toEqual([{ name: 'ada' }]);
    await expect(reader.db.deleteFrom('pet').execute()).rejects.toThrow(/readonly/);
    await reader.close();
    await writer.close();
  });
});

describe('tending the index', () => {
  it('moves its write-ahead log beside the writer, which goes on', async () => {
    const tender = tendIndex(folder);
    const writer = openIndex<Tables>(folder);
    migrate(writer.raw, 'pets', [PET]);
    const insert = writer.raw.prepare('INSERT INTO pet VALUES (?, 1)');
    for (let pet = 0; pet < 2_000; pet++) insert.run(`pet ${pet}`);
    const before = statSync(join(folder, 'index.db')).size;
    await vi.waitFor(() => expect(statSync(join(folder, 'index.db')).size).toBeGreaterThan(before), { timeout: 5_000 });
    insert.run('one more');
    tender.close();
    tender.close();
    expect(
      await writer.db
        .selectFrom('pet')
        .select((pet) => pet.fn.countAll().as('n'))
        .execute(),
    ).toEqual([{ n: 2_001 }]);
    await writer.close();
  });
});

describe('migrate', () => {
  it('applies each step once and only the new ones later', async () => {
    const store = openState<Tables>(folder);
    migrate(store.raw, 'pets', [PET]);
    migrate(store.raw, 'pets', [PET, 'ALTER TABLE pet ADD COLUMN legs INTEGER']);
    migrate(store.raw, 'pets', [PET, 'ALTER TABLE pet ADD COLUMN legs INTEGER']);
    expect(store.raw.prepare('SELECT count(*) AS n FROM pragma_table_info(?)').get('pet')).toMatchObject({ n: 3 });
    await store.close();
  });

  it('leaves nothing behind when a step fails', async () => {
    const store = openState<Tables>(folder);
    expect(() => migrate(store.raw, 'pets', [PET, 'nonsense'])).toThrow(/syntax/);
    migrate(store.raw, 'pets', [PET]);
    await store.close();
  });

  it('refuses tables of a newer version', async () => {
    const store = openState<Tables>(folder);
    migrate(store.raw, 'pets', [PET, 'SELECT 1']);
    expect(() => migrate(store.raw, 'pets', [PET])).toThrow(/newer version/);
    await store.close();
  });
});
