import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import {
  allRows,
  completed,
  durable,
  newFolder,
  oneCall,
  opening,
  openHouse,
  verifyJournals,
  written,
} from '../../test/record/house.ts';
import { systemClock } from '../clock.ts';
import { journalFile, journalFolder, journalHead, listJournals } from './journal-name.ts';
import { createLink, type LinkEnd, type ToWorker } from './messages.ts';
import { recordingKeyOf } from './page-keys.ts';
import { bodyOf, readSession } from './read-session.ts';
import { createRecorder, type Recorder } from './recorder.ts';
import { Watermarks } from './watermarks.ts';

const MIB = 1024 ** 2;

/** Resolves to a recorder with one journal and nobody at the other end who syncs or seals it. */
async function openAlone(worker: LinkEnd, thread: LinkEnd): Promise<Recorder> {
  const folder = newFolder();
  const name = { instance: worker.instance, worker: 0, n: 0 };
  const path = join(journalFolder(folder), journalFile(name));
  mkdirSync(journalFolder(folder));
  const head = journalHead(name, 0);
  const keys = { page: recordingKeyOf(randomBytes(32)), originals: null };
  writeFileSync(path, head);
  const journal: ToWorker = { kind: 'journal', n: 0, path, offset: head.length, keys };
  thread.port.postMessage(journal);
  return createRecorder({
    link: worker,
    recording: { max_session: 64 * MIB, over: 'refuse' },
    clock: systemClock,
    redact: new Set(),
  });
}

describe('journals', () => {
  it('are left for the next one at 64 MiB; sessions may span them, and have their keys where they opened', async () => {
    const house = await openHouse();
    const long = house.recorder.open(opening());
    long.bytes(Buffer.from('begun in the first file, '));
    house.recorder.flush();
    const body = randomBytes(MIB);
    for (let call = 0; call < 80; call++) {
      const session = house.recorder.open(opening({ body }));
      await written(session);
      session.close(completed);
      if (call % 10 === 0) await durable(session);
    }
    long.bytes(Buffer.from('ended in the second'));
    long.close(completed);
    await oneCall(house.recorder);
    await house.recorder.close();
    await house.recording.close();
    const journals = listJournals(house.folder);
    expect(journals.map(({ n }) => n)).toEqual([0, 1]);
    const report = await verifyJournals(house.folder, house.ledger.size);
    expect(report).toMatchObject({ problems: [], sessions: 82, open: 0, files: 2 });
    const row = (await allRows(house.index)).find(({ id }) => id === long.id);
    if (row === undefined) throw new Error('expected a row');
    const read = await readSession(row, {
      folder: house.folder,
      pageKeys: house.pageKeys,
      ledgerSize: house.ledger.size,
    });
    expect(bodyOf(read, 'd').toString()).toBe('begun in the first file, ended in the second');
    expect(read.seal).toEqual({ kind: 'sealed' });
  });

  it('use a fresh key for each session, over any number of pages of them', async () => {
    const house = await openHouse();
    for (let call = 0; call < 300; call++) {
      house.recorder.open(opening()).close(completed);
      if (call % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await house.close();
    const report = await verifyJournals(house.folder, house.ledger.size);
    // 127 sessions to a page
    expect(report).toMatchObject({ problems: [], sessions: 300, frames: 600 + 3 });
  });
});

describe('who waits for the disk', () => {
  it('hears of it outside of what another is doing, also when it moves while that one asks', async () => {
    const { worker, recorder: thread } = createLink('0123456789abcdef', 0);
    const recorder = await openAlone(worker, thread);
    const marks = new Watermarks(thread.memory);
    const heard: string[] = [];
    recorder.open(opening()).durable(() => heard.push('first'));
    const second = recorder.open(opening());
    recorder.flush();
    // the disk catches up between the look at the watermark and the wish to be told
    const wish = vi.spyOn(Watermarks.prototype, 'awaitDurable').mockImplementationOnce(() => {
      marks.durable = marks.written;
    });
    second.durable(() => heard.push('second'));
    wish.mockRestore();
    expect(heard).toEqual([]);
    await Promise.resolve();
    expect(heard).toEqual(['first', 'second']);
    thread.port.close();
  });
});

describe('a worker whose recorder thread is too far behind', () => {
  it('refuses calls as overloaded, and takes them again when it has caught up', async () => {
    const { worker, recorder: thread } = createLink('0123456789abcdef', 0);
    const recorder = await openAlone(worker, thread);
    const call = (): void => recorder.open(opening({ body: randomBytes(MIB) })).close(completed);
    for (let calls = 0; calls < 64; calls++) call();
    expect(call).toThrow(expect.objectContaining({ reason: 'overloaded' }));
    expect(recorder.failed).toBe(false);

    const marks = new Watermarks(thread.memory);
    recorder.flush();
    marks.durable = marks.written;
    expect(call, 'durable, but not sealed').toThrow(expect.objectContaining({ reason: 'overloaded' }));
    marks.sealed = marks.durable;
    expect(call).not.toThrow();
    thread.port.close();
  });

  it('refuses calls for good when the thread is gone', async () => {
    const house = await openHouse();
    const { worker, recorder: thread } = createLink('0123456789abcdef', 1);
    const opened = createRecorder({
      link: worker,
      recording: { max_session: MIB, over: 'refuse' },
      clock: systemClock,
      redact: new Set(),
    });
    thread.port.close();
    await expect(opened).rejects.toMatchObject({ reason: 'evidence-unavailable' });
    await house.close();
  });
});
