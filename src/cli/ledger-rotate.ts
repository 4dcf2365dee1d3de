/** `sallyport ledger rotate`: a new key signs from here on, and the old one is destroyed. */

import { Command } from 'commander';
import { replaceLedgerKey } from '../record/ledger-key.ts';
import { type FolderLock, lockFolder } from '../store/lock.ts';
import { CliError, EXIT } from './exit.ts';
import type { Io } from './io.ts';
import { ledgerKeyOf } from './ledger-keys.ts';
import { configOption, loadConfigFor } from './load.ts';
import { dataFolder } from './sessions-files.ts';

function lock(folder: string): FolderLock {
  try {
    return lockFolder(folder);
  } catch (cause) {
    throw new CliError(EXIT.usage, cause instanceof Error ? cause.message : String(cause), {
      hint: 'stop the gateway first: it holds the key that is to be replaced',
      cause,
    });
  }
}

const CUT_OFF_HINT = 'what was begun is finished by the next start or the next `sallyport ledger rotate`';

async function rotate(io: Io, configFile: string): Promise<void> {
  const loaded = loadConfigFor(io, configFile);
  const { text, file } = ledgerKeyOf(io, loaded);
  if (file === null) {
    throw new CliError(EXIT.usage, 'the key of the ledger is not in a file, so its successor has nowhere to go', {
      hint: 'name a file in ledger.key, or put a file in its place for the rotation',
    });
  }
  const folder = dataFolder(loaded);
  const held = lock(folder);
  try {
    const vkey = await replaceLedgerKey({ text, file }, { dir: folder }).catch((cause: unknown) => {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new CliError(EXIT.unreachable, `the key cannot be replaced: ${message}`, { hint: CUT_OFF_HINT, cause });
    });
    io.print({ key: vkey }, [vkey]);
    io.say('this key signs from here on; give it to those who audit, behind the ones that they have');
  } finally {
    held.release();
  }
}

/** Returns `sallyport ledger rotate`. */
export const rotateCommand = (io: Io): Command =>
  new Command('rotate')
    .description('make a new key that signs the ledger from here on, signed over by the old one, which is destroyed')
    .addOption(configOption())
    .action(({ config }: { readonly config: string }) => rotate(io, config));
