/** The last look before a checkpoint is signed. */

import type { Checkpoint } from './checkpoint.ts';
import { sameBytes } from './hash.ts';
import type { LogFolder } from './log-folder.ts';
import { Malformed } from './malformed.ts';
import { verifyConsistency } from './proof.ts';
import { proveConsistency } from './prove.ts';
import type { Published } from './recover.ts';
import { tileHashes } from './tile-hashes.ts';

/**
 * Throws Malformed unless `next` extends `before`, proven with the tiles as they are stored, and `before` is still what
 * is published: two checkpoints that do not extend one another are the one thing a log must never sign.
 */
export const refuseFork = async (folder: LogFolder, before: Published, next: Checkpoint): Promise<void> => {
  const { size, root } = before.checkpoint;
  // Every tree extends the empty one; there is no proof of that.
  if (size > 0) {
    const proof = await proveConsistency(size, next.size, tileHashes(folder.reader, next.size));
    if (!verifyConsistency(size, next.size, proof, root, next.root)) {
      throw new Malformed(`the tree of size ${next.size} does not extend the checkpoint of size ${size}`);
    }
  }
  const published = await folder.checkpoint();
  if (published === null || !sameBytes(published, before.note)) {
    throw new Malformed('the checkpoint was changed by another hand');
  }
};
