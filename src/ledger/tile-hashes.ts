/** Reads hashes of the tree out of stored tiles. */

import { type Hash, HASH_BYTES, hashPerfect } from './hash.ts';
import type { LogReader } from './log-reader.ts';
import { Malformed } from './malformed.ts';
import type { HashReader } from './prove.ts';
import { type HashTile, TILE_BYTES, TILE_HEIGHT, TILE_WIDTH, tilePath, widthAt } from './tile.ts';

/**
 * Returns the hashes of a tile as it is in a tree of `size` leaves, or null when it is not stored. A partial tile may
 * have been replaced by the full one, whose beginning it is (C2SP tlog-tiles "Partial Tiles").
 * Throws Malformed when the stored tile has another length.
 */
export const readTile = async (files: LogReader, tile: HashTile): Promise<Uint8Array | null> => {
  const bytes = await files.read(tilePath(tile), TILE_BYTES);
  const full = bytes === null && tile.width < TILE_WIDTH ? { ...tile, width: TILE_WIDTH } : null;
  if (full !== null) return (await readTile(files, full))?.subarray(0, tile.width * HASH_BYTES) ?? null;
  if (bytes !== null && bytes.length !== tile.width * HASH_BYTES) {
    throw new Malformed(`${tilePath(tile)} has ${bytes.length} bytes, not ${tile.width * HASH_BYTES}`);
  }
  return bytes;
};

/**
 * Returns a reader of the hashes of a tree of `size` leaves. It remembers every tile it has read: make one for each
 * proof. A missing tile is Malformed. The hashes are as trustworthy as the proof that is then verified with them.
 */
export const tileHashes = (files: LogReader, size: number): HashReader => {
  const seen = new Map<string, Promise<Uint8Array | null>>();
  const read = (tile: HashTile): Promise<Uint8Array | null> => {
    const path = tilePath(tile);
    const bytes = seen.get(path) ?? readTile(files, tile);
    seen.set(path, bytes);
    return bytes;
  };
  return {
    async node(level: number, index: number): Promise<Hash> {
      const inTile = level % TILE_HEIGHT;
      const first = index * 2 ** inTile;
      const place = { level: (level - inTile) / TILE_HEIGHT, index: Math.floor(first / TILE_WIDTH), width: TILE_WIDTH };
      const tile = { ...place, width: widthAt(place, size) };
      const at = (first % TILE_WIDTH) * HASH_BYTES;
      const end = at + 2 ** inTile * HASH_BYTES;
      const bytes = tile.width === 0 ? null : await read(tile);
      if (bytes === null || end > bytes.length) throw new Malformed(`${tilePath(tile)} is missing`);
      return hashPerfect(bytes.subarray(at, end));
    },
  };
};
