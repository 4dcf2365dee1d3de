/** What must hold of who vouches for the ledger: found out at load, not when the first checkpoint is signed. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../config.ts';
import { parseWitness } from '../ledger/cosignature.ts';
import { Malformed } from '../ledger/malformed.ts';
import { type Authority, parseAuthority } from '../ledger/timestamp.ts';
import type { ConfigIssue } from './issues.ts';

type Looked = Partial<Pick<Config, 'ledger'>>;

/** Returns what is wrong with the public key of a witness; null for nothing. */
const wrongKey = (key: string): string | null => {
  try {
    parseWitness(key);
    return null;
  } catch (error) {
    if (error instanceof Malformed) return `expected the public key of a witness: ${error.message}`;
    throw error;
  }
};

/** Returns an issue for each witness whose cosignatures nobody could check, or whom an earlier entry names already. */
export const witnessIssues = ({ ledger }: Looked): readonly ConfigIssue[] => {
  const seen = new Set<string>();
  return (ledger?.witnesses ?? []).flatMap(({ key }, at) => {
    const message = wrongKey(key) ?? (seen.has(key) ? 'is that of an earlier entry' : null);
    seen.add(key);
    return message === null ? [] : [{ path: ['ledger', 'witnesses', at, 'key'], message, atKey: false }];
  });
};

/**
 * Returns the authority whose certificate the config names; null where it names none.
 * @throws Error that begins with the place in the config, when its file cannot be read or is no certificate for time-stamps.
 */
export const readAuthority = (
  { ledger: { timestamps } }: Pick<Config, 'ledger'>,
  baseDir: string,
): Authority | null => {
  if (timestamps === undefined) return null;
  const file = resolve(baseDir, timestamps.certificate);
  try {
    return parseAuthority(readFileSync(file, 'utf8'));
  } catch (cause) {
    const why = cause instanceof Malformed ? cause.message : `it cannot be read (${codeOf(cause)})`;
    const expected = `expected the certificate of a time-stamp authority in PEM in ${file}`;
    throw new Error(`ledger.timestamps.certificate: ${expected}: ${why}`, { cause });
  }
};

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
