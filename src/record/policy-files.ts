/** What was in force, kept beside the records that cite it: one file each, named by its SHA-256. */

import { hash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolderDurably, readIfThere, writeDurably } from '../ledger/durable.ts';

const FOLDER = 'policies';

const nameOf = (cited: string): string => `${cited}.json`;

/** What sessions cite, and what it stands for. */
export interface KeptPolicy {
  /** SHA-256 of `text`, hex. */
  readonly hash: string;
  readonly text: string;
}

/** Keeps a policy in a data folder; it is durable when this resolves. */
export async function keepPolicy(folder: string, { hash: cited, text }: KeptPolicy): Promise<void> {
  const policies = join(folder, FOLDER);
  if ((await readIfThere(join(policies, nameOf(cited)))) !== null) return;
  await makeFolderDurably(policies);
  await writeDurably(policies, policies, [{ path: nameOf(cited), bytes: text }]);
}

/**
 * Resolves to the policy whose hash begins so, null where none or more than one does. Throws an Error when what is kept is
 * not what its name says.
 */
export async function readPolicy(folder: string, begins: string): Promise<KeptPolicy | null> {
  const policies = join(folder, FOLDER);
  const [name, another] = (await namesIn(policies)).filter((each) => each.startsWith(begins));
  const bytes = name === undefined || another !== undefined ? null : await readIfThere(join(policies, name));
  if (name === undefined || bytes === null) return null;
  const found = hash('sha256', bytes);
  if (name !== nameOf(found)) throw new Error(`${FOLDER}/${name} was changed: its SHA-256 is ${found}`);
  return { hash: found, text: Buffer.from(bytes).toString('utf8') };
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => /^[0-9a-f]{64}\.json$/.test(name));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
