/**
 * What is about to be destroyed, written down first. A leaf says that it is gone before it is: when the gateway dies in
 * between, its next start finishes what a leaf promised, and forgets what none did.
 */

import { mkdir, readdir, readFile, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { syncFolder, writeDurably } from '../ledger/durable.ts';
import type { Leaf } from '../ledger/leaf.ts';
import { journalFolder, readJournalFile } from './journal-name.ts';
import { replacePage } from './key-page-file.ts';
import type { Erasure } from './known-leaves.ts';
import { findLeaf } from './ledger-leaves.ts';

const schema = z.discriminatedUnion('kind', [
  /** A page of keys is replaced. */
  z.strictObject({
    kind: z.literal('page'),
    file: z.string(),
    offset: z.int().min(0),
    /** Hash of the page that comes, as its leaf says it, and its frame in base64. */
    next: z.string(),
    frame: z.string(),
    /** The leaf has this number or a larger one. */
    from: z.int().min(0),
  }),
  /** A journal is removed. */
  z.strictObject({ kind: z.literal('journal'), file: z.string(), from: z.int().min(0) }),
]);

/** What is about to be destroyed. */
export type EraseIntent = z.output<typeof schema>;

const intentFolder = (folder: string): string => join(folder, 'erasing');
const intentName = (intent: EraseIntent): string =>
  intent.kind === 'page' ? `${intent.file}-${intent.offset}` : intent.file;

/** Writes an intent down, durably. */
export async function writeIntent(folder: string, intent: EraseIntent): Promise<void> {
  const root = intentFolder(folder);
  const aside = join(root, 'aside');
  await mkdir(aside, { recursive: true, mode: 0o700 });
  await writeDurably(root, aside, [{ path: intentName(intent), bytes: JSON.stringify(intent) }]);
}

/** Does what an intent says, and forgets it. Its leaf is durable. */
export async function fulfil(folder: string, intent: EraseIntent): Promise<void> {
  const name = readJournalFile(intent.file);
  if (name === null) throw new Error(`${intent.file} is no journal`);
  if (intent.kind === 'page') {
    const { file, offset } = intent;
    await replacePage({ folder, stream: name, file, offset }, Buffer.from(intent.frame, 'base64'));
  } else {
    await rm(join(journalFolder(folder), intent.file), { force: true });
    await syncFolder(journalFolder(folder));
  }
  await unlink(join(intentFolder(folder), intentName(intent)));
}

const isAbout = (leaf: Leaf, intent: EraseIntent): boolean =>
  intent.kind === 'page'
    ? leaf.type === 'content.erased' && leaf.next === intent.next
    : leaf.type === 'journal.erased' && leaf.file === intent.file;

/**
 * Finishes what an earlier run began, and resolves to the erasures that the index may not know of. `size` is that of the
 * published checkpoint, which is over all leaves.
 */
export async function finishErasing(folder: string, size: number): Promise<readonly Erasure[]> {
  const root = intentFolder(folder);
  const names = await readdir(root).catch(() => []);
  const finished: Erasure[] = [];
  for (const name of names.filter((each) => each !== 'aside')) {
    const intent = schema.parse(JSON.parse(await readFile(join(root, name), 'utf8')));
    const promised = await findLeaf(folder, intent.from, size, (leaf) => isAbout(leaf, intent));
    if (promised === null) await unlink(join(root, name));
    else await fulfil(folder, intent);
    if (promised?.leaf.type !== 'content.erased') continue;
    const { ts: at, rule, sids } = promised.leaf;
    finished.push({ leaf: promised.number, at, rule, sids });
  }
  return finished;
}
