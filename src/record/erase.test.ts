import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type DeskHouse, openDeskHouse } from '../../test/record/desk.ts';
import {
  completed,
  newFolder,
  oneCall,
  opening,
  openHouse,
  recordingKey,
  signer,
  verifyJournals,
} from '../../test/record/house.ts';
import { readDirectory } from '../ledger/directory.ts';
import { decodeLeaf, type Leaf } from '../ledger/leaf.ts';
import { type LogReport, verifyLog } from '../ledger/verify.ts';
import { openLog } from '../ledger/log.ts';
import { findErased } from '../store/list-sessions.ts';
import type { SessionRow } from '../store/sessions.ts';
import { openDeeds } from './deed.ts';
import { writeIntent } from './erase-intent.ts';
import { pageWithout, readPage } from './key-page-file.ts';
import { readLeaves } from './ledger-leaves.ts';
import { readPlaces } from './places.ts';
import { readSession } from './read-session.ts';
import { reindex } from './reindex.ts';
import { offsetOf } from './watermarks.ts';

const WHO = 'root';

/** Resolves to a folder with so many calls of a run that is over, and their ids. */
const recorded = async (count: number): Promise<{ readonly folder: string; readonly ids: readonly string[] }> => {
  const house = await openHouse();
  const ids: string[] = [];
  for (let n = 0; n < count; n++) ids.push(await oneCall(house.recorder, { at: Date.now() + n }));
  await house.close();
  return { folder: house.folder, ids };
};

const report = (folder: string): Promise<LogReport> =>
  verifyLog(readDirectory(join(folder, 'ledger')), { keys: [signer.verifier] });

const problems = async (folder: string): Promise<readonly string[]> => {
  const ledger = await report(folder);
  const journals = await verifyJournals(folder, ledger.size);
  return [...ledger.problems.map(({ message }) => message), ...journals.problems.map(({ found }) => found)];
};

const leavesOf = async (folder: string): Promise<readonly Leaf[]> => {
  const leaves: Leaf[] = [];
  for await (const bytes of readLeaves(folder, 0, (await report(folder)).size)) {
    const read = decodeLeaf(bytes);
    if (read.kind === 'known') leaves.push(read.leaf);
  }
  return leaves;
};

const read = (house: DeskHouse, row: SessionRow) =>
  readSession(row, { folder: house.folder, pageKeys: house.pageKeys, ledgerSize: house.ledger.head.size });

const rowOf = (rows: readonly SessionRow[], id: string | undefined): SessionRow => {
  const row = rows.find((each) => each.id === id);
  if (row === undefined) throw new Error('expected a row');
  return row;
};

