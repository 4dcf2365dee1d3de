/**
 * What is about to be destroyed, written down first. A leaf says that it is gone before it is: when the gateway dies in
 * between, its next start finishes what a leaf promised, and forgets what none did.
 */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { syncFolder } from '../ledger/durable.ts';
import type { Leaf } from '../ledger/leaf.ts';
import { journalFolder, readJournalFile } from './journal-name.ts';
import { replacePage } from './key-page-file.ts';
import { Intents } from './intents.ts';
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

const intents = new Intents<EraseIntent>('erasing', schema, (intent) =>
  intent.kind === 'page' ? `${intent.file}-${intent.offset}` : intent.file,
);

/** Writes an intent down, durably. */
export const writeIntent = (folder: string, intent: EraseIntent): Promise<void> => intents.write(folder, intent);

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
  await intents.forget(folder, intent);
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
  const finished: Erasure[] = [];
  for (const intent of await intents.list(folder)) {
    const promised = await findLeaf(folder, intent.from, size, (leaf) => isAbout(leaf, intent));
    if (promised === null) await intents.forget(folder, intent);
    else await fulfil(folder, intent);
    if (promised?.leaf.type !== 'content.erased') continue;
    const { ts: at, rule, sids } = promised.leaf;
    finished.push({ leaf: promised.number, at, rule, sids });
  }
  return finished;
}
