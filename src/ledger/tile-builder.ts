/** Grows the tiles of a log leaf by leaf, keeping only those at the right edge. */

import { CompactRange } from './compact-range.ts';
import { type Hash, HASH_BYTES, hashPerfect } from './hash.ts';
import { Malformed } from './malformed.ts';
import { type HashTile, leavesPerHash, partialTiles, TILE_BYTES, TILE_HEIGHT, TILE_WIDTH, tilePath } from './tile.ts';

/** A tile with the hashes in it. */
export interface TileBytes {
  readonly tile: HashTile;
  readonly bytes: Uint8Array;
}

/** Returns the roots of the perfect subtrees that `hashes` make up, largest first. */
const perfectParts = (hashes: Uint8Array): readonly Hash[] => {
  const parts: Hash[] = [];
  let at = 0;
  for (let part = TILE_BYTES / 2; part >= HASH_BYTES; part /= 2) {
    if (hashes.length - at < part) continue;
    parts.push(hashPerfect(hashes.subarray(at, at + part)));
    at += part;
  }
  return parts;
};

/** The tree of a growing log: its root at any time, and its tiles as they fill. */
export class TileBuilder {
  readonly #range: CompactRange;
  /** Hashes of the rightmost tile of each level, 8 KiB each. */
  readonly #edge: Uint8Array[] = [];
  readonly #full: (full: TileBytes) => void;

  /**
   * Goes on from a tree of `size` leaves, given its `partialTiles` with their hashes; `full` is told of each tile when
   * its 256th hash is in. Throws Malformed when a tile is missing or too short. The caller compares the root.
   */
  constructor(full: (full: TileBytes) => void, size = 0, edge: readonly Uint8Array[] = []) {
    this.#full = full;
    const parts = partialTiles(size).map((tile, at) => this.#resume(tile, edge[at]));
    this.#range = new CompactRange(size, parts.toReversed().flat(), (level, hash) => {
      if (level % TILE_HEIGHT === 0) this.#add(level / TILE_HEIGHT, hash);
    });
  }

  /** Leaves so far. */
  get size(): number {
    return this.#range.size;
  }

  /** The perfect subtrees of the tree, largest first. */
  get nodes(): readonly Hash[] {
    return this.#range.nodes;
  }

  /** Adds the hash of the next leaf. */
  push(leaf: Hash): void {
    this.#range.push(leaf);
  }

  /** Returns the root of the tree. */
  root(): Hash {
    return this.#range.root();
  }

  /** Returns the tiles that are not full, lowest level first; the bytes are copies. */
  edge(): readonly TileBytes[] {
    return partialTiles(this.size).map((tile) => ({
      tile,
      bytes: this.#level(tile.level).slice(0, tile.width * HASH_BYTES),
    }));
  }

  #resume(tile: HashTile, bytes: Uint8Array | undefined): readonly Hash[] {
    if (bytes?.length !== tile.width * HASH_BYTES) throw new Malformed(`${tilePath(tile)} is missing or too short`);
    this.#level(tile.level).set(bytes);
    return perfectParts(bytes);
  }

  #level(level: number): Uint8Array {
    return (this.#edge[level] ??= new Uint8Array(TILE_BYTES));
  }

  #add(level: number, hash: Hash): void {
    // The range counts a leaf only after it has told of all the nodes that the leaf completes.
    const place = Math.floor(this.#range.size / leavesPerHash(level));
    const index = Math.floor(place / TILE_WIDTH);
    const bytes = this.#level(level);
    bytes.set(hash, (place % TILE_WIDTH) * HASH_BYTES);
    if (place % TILE_WIDTH === TILE_WIDTH - 1)
      this.#full({ tile: { level, index, width: TILE_WIDTH }, bytes: bytes.slice() });
  }
}