describe('erasing a session', () => {
  it('destroys its key, leaves every other one, and still verifies', async () => {
    const { folder, ids } = await recorded(3);
    const house = await openDeskHouse({ folder });
    const rows = await house.rows();
    const doomed = rowOf(rows, ids[1]);
    expect(await house.desk.run({ kind: 'erase', sid: doomed.id, who: WHO, why: 'asked for' })).toMatchObject({
      kind: 'done',
    });
    expect((await house.rows()).map(({ id }) => id)).toEqual([ids[0], ids[2]]);
    await expect(read(house, doomed)).rejects.toThrow();
    for (const id of [ids[0], ids[2]]) expect((await read(house, rowOf(rows, id))).ending?.reason).toBe('completed');
    await house.close();
    expect(await problems(folder)).toEqual([]);
    expect(await verifyJournals(folder, (await report(folder)).size)).toMatchObject({ erased: 1, removed: 0 });
    const leaf = (await leavesOf(folder)).find(({ type }) => type === 'content.erased');
    expect(leaf).toMatchObject({ sids: [ids[1]], rule: 'on request' });
    if (leaf?.type !== 'content.erased') throw new Error('expected an erasure');
    expect(openDeeds(recordingKey).name('content.erased', leaf.who)).toBe(WHO);
  });

  it('stays erased in an index that is made anew, which says when and why', async () => {
    const { folder, ids } = await recorded(3);
    const house = await openDeskHouse({ folder });
    await house.desk.run({ kind: 'erase', sid: ids[0]!, who: WHO, why: '' });
    await house.close();
    const ledger = await openLog({ dir: folder, signer });
    const found: string[] = [];
    const options = { folder, pageKeys: house.pageKeys, ledger, progress: () => {} };
    expect(await reindex({ ...options, problem: (message) => found.push(message) })).toBe(2);
    expect(found).toEqual([]);
    await ledger.close();
    const again = await openHouse({ folder });
    expect((await again.rows()).map(({ id }) => id)).toEqual(ids.slice(1));
    expect(await findErased(again.index.db, ids[0]!)).toMatchObject([{ rule: 'on request' }]);
    await again.close();
  });

  it('of one page twice at once loses neither of them', async () => {
    const { folder, ids } = await recorded(4);
    const house = await openDeskHouse({ folder });
    const rows = await house.rows();
    await Promise.all(ids.slice(0, 3).map((sid) => house.desk.run({ kind: 'erase', sid, who: WHO, why: '' })));
    for (const id of ids.slice(0, 3)) await expect(read(house, rowOf(rows, id))).rejects.toThrow();
    expect((await read(house, rowOf(rows, ids[3]))).seal.kind).toBe('sealed');
    await house.close();
    expect(await problems(folder)).toEqual([]);
  });

  it('waits for the end of the journal that its key stands in', async () => {
    const house = await openDeskHouse();
    const id = await oneCall(house.recorder);
    await expect.poll(async () => (await house.rows())[0]?.reason).toBe('completed');
    expect(await house.desk.run({ kind: 'erase', sid: id, who: WHO, why: '' })).toEqual({
      kind: 'later',
      why: 'its journal is still written',
    });
    house.recording.rotate();
    await expect
      .poll(async () => {
        await house.desk.wished();
        return house.rows();
      })
      .toEqual([]);
    const next = await oneCall(house.recorder);
    await house.close();
    expect(readdirSync(join(house.folder, 'journal'))).toHaveLength(2);
    expect(await problems(house.folder)).toEqual([]);
    const again = await openHouse({ folder: house.folder });
    expect((await again.rows()).map((row) => row.id)).toEqual([next]);
    await again.close();
  });

  it('is finished by the next start when the gateway died behind the leaf, and forgotten before it', async () => {
    const { folder, ids } = await recorded(2);
    const house = await openDeskHouse({ folder });
    const rows = await house.rows();
    const row = rowOf(rows, ids[0]);
    const offset = offsetOf(readPlaces(row.places)[0] ?? 0);
    const file = readdirSync(join(folder, 'journal')).find((name) => name.startsWith(row.stream)) ?? '';
    const [instance = '', worker] = row.stream.split('-w');
    const place = { folder, stream: { instance, worker: Number(worker) }, file, offset };
    const stored = await readPage(place);
    const next = pageWithout(stored, [1]);
    const frame = next.bytes.toString('base64');
    const from = house.ledger.size;
    await writeIntent(folder, { kind: 'page', file, offset, next: next.ct, frame, from });
    const who = openDeeds(recordingKey).who('content.erased', WHO);
    const sids = [row.id];
    await house.recording.append({ type: 'content.erased', sids, rule: 'r', who, page: stored.ct, next: next.ct });
    const other = pageWithout(stored, [2]);
    await writeIntent(folder, {
      kind: 'page',
      file,
      offset: offset + 1,
      next: other.ct,
      frame: other.bytes.toString('base64'),
      from,
    });
    await house.close();
    expect(await problems(folder)).toEqual([
      expect.stringMatching(/^holds keys that leaf \d+ says were destroyed; when the gateway died there/),
    ]);
    const again = await openDeskHouse({ folder });
    await expect(read(again, row)).rejects.toThrow();
    expect((await again.rows()).map(({ id }) => id)).toEqual([ids[1]]);
    expect((await read(again, rowOf(rows, ids[1]))).seal.kind).toBe('sealed');
    await again.close();
    expect(await problems(folder)).toEqual([]);
    expect(readdirSync(join(folder, 'erasing'))).toEqual(['aside']);
  });

  it('promise 7: is found when its keys are put back from a copy', async () => {
    const { folder, ids } = await recorded(2);
    const backup = newFolder();
    cpSync(join(folder, 'journal'), backup, { recursive: true });
    const house = await openDeskHouse({ folder });
    await house.desk.run({ kind: 'erase', sid: ids[0]!, who: WHO, why: '' });
    await house.close();
    for (const name of readdirSync(backup)) cpSync(join(backup, name), join(folder, 'journal', name));
    expect((await problems(folder)).join()).toMatch(/holds keys that leaf \d+ says were destroyed/);
  });

  it('promise 7: is found when a page of keys was replaced and no leaf says so', async () => {
    const { folder, ids } = await recorded(2);
    const house = await openDeskHouse({ folder });
    const row = rowOf(await house.rows(), ids[0]);
    await house.close();
    const offset = offsetOf(readPlaces(row.places)[0] ?? 0);
    const file = readdirSync(join(folder, 'journal')).find((name) => name.startsWith(row.stream)) ?? '';
    const [instance = '', worker] = row.stream.split('-w');
    const stored = await readPage({ folder, stream: { instance, worker: Number(worker) }, file, offset });
    const bytes = readFileSync(join(folder, 'journal', file));
    pageWithout(stored, [1]).bytes.copy(bytes, offset);
    writeFileSync(join(folder, 'journal', file), bytes);
    expect(await problems(folder)).toEqual(
      expect.arrayContaining(['no leaf commits to it', expect.stringMatching(/^is not what leaf \d+ closed$/)]),
    );
  });
});

