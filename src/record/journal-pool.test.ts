import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { completed, newFolder, oneCall, openHouse, opening } from '../../test/record/house.ts';
import { decodeLeaf } from '../ledger/leaf.ts';
import { journalFolder } from './journal-name.ts';
import { openJournalPool } from './journal-pool.ts';
import { readLeaves } from './ledger-leaves.ts';
import { JournalCheck, type JournalReport } from './verify.ts';

const WORKERS = 3;
let original: string;
let size = 0;

beforeAll(async () => {
  original = newFolder();
  for (let run = 0; run < 3; run++) {
    const house = await openHouse({ folder: original, workers: WORKERS });
    for (const recorder of house.recorders) {
      await oneCall(recorder);
      const session = recorder.open(opening());
      for (let piece = 0; piece < 5; piece++) session.bytes(Buffer.alloc(30_000, String(piece)));
      session.close(completed);
    }
    await house.close();
    ({ size } = house.ledger);
  }
});

async function checkOf(folder: string): Promise<JournalCheck> {
  const check = new JournalCheck(folder);
  let number = 0;
  for await (const bytes of readLeaves(folder, 0, size)) {
    const read = decodeLeaf(bytes);
    if (read.kind === 'known') check.leaf(number, read.leaf);
    number++;
  }
  return check;
}

/** Resolves to what one thread finds, and what several find. */
async function both(folder: string): Promise<readonly [JournalReport, JournalReport]> {
  const pool = openJournalPool(folder, 2);
  onTestFinished(() => pool.end());
  const seen: string[] = [];
  const many = await (await checkOf(folder)).finishWith(pool.scan, (done, all) => seen.push(`${done}/${all}`));
  expect(seen.at(-1)).toBe(`${many.files}/${many.files}`);
  return [(await checkOf(folder)).finish(), many];
}

const change = (folder: string, at: number, how: (path: string) => void): void => {
  const file = readdirSync(journalFolder(folder)).sort()[at];
  if (file === undefined) throw new Error('expected a journal');
  how(join(journalFolder(folder), file));
};

const flipped = (part: number) => (path: string) => {
  const bytes = readFileSync(path);
  const at = Math.floor(bytes.length * part);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
};

describe('journals that are scanned on several threads', () => {
  it('are found whole where one thread finds them whole', async () => {
    const [one, many] = await both(original);
    expect(many).toEqual(one);
    expect(one).toMatchObject({ files: 3 * WORKERS, problems: [] });
  });

  it.each<readonly [string, number, (path: string) => void]>([
    ['a byte of a frame was changed', 2, flipped(0.6)],
    ['a byte of a head was changed', 4, flipped(0)],
    ['a byte of the first was changed', 0, flipped(0.4)],
    ['a byte of the last was changed', 3 * WORKERS - 1, flipped(0.9)],
    ['one was cut off', 5, (path) => truncateSync(path, 2000)],
    ['one has more behind its end', 6, (path) => writeFileSync(path, Buffer.alloc(100), { flag: 'a' })],
    ['one is gone', 7, (path) => rmSync(path)],
    ['one is empty', 1, (path) => truncateSync(path, 0)],
    ['one was overwritten from the middle on', 3, (path) => writeFileSync(path, readFileSync(path).fill(0xff, 3000))],
  ])('are found wrong as one thread finds them when %s', async (_, at, how) => {
    const folder = newFolder();
    cpSync(original, folder, { recursive: true });
    change(folder, at, how);
    const [one, many] = await both(folder);
    expect(many).toEqual(one);
    expect(one.problems.length).toBeGreaterThan(0);
  });

  it('ends with the error of a journal that cannot be read', async () => {
    const folder = newFolder();
    cpSync(original, folder, { recursive: true });
    change(folder, 3, (path) => {
      rmSync(path);
      cpSync(journalFolder(original), path, { recursive: true });
    });
    const pool = openJournalPool(folder, 2);
    onTestFinished(() => pool.end());
    await expect((await checkOf(folder)).finishWith(pool.scan, () => {})).rejects.toThrow('EISDIR');
  });
});
