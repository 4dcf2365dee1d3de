/** `sallyport ledger rotate`: a new key signs from here on, and the old one is destroyed. */

import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { systemClock } from '../clock.ts';
import { handOver } from '../ledger/key-epochs.ts';
import { type Log, openLog } from '../ledger/log.ts';
import { generateSigner, type NoteSigner, parseSigner } from '../ledger/note-key.ts';
import { noteRotations } from '../record/prove-session.ts';
import { SealBatch } from '../record/seal-batch.ts';
import { showId } from '../record/session-id.ts';
import { resolveSecret } from '../config/secrets.ts';
import { type FolderLock, lockFolder } from '../store/lock.ts';
import { CliError, EXIT } from './exit.ts';
import type { Io } from './io.ts';
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

/** Returns the key that comes next, which an attempt that was cut off may have made already. */
function nextSigner(file: string, name: string): NoteSigner {
  if (!existsSync(file)) writeFileSync(file, `${generateSigner(name)}\n`, { mode: 0o600, flag: 'wx', flush: true });
  return parseSigner(readFileSync(file, 'utf8').trim());
}

async function handOverIn(ledger: Log, signer: NoteSigner, next: NoteSigner): Promise<void> {
  const batch = new SealBatch(ledger, systemClock, showId(randomBytes(16)).slice(-16));
  batch.add(handOver(signer, next.verifier));
  batch.commit(Buffer.from(ledger.memo ?? []).toString());
  await ledger.succeed(next);
}

/** Opens the ledger with the key that is in force; null when an attempt that was cut off has handed over already. */
async function openWith(folder: string, signer: NoteSigner, next: NoteSigner): Promise<Log | null> {
  try {
    return await openLog({ dir: folder, signer });
  } catch (cause) {
    const after = await openLog({ dir: folder, signer: next }).catch(() => null);
    if (after === null) throw cause;
    await after.close();
    return null;
  }
}

async function rotate(io: Io, configFile: string): Promise<void> {
  const loaded = loadConfigFor(io, configFile);
  const { config, baseDir } = loaded;
  const { key } = config.ledger;
  if (!('file' in key)) {
    throw new CliError(EXIT.usage, 'the key of the ledger is not in a file, so its successor has nowhere to go', {
      hint: 'name a file in ledger.key, or put a file in its place for the rotation',
    });
  }
  const file = resolve(baseDir, key.file);
  const folder = dataFolder(loaded);
  const signer = parseSigner(resolveSecret(key, baseDir, { env: io.env }));
  const held = lock(folder);
  try {
    const next = nextSigner(`${file}.next`, signer.verifier.name);
    const ledger = await openWith(folder, signer, next);
    if (ledger !== null) {
      await handOverIn(ledger, signer, next);
      await ledger.close();
    }
    await noteRotations(folder);
    // in its place: nothing can be signed with the old key any more
    renameSync(`${file}.next`, file);
    const { vkey } = next.verifier;
    const pub = join(dirname(file), 'ledger.pub');
    if (existsSync(pub) && !readFileSync(pub, 'utf8').includes(vkey)) appendFileSync(pub, `${vkey}\n`);
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
