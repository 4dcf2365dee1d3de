/** Small logs in temporary folders, and ways to look at and change their files. */

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Log, openLog } from '../../src/ledger/log.ts';
import { generateSigner, type NoteSigner, parseSigner } from '../../src/ledger/note-key.ts';

/** The name of the logs of these tests. */
export const ORIGIN = 'gateway.example/ledger';

/** A key to sign the logs of these tests with. */
export const signer: NoteSigner = parseSigner(generateSigner(ORIGIN));

/** Returns a new folder that goes when the test ends. */
export const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'ledger-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** Returns the log in `dir`, closed when the test ends. */
export const open = async (dir: string, segmentBytes?: number): Promise<Log> => {
  const log = await openLog({ dir, signer, ...(segmentBytes === undefined ? {} : { segmentBytes }) });
  onTestFinished(() => log.close());
  return log;
};

/** Returns a copy of a data folder: what another process would find if this one died now. */
export const copyOf = (dir: string): string => {
  const copy = newFolder();
  cpSync(dir, copy, { recursive: true });
  return copy;
};

/** Returns the paths of all files below `dir`, sorted. */
export const filesOf = (dir: string): readonly string[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(dir, path)).isFile())
    .sort();

/** Returns all files below `dir` with their bytes in hex. */
export const contentOf = (dir: string): Readonly<Record<string, string>> =>
  Object.fromEntries(filesOf(dir).map((path) => [path, readFileSync(join(dir, path)).toHex()]));

/** Returns `text` as the bytes of a memo. */
export const memo = (text: string): Uint8Array => new TextEncoder().encode(text);
