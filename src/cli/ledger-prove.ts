/** `sallyport ledger prove`: what proves one session to somebody who has nothing else. */

import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { encodeSessionProof, type SessionProof } from '../ledger/session-proof.ts';
import { proveSession } from '../record/prove-session.ts';
import { CliError, EXIT } from './exit.ts';
import { identityOption, keyRingFor, type WithIdentity } from './identities.ts';
import type { Io } from './io.ts';
import { configOption, loadConfigFor } from './load.ts';
import { accountName, runErrand } from './sessions-errand.ts';
import { dataFolder, rowOf } from './sessions-files.ts';

interface ProveOptions extends WithIdentity {
  readonly config: string;
  readonly out?: string;
  /** Commander's name for `--without-key`. */
  readonly withoutKey?: true;
}

async function proofOf(io: Io, id: string, options: ProveOptions): Promise<SessionProof> {
  const { config, withoutKey } = options;
  const loaded = loadConfigFor(io, config);
  const folder = dataFolder(loaded);
  const row = await rowOf(folder, id);
  const pageKeys = await keyRingFor(io, loaded, options, row);
  if (withoutKey !== true) await runErrand(io, loaded, { kind: 'read', sid: id, how: 'prove', who: accountName() });
  try {
    return await proveSession(row, { folder, pageKeys, withKey: withoutKey !== true });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(EXIT.found, `session ${id} cannot be proven: ${message}`, { cause });
  }
}

async function prove(io: Io, id: string, options: ProveOptions): Promise<void> {
  const text = encodeSessionProof(await proofOf(io, id, options));
  if (options.out === undefined) {
    io.stdout.write(text);
    return;
  }
  const file = resolve(io.cwd, options.out);
  try {
    writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    throw new CliError(EXIT.usage, `${options.out} cannot be written: ${String(cause)}`, { cause });
  }
  io.say(`wrote ${options.out}; \`sallyport sessions verify ${options.out} --key KEY\` checks it anywhere`);
}

/** Returns `sallyport ledger prove`. */
export const proveCommand = (io: Io): Command =>
  new Command('prove')
    .description('write the proof of one session: its frames, its leaves, their way to a signed checkpoint, its key')
    .argument('<session>', 'the session')
    .addOption(configOption())
    .option('-o, --out <file>', 'where to write it; stdout when not given')
    .addOption(identityOption())
    .option('--without-key', 'leave the key of the session out: proves that it was recorded, shows nothing of it')
    .action((id: string, options: ProveOptions) => prove(io, id, options));
