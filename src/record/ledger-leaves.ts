/** The leaves of the ledger in a data folder, by their numbers. */

import { join } from 'node:path';
import { decodeLeaf, type Leaf } from '../ledger/leaf.ts';
import { decodeBundle, MAX_BUNDLE_BYTES } from '../ledger/bundle.ts';
import { readDirectory } from '../ledger/directory.ts';
import { type Tile, TILE_WIDTH, tilePath } from '../ledger/tile.ts';

/** Returns the public folder of the ledger in a data folder. */
export const ledgerFolder = (folder: string): string => join(folder, 'ledger');

/**
 * Yields the leaves from number `from` up to `size`, which is that of a published checkpoint, as they were appended.
 * Throws when a bundle is missing or holds fewer leaves than it must.
 */
export async function* readLeaves(folder: string, from: number, size: number): AsyncGenerator<Uint8Array> {
  const files = readDirectory(ledgerFolder(folder));
  for (let number = from; number < size; ) {
    const index = Math.floor(number / TILE_WIDTH);
    const first = index * TILE_WIDTH;
    const tile: Tile = { level: 'entries', index, width: Math.min(TILE_WIDTH, size - first) };
    const bytes = await files.read(tilePath(tile), MAX_BUNDLE_BYTES);
    const leaves = bytes === null ? [] : decodeBundle(bytes);
    if (leaves.length !== tile.width) {
      throw new Error(`${tilePath(tile)}: expected ${tile.width} leaves, found ${leaves.length}`);
    }
    yield* leaves.slice(number - first);
    number = first + tile.width;
  }
}

/** Resolves to the first leaf from number `from` on that `isIt` says yes to, with its number; null when there is none. */
export async function findLeaf(
  folder: string,
  from: number,
  size: number,
  isIt: (leaf: Leaf) => boolean,
): Promise<{ readonly number: number; readonly leaf: Leaf } | null> {
  let number = Math.min(from, size);
  for await (const bytes of readLeaves(folder, number, size)) {
    const read = decodeLeaf(bytes);
    if (read.kind === 'known' && isIt(read.leaf)) return { number, leaf: read.leaf };
    number++;
  }
  return null;
}
