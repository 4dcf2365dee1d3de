/** `sallyport policy show`: what a record was decided under, or what would be in force. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { LoadedConfig } from '../config/file.ts';
import { inForce } from '../decide/in-force.ts';
import { type KeptPolicy, readPolicy } from '../record/policy-files.ts';
import { VERSION } from '../version.ts';
import { CliError, EXIT } from './exit.ts';
import type { Io } from './io.ts';
import { loadConfigFor } from './load.ts';
import { dataFolder } from './sessions-files.ts';

/** Fewer digits of a hash name too much. */
const FEWEST = 8;

const underConfig = ({ config, baseDir }: LoadedConfig): KeptPolicy =>
  inForce(config, { version: VERSION, file: (path) => readFileSync(resolve(baseDir, path)) });

async function kept(folder: string, cited: string): Promise<KeptPolicy> {
  if (!/^[0-9a-f]+$/.test(cited) || cited.length < FEWEST)
    throw new CliError(EXIT.usage, `expected at least ${FEWEST} digits of the hash that a session cites`);
  let found: KeptPolicy | null;
  try {
    found = await readPolicy(folder, cited);
  } catch (cause) {
    throw new CliError(EXIT.found, cause instanceof Error ? cause.message : String(cause), { cause });
  }
  if (found !== null) return found;
  throw new CliError(EXIT.found, `no policy is kept in ${folder} whose hash begins with ${cited}`, {
    hint: 'a gateway keeps what is in force when it starts, and with every new config',
  });
}

/** Prints what is cited by `cited`, or what the config would put in force where nothing is. */
export async function showPolicy(io: Io, cited: string | undefined, config: string): Promise<void> {
  const loaded = loadConfigFor(io, config);
  const { hash, text } = cited === undefined ? underConfig(loaded) : await kept(dataFolder(loaded), cited);
  const content: unknown = JSON.parse(text);
  io.print({ hash, content }, [`sha256 ${hash}`, ...JSON.stringify(content, null, 2).split('\n')]);
}
