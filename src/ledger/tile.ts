/** Which tiles and entry bundles make up a log, and where they are stored: C2SP tlog-tiles. */

import { HASH_BYTES } from './hash.ts';
import { Malformed } from './malformed.ts';

/** Hashes in a full tile, and entries in a full bundle. */
export const TILE_WIDTH = 256;
/** Levels of the tree in one tile: 256 = 2^8. */
export const TILE_HEIGHT = 8;
/** Bytes of a full tile of hashes. */
export const TILE_BYTES = TILE_WIDTH * HASH_BYTES;

/** One tile of hashes, or one bundle of the entries themselves. */
export interface Tile {
  /** 0 holds leaf hashes; each hash of a higher level is the root of a full tile below. `entries` holds leaves. */
  readonly level: number | 'entries';
  /** Place among the tiles of its level, from 0. */
  readonly index: number;
  /** Hashes or entries in it, 1 to 256; fewer than 256 make a partial tile. */
  readonly width: number;
}

/** A tile of hashes. */
export interface HashTile extends Tile {
  readonly level: number;
}

/** Returns the elements of `index` in groups of three digits, all but the last marked: 1234067 is `x001/x234/067`. */
const indexPath = (index: number): string => {
  const last = String(index % 1000).padStart(3, '0');
  const rest = Math.floor(index / 1000);
  return rest === 0 ? last : `${indexPath(rest).replace(/(\d{3})$/, 'x$1')}/${last}`;
};

/** Returns the folder that holds the partial versions of a tile. */
export const partialFolder = ({ level, index }: Tile): string => `tile/${level}/${indexPath(index)}.p`;

/** Returns where a tile is stored, relative to the root of the log. */
export const tilePath = (tile: Tile): string =>
  tile.width === TILE_WIDTH ? `tile/${tile.level}/${indexPath(tile.index)}` : `${partialFolder(tile)}/${tile.width}`;

// C2SP tlog-tiles "Merkle Tree": levels are 0 to 63.
const MAX_LEVEL = 63;
const TILE_PATH = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/)*)(\d{3})(?:\.p\/(\d{1,3}))?$/;

/** Returns the tile that is stored at `path`. Throws Malformed when `path` is not exactly what `tilePath` makes. */
export const parseTilePath = (path: string): Tile => {
  const [, level = '', groups = '', last = '', width] = TILE_PATH.exec(path) ?? [];
  const tile: Tile = {
    level: level === 'entries' ? level : Number(level),
    index: Number(groups.replaceAll(/[x/]/g, '') + last),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  const levelFits = tile.level === 'entries' || tile.level <= MAX_LEVEL;
  const widthFits = tile.width >= 1 && tile.width <= TILE_WIDTH;
  const fits = levelFits && widthFits && Number.isSafeInteger(tile.index);
  // A number that does not encode to itself again has a second spelling, and is refused.
  if (!fits || tilePath(tile) !== path) throw new Malformed(`${path} is not the path of a tile`);
  return tile;
};

/** Returns the leaves under one hash of a tile at `level`: 256^level. */
export const leavesPerHash = (level: number | 'entries'): number => (level === 'entries' ? 1 : TILE_WIDTH ** level);

/** Returns the tile at `level` that is not full in a tree of `size` leaves; null when there is none. */
export const partialTile = <L extends Tile['level']>(level: L, size: number): (Tile & { readonly level: L }) | null => {
  const hashes = Math.floor(size / leavesPerHash(level));
  const width = hashes % TILE_WIDTH;
  return width === 0 ? null : { level, index: Math.floor(hashes / TILE_WIDTH), width };
};

/** Returns how many hashes the tile at this place has in a tree of `size` leaves: 0 to 256. */
export const widthAt = ({ level, index }: Tile, size: number): number =>
  Math.max(0, Math.min(TILE_WIDTH, Math.floor(size / leavesPerHash(level)) - index * TILE_WIDTH));

/** Returns the levels that a tree of `size` leaves has tiles on: [0], [0, 1], …; none for the empty tree. */
export const tileLevels = (size: number): readonly number[] => {
  const levels: number[] = [];
  for (let level = 0; leavesPerHash(level) <= size; level++) levels.push(level);
  return levels;
};

/** Returns the tiles of hashes that are not full in a tree of `size` leaves, lowest level first: its right edge. */
export const partialTiles = (size: number): readonly HashTile[] =>
  tileLevels(size)
    .map((level) => partialTile(level, size))
    .filter((tile) => tile !== null);
