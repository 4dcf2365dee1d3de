/** Checks bundles for verify-pool.ts. Entry of a worker thread. */

import { parentPort, workerData } from 'node:worker_threads';
import { checkBundle } from './check-bundle.ts';
import { readDirectory } from './directory.ts';
import { TILE_WIDTH } from './tile.ts';
import { pack, type PackedBundle, type RunOrder } from './verify-pool.ts';

const files = readDirectory(String(workerData));

let last: Promise<void> = Promise.resolve();

async function answer({ first, count }: RunOrder): Promise<void> {
  const bundles: PackedBundle[] = [];
  for (let at = 0; at < count; at++) {
    const checked = await checkBundle(files, first + at, TILE_WIDTH);
    // behind the end of the log: not asked for
    if (checked.leaves === null && checked.hashes === null) break;
    bundles.push(pack(checked));
  }
  parentPort?.postMessage(bundles);
}

// one after the other, in the order in which they were asked
parentPort?.on('message', (order: RunOrder) => {
  last = last.then(() => answer(order));
});
