import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { openDeskHouse } from '../../test/record/desk.ts';
import {
  completed,
  durable,
  newFolder,
  oneCall,
  opening,
  openHouse,
  recordingKey,
  verifyJournals,
} from '../../test/record/house.ts';
import { allRows } from '../../test/record/house.ts';
import { openIndex } from '../store/sqlite.ts';
import type { IndexTables, SessionRow } from '../store/sessions.ts';
import { ageIdentities } from './age.ts';
import { dropLeft } from './key-change.ts';
import { keyFolder } from './key-envelope.ts';
import { KeyRing } from './key-ring.ts';
import { journalFolder, MAX_HEAD } from './journal-name.ts';
import type { PageOpener } from './page-keys.ts';
import { bodyOf, readSession } from './read-session.ts';

const NOBODY = { recipients: [], originals: [] } as const;
let identity: string;
let recipient: string;

beforeAll(async () => {
  identity = await generateIdentity();
  recipient = await identityToRecipient(identity);
});

async function rowsIn(folder: string): Promise<readonly SessionRow[]> {
  const index = openIndex<IndexTables>(folder);
  const rows = await allRows(index);
  await index.close();
  return rows;
}

/** What of each session can be read with these keys. */
async function readAll(folder: string, pageKeys: PageOpener): Promise<readonly string[]> {
  return Promise.all(
    (await rowsIn(folder)).map(async (row) => {
      try {
        return bodyOf(await readSession(row, { folder, pageKeys, ledgerSize: 0 }), 'q').toString();
      } catch (error) {
        return error instanceof Error ? error.name : '';
      }
    }),
  );
}

/** Resolves when a page of keys is in the journal with this number: the worker has gone over to it. */
const pageIn = (folder: string, n: number): Promise<void> =>
  vi.waitFor(() => {
    const file = readdirSync(journalFolder(folder)).find((each) => each.endsWith(`-${n}.spj`)) ?? 'none yet';
    expect(statSync(join(journalFolder(folder), file)).size).toBeGreaterThan(MAX_HEAD);
  });

const files = (folder: string): readonly string[] => readdirSync(keyFolder(folder)).filter((file) => file !== 'aside');

describe('a recording key', () => {
  it('is replaced at once, with a leaf, and what was under the one before stays readable while that is kept', async () => {
    const house = await openDeskHouse();
    const { folder, desk, recorder } = house;
    const long = recorder.open(opening({ body: Buffer.from('began before') }));
    await oneCall(recorder, { body: Buffer.from('before') });
    expect(await desk.run({ kind: 'rotate', who: 'ada' })).toMatchObject({ kind: 'done' });
    await pageIn(folder, 1);
    await oneCall(recorder, { body: Buffer.from('after') });
    expect(house.recording.keysInUse.size).toBe(2);
    long.close(completed);
    await durable(long);
    await house.close();
    const report = await verifyJournals(folder, house.ledger.head.size);
    expect(report.problems).toEqual([]);

    const ring = await KeyRing.open(folder, recordingKey);
    const [first, second] = ring.list();
    expect([first?.readable, second?.readable]).toEqual([true, true]);
    expect(new Set(await readAll(folder, ring))).toEqual(new Set(['began before', 'before', 'after']));
    rmSync(join(keyFolder(folder), `recording-${first?.id}.json`));
    const left = await readAll(folder, await KeyRing.open(folder, recordingKey));
    expect(left.toSorted()).toEqual(['MissingKey', 'MissingKey', 'after']);
    const missing = await verifyJournals(folder, house.ledger.head.size);
    expect(missing.problems).toMatchObject([
      { file: `recording-${first?.id}.json`, found: expect.stringContaining('is missing') },
    ]);
  });

  it('is replaced even when the gateway stops in the same moment, and no journal stays without a leaf', async () => {
    const house = await openDeskHouse();
    await oneCall(house.recorder);
    await house.desk.run({ kind: 'rotate', who: 'ada' });
    house.recording.rotate();
    await house.close();
    expect((await verifyJournals(house.folder, house.ledger.head.size)).problems).toEqual([]);
  });

  it('is taken up by the next run, so that a start makes no new one', async () => {
    const house = await openHouse();
    await house.close();
    await (await openHouse({ folder: house.folder })).close();
    expect(files(house.folder)).toHaveLength(1);
  });

  it('is found when its file was changed', async () => {
    const house = await openHouse();
    await oneCall(house.recorder);
    await house.close();
    const [file = ''] = files(house.folder);
    const path = join(keyFolder(house.folder), file);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"made": 1', '"made": 2'));
    const { problems } = await verifyJournals(house.folder, house.ledger.head.size);
    expect(problems).toMatchObject([{ file, found: expect.stringContaining('commits to') }]);
  });

  it('does not open under another key of the config', async () => {
    const house = await openHouse();
    await house.close();
    await expect(KeyRing.open(house.folder, randomBytes(32))).rejects.toThrow('sealed under another key');
  });
});

