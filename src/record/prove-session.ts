/** Puts together the proof of one session, which `sallyport/verify` checks without this machine. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parseCheckpoint } from '../ledger/checkpoint.ts';
import { readDirectory } from '../ledger/directory.ts';
import { replaceDurablySync } from '../ledger/durable.ts';
import { rotationsIn } from '../ledger/key-epochs.ts';
import { CHECKPOINT_PATH } from '../ledger/log-reader.ts';
import { parseNote } from '../ledger/note.ts';
import { proveInclusion } from '../ledger/prove.ts';
import { decodeLeaf } from '../ledger/leaf.ts';
import type { ProofStamp, ProvenLeaf, SessionProof } from '../ledger/session-proof.ts';
import { tileHashes } from '../ledger/tile-hashes.ts';
import type { SessionRow } from '../store/sessions.ts';
import { ledgerFolder, readLeaves } from './ledger-leaves.ts';
import { storedSession } from './read-session.ts';
import type { PageOpener } from './page-keys.ts';

/** What proving needs. */
export interface ProveOptions {
  /** The data folder. */
  readonly folder: string;
  readonly pageKeys: PageOpener;
  /** False: the frames stay closed to whoever gets the proof. */
  readonly withKey: boolean;
}

/**
 * Resolves to the proof of a session under the published checkpoint. Rejects when the session has not ended, or its end
 * is not under the checkpoint yet.
 */
export async function proveSession(
  row: SessionRow,
  { folder, pageKeys, withKey }: ProveOptions,
): Promise<SessionProof> {
  const checkpoint = readFileSync(join(ledgerFolder(folder), CHECKPOINT_PATH));
  const { size } = parseCheckpoint(parseNote(checkpoint).text);
  if (row.end_leaf < 0) throw new Error('it has not ended');
  if (row.end_leaf >= size) throw new Error('its end is not in a published checkpoint yet; a second later it is');
  const { frames, keys } = storedSession(row, { folder, pageKeys });
  return {
    session: row.id,
    checkpoint,
    rotations: await Promise.all(rotations(folder).map((index) => provenLeaf(folder, index, size))),
    leaves: [await provenLeaf(folder, row.leaf, size), await provenLeaf(folder, row.end_leaf, size)],
    stamps: await stamps(folder, row.end_leaf, size),
    frames: frames.map(({ bytes }) => bytes),
    key: withKey ? Buffer.concat([keys.key, keys.baseNonce]) : null,
  };
}

/** Numbers of the leaves in which the key that signs was replaced, as `sallyport ledger rotate` notes them. */
const ROTATIONS = 'ledger-rotations.json';

const schema = z.array(z.int().min(0));

function rotations(folder: string): readonly number[] {
  try {
    return schema.parse(JSON.parse(readFileSync(join(folder, ROTATIONS), 'utf8')));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Notes them, out of the published ledger. */
export async function noteRotations(folder: string): Promise<void> {
  const { size } = parseCheckpoint(parseNote(readFileSync(join(ledgerFolder(folder), CHECKPOINT_PATH))).text);
  const numbers: number[] = [];
  for await (const [number] of rotationsIn(readDirectory(ledgerFolder(folder)), size)) numbers.push(number);
  replaceDurablySync(join(folder, ROTATIONS), JSON.stringify(numbers));
}

/** Where time-stamps stand in the ledger, oldest first, as `Stamper` notes them: the leaf, and the size that it is over. */
const STAMPS = 'ledger-stamps.json';
const stampsSchema = z.array(z.strictObject({ leaf: z.int().min(0), size: z.int().min(1) }));

/** Returns the stamps that were noted in a data folder. */
function notedStamps(folder: string): z.output<typeof stampsSchema> {
  try {
    return stampsSchema.parse(JSON.parse(readFileSync(join(folder, STAMPS), 'utf8')));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Notes one more. */
export function noteStamp(folder: string, stamp: { readonly leaf: number; readonly size: number }): void {
  replaceDurablySync(join(folder, STAMPS), JSON.stringify([...notedStamps(folder), stamp]));
}

/** Resolves to the first stamp that is over a leaf, with the path that leads there; nothing when there is none yet. */
async function stamps(folder: string, index: number, size: number): Promise<readonly ProofStamp[]> {
  const noted = notedStamps(folder).find((each) => each.size > index && each.leaf < size);
  if (noted === undefined) return [];
  for await (const bytes of readLeaves(folder, noted.leaf, size)) {
    const read = decodeLeaf(bytes);
    if (read.kind !== 'known' || read.leaf.type !== 'checkpoint.stamped') break;
    const { size: stamped, root, token } = read.leaf;
    const hashes = tileHashes(readDirectory(ledgerFolder(folder)), stamped);
    return [{ size: stamped, root, token, path: await proveInclusion(index, stamped, hashes) }];
  }
  return [];
}

async function provenLeaf(folder: string, index: number, size: number): Promise<ProvenLeaf> {
  const hashes = tileHashes(readDirectory(ledgerFolder(folder)), size);
  for await (const leaf of readLeaves(folder, index, size)) {
    return { index, leaf, path: await proveInclusion(index, size, hashes) };
  }
  throw new Error(`the ledger has no leaf ${index}`);
}
