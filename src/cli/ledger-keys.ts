/** What commands that verify are given: files, and the public keys to trust. */

import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { LoadedConfig } from '../config/file.ts';
import { resolveSecret } from '../config/secrets.ts';
import type { LedgerKey } from '../record/ledger-key.ts';
import { parseWitness, type Witness } from '../ledger/cosignature.ts';
import { Malformed } from '../ledger/malformed.ts';
import { type NoteVerifier, parseVerifier } from '../ledger/note-key.ts';
import { type Authority, parseAuthority } from '../ledger/timestamp.ts';
import { CliError, EXIT } from './exit.ts';
import type { Io } from './io.ts';

/** Returns the key that the config names for the ledger. Throws SecretError when it cannot be read. */
export const ledgerKeyOf = (io: Io, { config, baseDir }: LoadedConfig): LedgerKey => {
  const { key } = config.ledger;
  const text = resolveSecret(key, baseDir, { env: io.env });
  return { text, file: 'file' in key ? resolve(baseDir, key.file) : null };
};

/** Returns the bytes of a file that the command line names. Throws CliError. */
export const readInput = (io: Io, file: string): Buffer => {
  try {
    return readFileSync(resolve(io.cwd, file));
  } catch (cause) {
    throw new CliError(EXIT.usage, `${file} cannot be read: ${String(cause)}`, { cause });
  }
};

/** Returns the keys that `--key` names: a key itself, or a file with one on each line that is no comment. */
export const keysOf = (io: Io, key: string): readonly NoteVerifier[] => {
  const text = key.includes('+') && !existsSync(resolve(io.cwd, key)) ? key : readInput(io, key).toString('utf8');
  const lines = text.split('\n').map((line) => line.trim());
  try {
    const keys = lines.filter((line) => line !== '' && !line.startsWith('#')).map(parseVerifier);
    if (keys.length > 0) return keys;
  } catch (cause) {
    if (!(cause instanceof Malformed)) throw cause;
    throw new CliError(EXIT.usage, `--key is ${cause.message}`, { hint: KEY_HINT, cause });
  }
  throw new CliError(EXIT.usage, `${key} holds no key`, { hint: KEY_HINT });
};
const KEY_HINT = 'a public key is NAME+ID+BASE64; `sallyport init` wrote it to keys/ledger.pub';

/** Returns the witness of a key on the command line. Throws CliError. */
export const witnessOf = (key: string): Witness => {
  try {
    return parseWitness(key);
  } catch (cause) {
    if (!(cause instanceof Malformed)) throw cause;
    throw new CliError(EXIT.usage, `--witness is ${cause.message}`, { cause });
  }
};

/** Returns the authorities of certificates (PEM files) on the command line. Throws CliError. */
export const authoritiesOf = (io: Io, files: readonly string[] = []): readonly Authority[] =>
  files.map((file) => {
    try {
      return parseAuthority(readInput(io, file).toString('utf8'));
    } catch (cause) {
      if (!(cause instanceof Malformed)) throw cause;
      throw new CliError(EXIT.usage, `--authority ${file}: ${cause.message}`, { cause });
    }
  });

/** The option that names authorities. */
export const AUTHORITY_OPTION = [
  '--authority <file...>',
  'certificates (PEM) of time-stamp authorities: checks their time-stamps, and bounds the times of leaves',
] as const;

/** The option that names the public keys. */
export const KEY_OPTION = ['--key <key>', 'the public key of the ledger, or a file that holds it'] as const;
