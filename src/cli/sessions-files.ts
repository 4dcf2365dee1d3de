/** What the commands about sessions read: the index, the journals and the key, with the gateway up or down. */

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Checkpoint, parseCheckpoint } from '../ledger/checkpoint.ts';
import { CHECKPOINT_PATH } from '../ledger/log-reader.ts';
import { parseNote } from '../ledger/note.ts';
import { decodeLeaf } from '../ledger/leaf.ts';
import { ledgerFolder, readLeaves } from '../record/ledger-leaves.ts';
import { readId } from '../record/session-id.ts';
import { findErased, findSession } from '../store/list-sessions.ts';
import type { IndexTables, SessionRow } from '../store/sessions.ts';
import { readIndex, type Store } from '../store/sqlite.ts';
import type { LoadedConfig } from '../config/file.ts';
import { CliError, EXIT } from './exit.ts';

/** Returns the data folder that a config names. */
export const dataFolder = ({ config, baseDir }: LoadedConfig): string => resolve(baseDir, config.store.path);

/** Resolves to what `read` makes of the index of a data folder. Throws CliError when there is none. */
export async function withIndex<T>(folder: string, read: (index: Store<IndexTables>) => Promise<T>): Promise<T> {
  const index = readIndex<IndexTables>(folder);
  if (index === null) {
    throw new CliError(EXIT.usage, `there is no index in ${folder}`, {
      hint: 'a gateway makes one when it starts; `sallyport reindex` makes one from the journals',
    });
  }
  try {
    return await read(index);
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError(EXIT.usage, `the index in ${folder} cannot be read: ${String(cause)}`, {
      hint: '`sallyport reindex` makes a new one from the journals',
      cause,
    });
  } finally {
    await index.close();
  }
}

/** Resolves to the row of a session. Throws CliError when there is no such session. */
export async function rowOf(folder: string, id: string): Promise<SessionRow> {
  if (readId(id) === null) {
    throw new CliError(EXIT.usage, `${id} is no session id`, { hint: '`sallyport sessions list` shows the ids' });
  }
  const { row, erased } = await withIndex(folder, async ({ db }) => ({
    row: await findSession(db, id),
    erased: await findErased(db, id),
  }));
  if (row !== null) return row;
  for (const { leaf, at, rule } of erased) {
    if (!(await isErasedBy(folder, id, leaf))) continue;
    const when = new Date(at).toISOString();
    throw new CliError(EXIT.found, `session ${id} was erased at ${when}: ${rule}`, {
      hint: `its keys are destroyed; leaf ${leaf} of the ledger says so`,
    });
  }
  throw new CliError(EXIT.found, `there is no session ${id}`);
}

/** True when a leaf says that the keys of this session were destroyed. */
async function isErasedBy(folder: string, id: string, number: number): Promise<boolean> {
  const size = publishedSize(folder);
  for await (const bytes of number < size ? readLeaves(folder, number, size) : []) {
    const read = decodeLeaf(bytes);
    return read.kind === 'known' && read.leaf.type === 'content.erased' && read.leaf.sids.includes(id);
  }
  return false;
}

const published = (folder: string): Checkpoint =>
  parseCheckpoint(parseNote(readFileSync(join(ledgerFolder(folder), CHECKPOINT_PATH))).text);

/** Returns the size of the published checkpoint, which is not verified here; 0 when there is none. */
export function publishedSize(folder: string): number {
  try {
    return published(folder).size;
  } catch {
    // without one, nothing is said to be sealed
    return 0;
  }
}

/** Returns the origin of the ledger in a data folder. Throws CliError when there is none. */
export function publishedOrigin(folder: string): string {
  try {
    return published(folder).origin;
  } catch (cause) {
    throw new CliError(EXIT.usage, `there is no ledger in ${folder}`, { cause });
  }
}