describe('a hold', () => {
  it('keeps a session from being erased until it is released', async () => {
    const { folder, ids } = await recorded(1);
    const house = await openDeskHouse({ folder });
    const about = { sid: ids[0]!, who: WHO, why: 'case 7' };
    expect(await house.desk.run({ kind: 'release', ...about })).toEqual({ kind: 'refused', why: 'it is not held' });
    expect(await house.desk.run({ kind: 'hold', ...about })).toMatchObject({ kind: 'done' });
    expect(house.desk.holds.held()).toMatchObject([about]);
    expect(await house.desk.run({ kind: 'erase', ...about })).toEqual({ kind: 'refused', why: 'it is held' });
    expect(await house.desk.run({ kind: 'release', ...about })).toMatchObject({ kind: 'done' });
    expect(await house.desk.run({ kind: 'erase', ...about })).toMatchObject({ kind: 'done' });
    await house.close();
    expect(await problems(folder)).toEqual([]);
    const text = JSON.stringify(await leavesOf(folder));
    expect(text).not.toContain('case 7');
    expect(text).not.toContain('"root"');
  });

  it('promise 7: convicts whoever erases against it', async () => {
    const { folder, ids } = await recorded(1);
    const house = await openDeskHouse({ folder });
    await house.desk.run({ kind: 'hold', sid: ids[0]!, who: WHO, why: '' });
    house.desk.holds.release(ids[0]!);
    await house.desk.run({ kind: 'erase', sid: ids[0]!, who: WHO, why: '' });
    await house.close();
    expect(await problems(folder)).toEqual([expect.stringMatching(/^is erased at leaf \d+ though leaf \d+ holds it$/)]);
  });
});

const DAY = 86_400_000;

