/** `sallyport reindex`: makes the index anew, which is a cache of the journals and the ledger. */

import { Command } from 'commander';
import { openLedger } from '../record/ledger-key.ts';
import { reindex } from '../record/reindex.ts';
import { type FolderLock, lockFolder } from '../store/lock.ts';
import { CliError, EXIT } from './exit.ts';
import { identityOption, keyRing, type WithIdentity } from './identities.ts';
import type { Io } from './io.ts';
import { ledgerKeyOf } from './ledger-keys.ts';
import { configOption, loadConfigFor } from './load.ts';
import { dataFolder } from './sessions-files.ts';

function lock(folder: string): FolderLock {
  try {
    return lockFolder(folder);
  } catch (cause) {
    throw new CliError(EXIT.usage, cause instanceof Error ? cause.message : String(cause), {
      hint: 'stop the gateway first: it keeps the index while it runs, and mends it when it starts',
      cause,
    });
  }
}

async function run(io: Io, file: string, identity: WithIdentity): Promise<void> {
  const loaded = loadConfigFor(io, file);
  const folder = dataFolder(loaded);
  const pageKeys = await keyRing(io, loaded, identity);
  const key = ledgerKeyOf(io, loaded);
  const held = lock(folder);
  try {
    const problems: string[] = [];
    const ledger = await openLedger(key, { dir: folder });
    const sessions = await reindex({
      folder,
      pageKeys,
      ledger,
      problem: (message) => problems.push(message),
      progress: (done, all) => io.progress(`reading journals: ${done} of ${all}`),
    });
    await ledger.close();
    io.print({ sessions, problems }, [`${sessions} sessions`, ...problems.map((message) => `problem: ${message}`)]);
    if (problems.length > 0) io.exit(EXIT.found);
  } finally {
    held.release();
  }
}

/** Returns `sallyport reindex`. */
export const reindexCommand = (io: Io): Command =>
  new Command('reindex')
    .description('make the index of sessions anew from the journals and the ledger; the gateway must be down')
    .addOption(configOption())
    .addOption(identityOption())
    .action(({ config, ...identity }: { readonly config: string } & WithIdentity) => run(io, config, identity));
