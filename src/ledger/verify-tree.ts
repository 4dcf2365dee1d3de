/** Whether leaves, tiles and checkpoints are one tree. */

import { decodeBundle, encodeBundle, MAX_BUNDLE_BYTES } from './bundle.ts';
import type { Checkpoint } from './checkpoint.ts';
import { EMPTY_ROOT, type Hash, HASH_BYTES, hashLeaf, sameBytes } from './hash.ts';
import type { LogReader } from './log-reader.ts';
import { Malformed, malformedMessage } from './malformed.ts';
import type { Found, ProblemKind } from './report.ts';
import { type HashTile, partialTile, TILE_WIDTH, type Tile, tilePath, widthAt } from './tile.ts';
import { TileBuilder, type TileBytes } from './tile-builder.ts';
import { readTile } from './tile-hashes.ts';

/** Returns the leaves of a bundle as it is in a tree where it has this width, or null when it is not stored. */
const readBundle = async (files: LogReader, tile: Tile): Promise<readonly Uint8Array[] | null> => {
  const own = await files.read(tilePath(tile), MAX_BUNDLE_BYTES);
  // A partial bundle may have been replaced by the full one (C2SP tlog-tiles "Partial Tiles").
  const bytes = own ?? (await files.read(tilePath({ ...tile, width: TILE_WIDTH }), MAX_BUNDLE_BYTES));
  if (bytes === null) return null;
  const leaves = decodeBundle(bytes);
  const fits = own === null ? leaves.length === TILE_WIDTH : leaves.length === tile.width;
  if (!fits) throw new Malformed(`holds ${leaves.length} entries, not ${tile.width}`);
  return leaves.slice(0, tile.width);
};

/** What the walk over a tree is given and tells. */
export interface Steps {
  /** Is handed every leaf that can be read. */
  readonly leaf: (index: number, bytes: Uint8Array) => void;
  /** Returns the next checkpoint to compare with; null for no more. */
  readonly nextCheckpoint: () => Promise<Checkpoint | null>;
  /** The size of one more tree whose root is wanted; -1 for none. */
  readonly rootWantedAt: number;
  /** Is told how many leaves have been verified. */
  readonly progress: (done: number) => void;
}

/**
 * Goes through all leaves under a checkpoint, in memory of one bundle and one tile for each level: hashes them, compares
 * every tile with what it must hold, and the root with every checkpoint of the history.
 */
export class TreeWalk {
  readonly #files: LogReader;
  readonly #found: Found;
  readonly #steps: Steps;
  readonly #size: number;
  readonly #builder: TileBuilder;
  /** Tiles that are full and not compared yet. */
  readonly #full: TileBytes[] = [];
  /** Leaves of the bundle that is being hashed; null when they cannot be read. */
  #bundle: readonly Uint8Array[] | null = [];
  /** The next checkpoint to compare with. */
  #due: Checkpoint | null = null;
  #rootIsWrong = false;
  /** Checkpoints whose root is that of the leaves. */
  matched = 0;
  /** The root that was wanted; null until the walk gets there. */
  wantedRoot: Hash | null = null;
  /** Partial tiles that were compared: only those at the right edge, so they are few. */
  readonly compared = new Set<string>();

  /** Walks over the first `size` leaves. */
  constructor(files: LogReader, size: number, found: Found, steps: Steps) {
    this.#files = files;
    this.#size = size;
    this.#found = found;
    this.#steps = steps;
    this.#builder = new TileBuilder((full) => this.#full.push(full));
  }