describe('retention', () => {
  it('erases by the first rule that a session meets, and says by which', async () => {
    const house = await openDeskHouse();
    const call = async (service: string, other: object = {}) => {
      const { request } = opening();
      return oneCall(house.recorder, { request: { ...request, service }, ...other });
    };
    const ada = opening().caller!;
    const ids = {
      short: await call('short'),
      staff: await call('llm', { caller: { ...ada, groups: ['staff'] } }),
      // the usual call has e-mail addresses in its request and a phone number in its answer
      found: await call('llm'),
      usual: await call('other', { facts: { ...opening().facts, findings: {} } }),
    };
    await house.close();
    const rules = [
      { name: 'short', services: ['short'], groups: [], findings: [], keep: DAY },
      { name: 'staff', services: [], groups: ['staff'], findings: [], keep: 400 * DAY },
      { name: 'found', services: ['llm'], groups: [], findings: ['phone', 'iban'], keep: 7 * DAY },
    ];
    const again = await openDeskHouse({ folder: house.folder });
    const left = async (days: number) => {
      await again.retention({ rules, keep: 90 * DAY }, days * DAY).pass();
      const kept = new Set((await again.rows()).map(({ id }) => id));
      return Object.entries(ids).flatMap(([name, id]) => (kept.has(id) ? [name] : []));
    };
    expect(await left(0.5)).toEqual(['short', 'staff', 'found', 'usual']);
    expect(await left(2)).toEqual(['staff', 'found', 'usual']);
    expect(await left(8)).toEqual(['staff', 'usual']);
    expect(await left(91)).toEqual(['staff']);
    expect(await left(401)).toEqual([]);
    await again.close();
    expect(await problems(house.folder)).toEqual([]);
    const erased = (await leavesOf(house.folder)).flatMap((leaf) =>
      leaf.type === 'content.erased' ? [[leaf.rule, ...leaf.sids]] : [],
    );
    expect(erased).toEqual([
      ['short', ids.short],
      ['found', ids.found],
      ['recording.keep', ids.usual],
      ['staff', ids.staff],
    ]);
  });

  it('removes a journal once all in it is erased, and all that is left verifies', async () => {
    const { folder } = await recorded(300);
    const house = await openDeskHouse({ folder });
    const kept = await oneCall(house.recorder, { at: Date.now() + 365 * DAY });
    await house.close();
    const again = await openDeskHouse({ folder });
    await again.retention({ rules: [], keep: DAY }, 2 * DAY).pass();
    expect((await again.rows()).map(({ id }) => id)).toEqual([kept]);
    expect(again.desk.eraser.totals).toEqual({ sessions: 300, journals: 1 });
    await again.close();
    expect(await problems(folder)).toEqual([]);
    expect(await verifyJournals(folder, (await report(folder)).size)).toMatchObject({ erased: 300, removed: 1 });
    const ledger = await openLog({ dir: folder, signer });
    const found: string[] = [];
    const options = {
      folder,
      pageKeys: house.pageKeys,
      ledger,
      progress: () => {},
      problem: (text: string) => found.push(text),
    };
    expect([await reindex(options), found]).toEqual([1, []]);
    await ledger.close();
  });

  it('keeps what is held, and the journal that it stands in', async () => {
    const { folder, ids } = await recorded(3);
    const house = await openDeskHouse({ folder });
    await house.desk.run({ kind: 'hold', sid: ids[1]!, who: WHO, why: '' });
    const retention = house.retention({ rules: [], keep: DAY }, 2 * DAY);
    await retention.pass();
    const rows = await house.rows();
    expect(rows.map(({ id }) => id)).toEqual([ids[1]]);
    expect(house.desk.eraser.totals).toEqual({ sessions: 2, journals: 0 });
    expect((await read(house, rows[0]!)).ending?.reason).toBe('completed');
    await house.desk.run({ kind: 'release', sid: ids[1]!, who: WHO, why: '' });
    await retention.pass();
    expect(house.desk.eraser.totals).toEqual({ sessions: 3, journals: 1 });
    await house.close();
    expect(await problems(folder)).toEqual([]);
  });

  it('removes no journal that the index merely does not know', async () => {
    const { folder, ids } = await recorded(2);
    const house = await openDeskHouse({ folder });
    house.index.raw.exec('DELETE FROM session');
    await house.retention({ rules: [], keep: DAY }, 2 * DAY).pass();
    expect(house.desk.eraser.totals).toEqual({ sessions: 0, journals: 0 });
    await house.close();
    expect(await problems(folder)).toEqual([]);
    expect(ids).toHaveLength(2);
  });

  it('has a journal closed that is still written, and erases what was due in it', async () => {
    const house = await openDeskHouse();
    await oneCall(house.recorder);
    const open = house.recorder.open(opening({ at: Date.now() + 1 }));
    await expect
      .poll(async () => (await house.rows()).map(({ reason }) => reason), { timeout: 20_000 })
      .toEqual(['completed', '']);
    const retention = house.retention({ rules: [], keep: DAY }, 2 * DAY);
    await expect
      .poll(
        async () => {
          await retention.pass();
          return (await house.rows()).map(({ id }) => id);
        },
        { timeout: 20_000 },
      )
      .toEqual([open.id]);
    open.bytes(Buffer.from('more'));
    open.close(completed);
    await house.close();
    expect(await problems(house.folder)).toEqual([]);
    const again = await openHouse({ folder: house.folder });
    expect((await again.rows()).map(({ id, reason }) => [id, reason])).toEqual([[open.id, 'completed']]);
    await again.close();
  });
});
