/** Makes index.db anew from the journals and the ledger. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Log as Ledger } from '../ledger/log.ts';
import { indexWriter, type IndexTables } from '../store/sessions.ts';
import { openIndex } from '../store/sqlite.ts';
import { catchUpIndex } from './index-catch-up.ts';
import { readMemo } from './memo.ts';
import type { PageOpener } from './page-keys.ts';

/** What the index is made from. */
export interface ReindexOptions {
  /** The data folder; its lock is held. */
  readonly folder: string;
  readonly pageKeys: PageOpener;
  /** The open ledger of the folder. */
  readonly ledger: Ledger;
  /** Hears of journals that cannot be read. */
  readonly problem: (message: string) => void;
  /** Hears how many of how many lines of journals are done. */
  readonly progress: (done: number, all: number) => void;
}

/** Resolves to how many sessions the new index lists. */
export async function reindex({ folder, pageKeys, ledger, problem, progress }: ReindexOptions): Promise<number> {
  // leaves are read back by their numbers out of published tiles
  await ledger.checkpoint();
  for (const name of ['index.db', 'index.db-wal', 'index.db-shm']) rmSync(join(folder, name), { force: true });
  const store = openIndex<IndexTables>(folder);
  try {
    const index = indexWriter(store.raw);
    if (ledger.memo === null) return 0;
    const memo = readMemo(Buffer.from(ledger.memo).toString());
    await catchUpIndex({ folder, pageKeys, index, memo, size: ledger.size, problem, progress });
    return Number(store.raw.prepare('SELECT count(*) AS n FROM session').get()?.['n']);
  } finally {
    await store.close();
  }
}
