/** Whether every file of a log belongs to it. */

import { decodeBundle, encodeBundle, MAX_BUNDLE_BYTES } from './bundle.ts';
import { CHECKPOINT_PATH, HISTORY_PATH, type LogReader } from './log-reader.ts';
import { Malformed, malformedMessage } from './malformed.ts';
import type { Found } from './report.ts';
import { HASH_BYTES } from './hash.ts';
import { parseTilePath, TILE_BYTES, TILE_WIDTH, type Tile, tilePath, widthAt } from './tile.ts';

/** Returns the bytes that a tile of this width begins with. */
const beginning = (tile: Tile, bytes: Uint8Array, width: number): string =>
  (tile.level === 'entries'
    ? encodeBundle(decodeBundle(bytes).slice(0, width))
    : bytes.subarray(0, width * HASH_BYTES)
  ).toBase64();

const limitOf = ({ level }: Tile): number => (level === 'entries' ? MAX_BUNDLE_BYTES : TILE_BYTES);

/** Throws Malformed unless a partial tile that may be left over is the beginning of the one that took its place. */
const checkLeftOver = async (files: LogReader, tile: Tile, size: number): Promise<void> => {
  const wider = { ...tile, width: widthAt(tile, size) };
  const stored = await files.read(tilePath(tile), limitOf(tile));
  const whole = await files.read(tilePath(wider), limitOf(tile));
  // Either may go away while the log grows; a wider one that is missing was told of already.
  if (stored === null || whole === null) return;
  if (beginning(tile, whole, tile.width) !== stored.toBase64()) {
    throw new Malformed(`is not the beginning of ${tilePath(wider)}`);
  }
};

/**
 * Looks at the name of every file of a log of `size` leaves, and into partial tiles that are left over. `compared` are
 * the partial tiles that were looked into already.
 */
export const checkFiles = async (
  files: LogReader,
  size: number,
  compared: ReadonlySet<string>,
  found: Found,
): Promise<void> => {
  let beyond = 0;
  for await (const path of files.list()) {
    if (path === CHECKPOINT_PATH || path === HISTORY_PATH || compared.has(path)) continue;
    try {
      const tile = parseTilePath(path);
      const width = widthAt(tile, size);
      if (width < tile.width) beyond += 1;
      else if (tile.width < TILE_WIDTH) await checkLeftOver(files, tile, size);
    } catch (error) {
      found.problem('file', path, malformedMessage(error));
    }
  }
  if (beyond > 0) found.finding('growing', 'tile', `${beyond} files lie beyond the checkpoint of ${size} leaves`);
};
