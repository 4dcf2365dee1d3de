/** Makes journals: each is there with its head, or not at all. */

import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../ledger/durable.ts';
import { type JournalName, journalFile, journalFolder, journalHead } from './journal-name.ts';

/** Where a journal is until it has its head, beside the folder of journals: in there, a file without a head is damage. */
const asideFolder = (folder: string): string => join(folder, 'journal-aside');

/** Forgets journals that a dead process did not come to name; nothing was written to them. */
export async function prepareAside(folder: string): Promise<void> {
  await rm(asideFolder(folder), { recursive: true, force: true });
  await mkdir(asideFolder(folder), { mode: 0o700 });
}

/**
 * Makes a journal in the data folder `folder`, and resolves to its path and the length of its head when both the bytes
 * and the name are durable. `created` is in ms since the epoch. Rejects as the file system does; a journal may have been
 * made then, whole.
 */
export async function makeJournal(
  folder: string,
  name: JournalName,
  created: number,
): Promise<{ readonly path: string; readonly offset: number }> {
  const written = join(asideFolder(folder), journalFile(name));
  const path = join(journalFolder(folder), journalFile(name));
  const head = journalHead(name, created);
  {
    await using file = await open(written, 'wx', 0o600);
    await file.writeFile(head);
    await file.sync();
  }
  await rename(written, path);
  await syncFolder(journalFolder(folder));
  return { path, offset: head.length };
}
