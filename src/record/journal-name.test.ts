import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  journalFile,
  journalFolder,
  journalHead,
  listJournals,
  listStrayFiles,
  readJournalFile,
  readJournalHead,
} from './journal-name.ts';

const name = { instance: '0123456789abcdef', worker: 12, n: 3 };

it('reads the names that it writes, and no others', () => {
  expect(readJournalFile(journalFile(name))).toEqual(name);
  for (const other of [
    '',
    'x.spj',
    '0123456789abcdef-w01-3.spj',
    '0123456789ABCDEF-w1-3.spj',
    '../0123456789abcdef-w1-3.spj',
  ]) {
    expect(readJournalFile(other)).toBeNull();
  }
});

it('reads the head of a journal under its own name only', () => {
  const head = journalHead(name, 1_800_000_000_000);
  const bytes = Buffer.concat([head, Buffer.from('frames')]);
  expect(readJournalHead(bytes, name)).toBe(head.length);
  expect(readJournalHead(bytes, { ...name, n: 4 })).toBeNull();
  for (let length = 0; length < head.length; length++)
    expect(readJournalHead(bytes.subarray(0, length), name)).toBeNull();
  expect(readJournalHead(Buffer.from(bytes.toString().replace('"n":3', '"n": 3')), name)).toBeNull();
});

it('lists journals by line and number, and tells what else stands there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-journals-'));
  expect(listJournals(folder)).toEqual([]);
  mkdirSync(journalFolder(folder));
  const names = [
    { ...name, n: 10 },
    { ...name, n: 9 },
    { ...name, worker: 2 },
  ];
  for (const each of names) writeFileSync(join(journalFolder(folder), journalFile(each)), '');
  writeFileSync(join(journalFolder(folder), 'note.txt'), '');
  expect(listJournals(folder)).toEqual([names[2], names[1], names[0]]);
  expect(listStrayFiles(folder)).toEqual(['note.txt']);
});