  /** Walks to the end. Returns false when leaves and hashes are both missing, so that it cannot get there. */
  async run(): Promise<boolean> {
    this.#due = await this.#steps.nextCheckpoint();
    await this.#arrive();
    while (this.#builder.size < this.#size) {
      const index = Math.floor(this.#builder.size / TILE_WIDTH);
      const width = widthAt({ level: 'entries', index, width: TILE_WIDTH }, this.#size);
      if (!(await this.#hashBundle(index, width))) return false;
      for (const full of this.#full.splice(0)) if (full.tile.level > 0) await this.#compareTile(full);
      this.#steps.progress(this.#builder.size);
    }
    return true;
  }

  /** Hashes one bundle of leaves and compares it with its tile. */
  async #hashBundle(index: number, width: number): Promise<boolean> {
    const entries: Tile = { level: 'entries', index, width };
    const tile: HashTile = { level: 0, index, width };
    this.#bundle = await this.#orProblem('bundle', entries, readBundle(this.#files, entries));
    const hashes = await this.#orProblem('tile', tile, readTile(this.#files, tile));
    if (this.#bundle === null && hashes === null) return false;
    if (width < TILE_WIDTH) this.compared.add(tilePath(entries)).add(tilePath(tile));
    for (let at = 0; at < width; at++) {
      const stored = hashes === null ? null : hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
      this.#builder.push(this.#hashOf(tile, at, this.#bundle?.[at] ?? null, stored));
      const { size } = this.#builder;
      if (size === this.#due?.size || size === this.#steps.rootWantedAt) await this.#arrive();
    }
    return true;
  }

  /** Returns the hash to go on with: of the leaf or in the tile, whichever is there. They must be the same. */
  #hashOf(tile: HashTile, at: number, leaf: Uint8Array | null, stored: Hash | null): Hash {
    if (leaf === null) return stored ?? EMPTY_ROOT;
    const index = tile.index * TILE_WIDTH + at;
    this.#steps.leaf(index, leaf);
    const hash = hashLeaf(leaf);
    if (stored === null || sameBytes(hash, stored)) return hash;
    this.#found.problem('leaf', `leaf ${index}`, `is not the one that ${tilePath(tile)} has the hash of`);
    // The root then tells which of the two was changed: with the stored hash it is right when only the leaf was.
    return stored;
  }

  /** Compares everything that is due at the present size. */
  async #arrive(): Promise<void> {
    const { size } = this.#builder;
    if (size === this.#steps.rootWantedAt) this.wantedRoot = this.#builder.root();
    while (this.#due !== null && this.#due.size <= size) {
      if (this.#due.size === size) await this.#compareCheckpoint(this.#due);
      this.#due = await this.#steps.nextCheckpoint();
    }
  }

  async #compareCheckpoint({ size, root }: Checkpoint): Promise<void> {
    if (sameBytes(this.#builder.root(), root)) this.matched += 1;
    // Once the root is wrong it stays wrong: the first checkpoint that tells is enough.
    else if (!this.#rootIsWrong) {
      this.#rootIsWrong = true;
      this.#found.problem('root', `checkpoint of size ${size}`, 'the leaves lead to another root than was signed');
    }
    const bundle = partialTile('entries', size);
    if (bundle !== null && this.#mustBeKept(bundle)) await this.#compareBundle(bundle);
    for (const edge of this.#builder.edge()) if (this.#mustBeKept(edge.tile)) await this.#compareTile(edge);
  }

  // Partial tiles of every checkpoint are kept until the full ones are there (C2SP tlog-tiles "Partial Tiles").
  #mustBeKept(tile: Tile): boolean {
    return widthAt(tile, this.#size) < TILE_WIDTH && !this.compared.has(tilePath(tile));
  }

  async #compareBundle(tile: Tile): Promise<void> {
    this.compared.add(tilePath(tile));
    const stored = await this.#orProblem('bundle', tile, readBundle(this.#files, tile));
    if (stored === null || this.#bundle === null) return;
    if (sameBytes(encodeBundle(stored), encodeBundle(this.#bundle.slice(0, tile.width)))) return;
    this.#found.problem('bundle', tilePath(tile), 'holds other leaves than the wider one');
  }

  async #compareTile({ tile, bytes }: TileBytes): Promise<void> {
    if (tile.width < TILE_WIDTH) this.compared.add(tilePath(tile));
    const stored = await this.#orProblem('tile', tile, readTile(this.#files, tile));
    if (stored === null || sameBytes(stored, bytes)) return;
    this.#found.problem('tile', tilePath(tile), 'holds other hashes than the leaves lead to');
  }

  /** Returns what was read, or null after telling that it is missing or malformed. */
  async #orProblem<T>(kind: ProblemKind, tile: Tile, reading: Promise<T | null>): Promise<T | null> {
    try {
      const read = await reading;
      if (read === null) this.#found.problem(kind, tilePath(tile), 'is missing');
      return read;
    } catch (error) {
      this.#found.problem(kind, tilePath(tile), malformedMessage(error));
      return null;
    }
  }
}
