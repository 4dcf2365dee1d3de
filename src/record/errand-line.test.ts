import { mkdirSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { openErrandLine, sendErrand } from './errand-line.ts';
import type { Errand } from './errand.ts';

const SID = '01m8b3k8y6wz2y0v9a8x7t6s5r';
const READ: Errand = { kind: 'read', sid: SID, how: 'show', who: 'root' };

const newFolder = (name: string): string => {
  const folder = join(mkdtempSync(join(tmpdir(), 'sallyport-line-')), name);
  mkdirSync(folder);
  return folder;
};

const open = async (folder: string, run: (errand: Errand) => Promise<number>): Promise<void> => {
  const line = await openErrandLine(folder, async (errand) => ({ kind: 'done', leaf: await run(errand) }));
  onTestFinished(() => line.close());
};

it.each(['data', 'a'.repeat(200)])('carries an errand and what came of it, in a folder called %s', async (name) => {
  const folder = newFolder(name);
  const errands: Errand[] = [];
  await open(folder, (errand) => Promise.resolve(errands.push(errand)));
  expect(await sendErrand(folder, READ)).toEqual({ kind: 'done', leaf: 1 });
  expect(errands).toEqual([READ]);
});

it('may be opened by its owner alone', async () => {
  const folder = newFolder('data');
  await open(folder, () => Promise.resolve(1));
  expect(statSync(join(folder, 'errands.sock')).mode & 0o777).toBe(0o600);
});

it('says so when nobody listens, also behind a socket that a crash left', async () => {
  const folder = newFolder('data');
  expect(await sendErrand(folder, READ)).toBeNull();
  const left = await openErrandLine(folder, () => Promise.reject(new Error('gone')));
  await left.close();
  expect(await sendErrand(folder, READ)).toBeNull();
  writeFileSync(join(folder, 'errands.sock'), '');
  await open(folder, () => Promise.resolve(7));
  expect(await sendErrand(folder, READ)).toEqual({ kind: 'done', leaf: 7 });
});

it('refuses what it cannot do, and says why', async () => {
  const folder = newFolder('data');
  await open(folder, () => Promise.reject(new Error('the disk is full')));
  expect(await sendErrand(folder, READ)).toEqual({ kind: 'refused', why: 'the disk is full' });
});

it.each(['nonsense\n', '{}\n', '{"kind":"read","sid":"../x","how":"show","who":""}\n'])(
  'does nothing for %j',
  async (line) => {
    const folder = newFolder('data');
    await open(folder, () => Promise.reject(new Error('must not be asked')));
    const socket = connect(join(folder, 'errands.sock'));
    socket.write(line);
    const answer = await text(socket);
    expect(answer).toMatch(/^\{"kind":"refused"/);
    expect(answer).not.toContain('must not be asked');
  },
);
