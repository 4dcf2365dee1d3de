/** Whether leaves, tiles and checkpoints are one tree. */

import { encodeBundle } from './bundle.ts';
import { type BundleCheck, readBundle } from './check-bundle.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type Hash, HASH_BYTES, sameBytes } from './hash.ts';
import type { ReadLeaf } from './leaf.ts';
import type { LogReader } from './log-reader.ts';
import { malformedMessage } from './malformed.ts';
import type { Found, ProblemKind } from './report.ts';
import { partialTile, TILE_WIDTH, type Tile, tilePath, widthAt } from './tile.ts';
import { TileBuilder, type TileBytes } from './tile-builder.ts';
import { readTile } from './tile-hashes.ts';

/** What the walk over a tree is given and tells. */
export interface Steps {
  /** Is handed every leaf of a bundle that can be read: null for one that is none. */
  readonly leaf: (index: number, leaf: ReadLeaf | null) => void | Promise<void>;
  /** Is told of each checkpoint whose root is that of the leaves, when it is reached. */
  readonly matched: (checkpoint: Checkpoint) => void;
  /** Checks one bundle; those after it are asked for in order. */
  readonly check: BundleCheck;
  /** Returns the next checkpoint to compare with; null for no more. */
  readonly nextCheckpoint: () => Promise<Checkpoint | null>;
  /** The sizes of more trees whose roots are wanted. */
  readonly rootsWantedAt: ReadonlySet<number>;
  /** Is told when all leaves before a full bundle's end have been verified, and resolves when it has taken note. */
  readonly passed: (size: number, edge: () => readonly TileBytes[]) => void | Promise<void>;
  /** Is told how many leaves have been verified. */
  readonly progress: (done: number) => void;
}

/** A tree of full bundles, as hashes of its tiles that are not full, lowest level first. */
export interface TreeEdge {
  readonly size: number;
  readonly edge: readonly Uint8Array[];
}

const NO_TREE: TreeEdge = { size: 0, edge: [] };

/**
 * Goes through all leaves under a checkpoint, in memory of one bundle and one tile for each level: hashes them, compares
 * every tile with what it must hold, and the root with every checkpoint of the history.
 */
export class TreeWalk {
  readonly #files: LogReader;
  readonly #found: Found;
  readonly #steps: Steps;
  readonly #size: number;
  /** The first leaf that is read. */
  readonly from: number;
  readonly #builder: TileBuilder;
  /** Tiles that are full and not compared yet. */
  readonly #full: TileBytes[] = [];
  /** The next checkpoint to compare with. */
  #due: Checkpoint | null = null;
  #rootIsWrong = false;
  /** Checkpoints whose root is that of the leaves. */
  matched = 0;
  /** The roots that were wanted, by size, as far as the walk has come. */
  readonly roots = new Map<number, Hash>();
  /** Partial tiles that were compared: only those at the right edge, so they are few. */
  readonly compared = new Set<string>();

  /** Walks over the first `size` leaves, from those on that `from` is the tree of. */
  constructor(files: LogReader, size: number, found: Found, steps: Steps, from: TreeEdge = NO_TREE) {
    this.#files = files;
    this.#size = size;
    this.from = from.size;
    this.#found = found;
    this.#steps = steps;
    this.#builder = new TileBuilder((full) => this.#full.push(full), from.size, from.edge);
  }

  /** Walks to the end. Returns false when leaves and hashes are both missing, so that it cannot get there. */
  async run(): Promise<boolean> {
    this.#due = await this.#steps.nextCheckpoint();
    await this.#arrive();
    while (this.#builder.size < this.#size) {
      const index = Math.floor(this.#builder.size / TILE_WIDTH);
      const width = widthAt({ level: 'entries', index, width: TILE_WIDTH }, this.#size);
      if (!(await this.#takeBundle(index, width))) return false;
      for (const full of this.#full.splice(0)) if (full.tile.level > 0) await this.#compareTile(full);
      this.#steps.progress(this.#builder.size);
      // awaited only where there is something to wait for
      const noted =
        width === TILE_WIDTH ? this.#steps.passed(this.#builder.size, () => this.#builder.edge()) : undefined;
      if (noted !== undefined) await noted;
    }
    return true;
  }

  /** Compares the root with that of the checkpoint that the walk was for, in case the history does not lead to it. */
  compareHead({ size, root }: Checkpoint): void {
    if (!sameBytes(this.#builder.root(), root)) this.#tellWrongRoot(size);
  }

  /** Goes through one bundle of leaves; false when neither they nor their hashes are there. */
  async #takeBundle(index: number, width: number): Promise<boolean> {
    const { leaves, hashes, problems } = await this.#steps.check(index, width);
    for (const { kind, where, message } of problems) this.#found.problem(kind, where, message);
    if (hashes === null) return false;
    if (width < TILE_WIDTH) {
      this.compared.add(tilePath({ level: 'entries', index, width })).add(tilePath({ level: 0, index, width }));
    }
    const first = index * TILE_WIDTH;
    for (let at = 0; at < width; at++) {
      const leaf = leaves?.[at];
      // awaited only where there is something to wait for: a turn for each leaf would cost more than the leaf
      const taken = leaf === undefined ? undefined : this.#steps.leaf(first + at, leaf);
      if (taken !== undefined) await taken;
      this.#builder.push(hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES));
      const { size } = this.#builder;
      if (size === this.#due?.size || this.#steps.rootsWantedAt.has(size)) await this.#arrive();
    }
    return true;
  }

  /** Compares everything that is due at the present size. */
  async #arrive(): Promise<void> {
    const { size } = this.#builder;
    if (this.#steps.rootsWantedAt.has(size)) this.roots.set(size, this.#builder.root());
    while (this.#due !== null && this.#due.size <= size) {
      if (this.#due.size === size) await this.#compareCheckpoint(this.#due);
      this.#due = await this.#steps.nextCheckpoint();
    }
  }

  async #compareCheckpoint(checkpoint: Checkpoint): Promise<void> {
    const { size, root } = checkpoint;
    if (sameBytes(this.#builder.root(), root)) {
      this.matched += 1;
      this.#steps.matched(checkpoint);
    } else this.#tellWrongRoot(size);
    const bundle = partialTile('entries', size);
    if (bundle !== null && this.#mustBeKept(bundle)) await this.#compareBundle(bundle);
    for (const edge of this.#builder.edge()) if (this.#mustBeKept(edge.tile)) await this.#compareTile(edge);
  }

  // Once the root is wrong it stays wrong: the first checkpoint that tells is enough.
  #tellWrongRoot(size: number): void {
    if (this.#rootIsWrong) return;
    this.#rootIsWrong = true;
    this.#found.problem('root', `checkpoint of size ${size}`, 'the leaves lead to another root than was signed');
  }

  // Partial tiles of every checkpoint are kept until the full ones are there (C2SP tlog-tiles "Partial Tiles").
  #mustBeKept(tile: Tile): boolean {
    return widthAt(tile, this.#size) < TILE_WIDTH && !this.compared.has(tilePath(tile));
  }

  async #compareBundle(tile: Tile): Promise<void> {
    this.compared.add(tilePath(tile));
    const stored = await this.#orProblem('bundle', tile, readBundle(this.#files, tile));
    const wider = { ...tile, width: widthAt(tile, this.#size) };
    const whole = await readBundle(this.#files, wider).catch(() => null);
    // one that is missing or malformed is told of where its leaves are checked
    if (stored === null || whole === null) return;
    if (sameBytes(encodeBundle(stored), encodeBundle(whole.slice(0, tile.width)))) return;
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
