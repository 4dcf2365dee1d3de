/** Turns leaves into the files of a log: entry bundles and tiles, each full one once and those at the right edge again. */

import { encodeBundle } from './bundle.ts';
import type { NewFile } from './durable.ts';
import { type Hash, hashLeaf } from './hash.ts';
import { partialFolder, partialTile, partialTiles, TILE_WIDTH, type Tile, tilePath, widthAt } from './tile.ts';
import { TileBuilder } from './tile-builder.ts';

/** The right edge of a stored tree: what is not full yet. */
export interface Edge {
  readonly size: number;
  /** The hashes of `partialTiles(size)`, lowest level first. */
  readonly tiles: readonly Uint8Array[];
  /** The leaves of the bundle that is not full. */
  readonly leaves: readonly Uint8Array[];
}

/** The edge of a log without leaves. */
export const NO_EDGE: Edge = { size: 0, tiles: [], leaves: [] };

/** Returns the bundle and the tiles that are not full in a tree of `size` leaves. */
const notFull = (size: number): readonly Tile[] => {
  const bundle = partialTile('entries', size);
  return bundle === null ? partialTiles(size) : [bundle, ...partialTiles(size)];
};

/**
 * Returns the folders of partial tiles that a tree of `before` leaves had and that are full in one of `size` leaves:
 * they may go when the full ones are published (C2SP tlog-tiles "Partial Tiles").
 */
export const outgrown = (before: number, size: number): readonly string[] =>
  notFull(before)
    .filter((tile) => widthAt(tile, size) === TILE_WIDTH)
    .map(partialFolder);

/** Holds leaves from when they are appended until their files are taken. */
export class TreeFiles {
  readonly #builder: TileBuilder;
  /** Leaves of the bundle at the right edge. */
  #bundle: Uint8Array[];
  #full: NewFile[] = [];
  #held = 0;

  /** Goes on at the edge of a stored tree. Throws Malformed when the edge is not whole. */
  constructor(edge: Edge) {
    this.#builder = new TileBuilder(
      ({ tile, bytes }) => this.#full.push({ path: tilePath(tile), bytes }),
      edge.size,
      edge.tiles,
    );
    this.#bundle = [...edge.leaves];
  }

  get size(): number {
    return this.#builder.size;
  }

  /** Bytes of leaves that were added since files were last taken. */
  get held(): number {
    return this.#held;
  }

  /** The perfect subtrees of the tree, largest first. */
  get nodes(): readonly Hash[] {
    return this.#builder.nodes;
  }

  root(): Hash {
    return this.#builder.root();
  }

  /** Adds a leaf. Its bytes must not change afterwards. */
  push(leaf: Uint8Array): void {
    const index = Math.floor(this.size / TILE_WIDTH);
    this.#builder.push(hashLeaf(leaf));
    this.#bundle.push(leaf);
    this.#held += leaf.length;
    if (this.#bundle.length < TILE_WIDTH) return;
    const path = tilePath({ level: 'entries', index, width: TILE_WIDTH });
    this.#full.push({ path, bytes: encodeBundle(this.#bundle) });
    this.#bundle = [];
  }

  /** Returns the files that a tree of this size needs and the tree did not need when they were last taken. */
  take(): readonly NewFile[] {
    const files = this.#full;
    const bundle = partialTile('entries', this.size);
    if (bundle !== null) files.push({ path: tilePath(bundle), bytes: encodeBundle(this.#bundle) });
    for (const { tile, bytes } of this.#builder.edge()) files.push({ path: tilePath(tile), bytes });
    this.#full = [];
    this.#held = 0;
    return files;
  }
}
