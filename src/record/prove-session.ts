/** Puts together the proof of one session, which `sallyport/verify` checks without this machine. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCheckpoint } from '../ledger/checkpoint.ts';
import { readDirectory } from '../ledger/directory.ts';
import { CHECKPOINT_PATH } from '../ledger/log-reader.ts';
import { parseNote } from '../ledger/note.ts';
import { proveInclusion } from '../ledger/prove.ts';
import type { ProvenLeaf, SessionProof } from '../ledger/session-proof.ts';
import { tileHashes } from '../ledger/tile-hashes.ts';
import type { SessionRow } from '../store/sessions.ts';
import { ledgerFolder, readLeaves } from './ledger-leaves.ts';
import { storedSession } from './read-session.ts';

/** What proving needs. */
export interface ProveOptions {
  /** The data folder. */
  readonly folder: string;
  readonly recordingKey: Uint8Array;
  /** False: the frames stay closed to whoever gets the proof. */
  readonly withKey: boolean;
}

/**
 * Resolves to the proof of a session under the published checkpoint. Rejects when the session has not ended, or its end
 * is not under the checkpoint yet.
 */
export async function proveSession(
  row: SessionRow,
  { folder, recordingKey, withKey }: ProveOptions,
): Promise<SessionProof> {
  const checkpoint = readFileSync(join(ledgerFolder(folder), CHECKPOINT_PATH));
  const { size } = parseCheckpoint(parseNote(checkpoint).text);
  if (row.end_leaf < 0) throw new Error('it has not ended');
  if (row.end_leaf >= size) throw new Error('its end is not in a published checkpoint yet; a second later it is');
  const { frames, keys } = storedSession(row, { folder, recordingKey });
  return {
    session: row.id,
    checkpoint,
    leaves: [await provenLeaf(folder, row.leaf, size), await provenLeaf(folder, row.end_leaf, size)],
    frames: frames.map(({ bytes }) => bytes),
    key: withKey ? Buffer.concat([keys.key, keys.baseNonce]) : null,
  };
}

async function provenLeaf(folder: string, index: number, size: number): Promise<ProvenLeaf> {
  const hashes = tileHashes(readDirectory(ledgerFolder(folder)), size);
  for await (const leaf of readLeaves(folder, index, size)) {
    return { index, leaf, path: await proveInclusion(index, size, hashes) };
  }
  throw new Error(`the ledger has no leaf ${index}`);
}