describe('recording keys for recipients', () => {
  /** Closes a house as the recorder thread does. */
  const closeAll = async (house: Awaited<ReturnType<typeof openHouse>>): Promise<void> => {
    await Promise.all(house.recorders.map((each) => each.close()));
    const { kept } = house.pageKeys;
    await house.recording.close(kept.map((key) => ({ type: 'recording.key.dropped', key })));
    for (const key of kept) await house.pageKeys.drop(key);
    await house.ledger.close();
    await house.index.close();
  };

  it('leave nothing on a gateway that opens what is over: its whole disk and its key read none of it', async () => {
    const house = await openHouse({ policy: { recipients: [recipient], originals: [] } });
    await oneCall(house.recorder, { body: Buffer.from('secret') });
    await closeAll(house);
    expect(files(house.folder).map((file) => file.split('.').at(-1))).toEqual(['json']);
    expect(await readAll(house.folder, await KeyRing.open(house.folder, recordingKey))).toEqual(['MissingKey']);
    const ring = await KeyRing.open(house.folder, recordingKey, ageIdentities(`# mine\n${identity}\n`));
    expect(await readAll(house.folder, ring)).toEqual(['secret']);
    const others = ageIdentities(await generateIdentity());
    expect(await readAll(house.folder, await KeyRing.open(house.folder, recordingKey, others))).toEqual(['MissingKey']);
    expect((await verifyJournals(house.folder, house.ledger.head.size)).problems).toEqual([]);
  });

  it('let a start seal what a crash left, and are gone from the disk after it', async () => {
    const policy = { recipients: [recipient], originals: [] };
    const house = await openHouse({ policy });
    const cut = house.recorder.open(opening({ body: Buffer.from('cut off') }));
    await durable(cut);
    const folder = newFolder();
    cpSync(house.folder, folder, { recursive: true });
    await house.close();
    const next = await openHouse({ folder, policy });
    const { pageKeys, recording } = next;
    expect(pageKeys.leaving).toHaveLength(1);
    const append = recording.append.bind(recording);
    await dropLeft(
      { ring: pageKeys, append },
      () => recording.keysInUse,
      () => recording.settle(),
    );
    expect(pageKeys.leaving).toEqual([]);
    await closeAll(next);
    expect(await rowsIn(folder)).toMatchObject([{ id: cut.id, reason: 'interrupted' }]);
    expect((await verifyJournals(folder, next.ledger.head.size)).problems).toEqual([]);
    expect(files(folder).some((file) => file.endsWith('.live'))).toBe(false);
  });

  it('stay while a call that began under them is open, and go when it has ended', async () => {
    const policy = { recipients: [recipient], originals: [] };
    const house = await openDeskHouse({ policy });
    const { recorder, recording, pageKeys, desk } = house;
    const drop = (): Promise<void> =>
      dropLeft(
        { ring: pageKeys, append: recording.append.bind(recording) },
        () => recording.keysInUse,
        () => recording.settle(),
      );
    const long = recorder.open(opening());
    await durable(long);
    await desk.run({ kind: 'rotate', who: 'ada' });
    await pageIn(house.folder, 1);
    await drop();
    expect(pageKeys.leaving).toHaveLength(1);
    long.close(completed);
    await vi.waitFor(async () => {
      await drop();
      expect(pageKeys.leaving).toEqual([]);
    });
    await house.close();
    expect((await verifyJournals(house.folder, house.ledger.head.size)).problems).toEqual([]);
  });

  it('do not keep a gateway that cannot read from erasing', async () => {
    const policy = { recipients: [recipient], originals: [] };
    const first = await openHouse({ policy });
    const id = await oneCall(first.recorder, { body: Buffer.from('erase me') });
    await oneCall(first.recorder, { body: Buffer.from('keep me') });
    await closeAll(first);
    const { folder } = first;
    const copy = newFolder();
    const house = await openDeskHouse({ folder, policy });
    expect(await house.desk.run({ kind: 'erase', sid: id, who: 'ada', why: '' })).toMatchObject({ kind: 'done' });
    await house.close();
    cpSync(folder, copy, { recursive: true });
    expect((await verifyJournals(folder, house.ledger.head.size)).problems).toEqual([]);
    const ring = await KeyRing.open(copy, recordingKey, ageIdentities(identity));
    expect(await readAll(copy, ring)).toEqual(['keep me']);
    expect(existsSync(join(folder, 'erasing', 'aside', 'file'))).toBe(false);
  });

  it('refuse a recipient that is none', async () => {
    await expect(openHouse({ policy: { ...NOBODY, recipients: [`age1${'q'.repeat(58)}`] } })).rejects.toThrow('');
  });
});
