/**
 * Keys that were made, until the ledger tells of them. Their names are written down before their envelopes: when the
 * gateway dies between an envelope and its leaf, the next start tells of it, so that a key that is gone is missed.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Log } from '../ledger/log.ts';
import { Intents } from './intents.ts';
import { keyFolder } from './key-envelope.ts';
import { findLeaf } from './ledger-leaves.ts';

const schema = z.strictObject({
  kind: z.enum(['recording', 'originals']),
  key: z.string(),
  /** SHA-256 of the envelope, hex. */
  ct: z.string(),
  /** The file of the envelope. */
  file: z.string(),
});

/** A key that was made: what its leaf says, and where its envelope is. */
export type MadeKey = z.output<typeof schema>;

const intents = new Intents<MadeKey>('making', schema, ({ file }) => file);

/** Writes down, durably, that a key is about to have its envelope. */
export const noteMade = (folder: string, made: MadeKey): Promise<void> => intents.write(folder, made);

/** Forgets a key whose leaf is durable, or whose envelope was never written. */
export const forgetMade = (folder: string, made: MadeKey): Promise<void> => intents.forget(folder, made);

/** Resolves to the keys that an earlier run made and did not tell of. Reads all leaves, and only after such a crash. */
export async function untoldKeys(folder: string, ledger: Log): Promise<readonly MadeKey[]> {
  const noted = await intents.list(folder);
  // leaves are read from what a checkpoint covers
  if (noted.length > 0) await ledger.checkpoint();
  const untold: MadeKey[] = [];
  for (const made of noted) {
    const isThere = existsSync(join(keyFolder(folder), made.file));
    const told = await findLeaf(folder, 0, ledger.size, (leaf) => leaf.type === 'recording.key' && leaf.ct === made.ct);
    if (isThere && told === null) untold.push(made);
    else await forgetMade(folder, made);
  }
  return untold;
}
