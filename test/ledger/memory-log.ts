/** A log in memory: its files can be changed without a disk, and put back. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LogReader } from '../../src/ledger/log-reader.ts';
import { Malformed } from '../../src/ledger/malformed.ts';
import { filesOf } from './small-log.ts';

/** Files of a log by their paths. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** Returns the files of the log in `dir`. */
export const filesIn = (dir: string): Files =>
  new Map(filesOf(dir).map((path) => [path, new Uint8Array(readFileSync(join(dir, path)))]));

/** Returns a copy in which `path` holds `bytes`, or is gone when they are null. */
export const withFile = (files: Files, path: string, bytes: Uint8Array | null): Files => {
  const changed = new Map(files);
  if (bytes === null) changed.delete(path);
  else changed.set(path, bytes);
  return changed;
};

/** Returns a reader of `files`. */
export const readMemory = (files: Files): LogReader => ({
  async read(path, limit) {
    const bytes = files.get(path) ?? null;
    if (bytes !== null && bytes.length > limit) throw new Malformed(`${path} has more than ${limit} bytes`);
    return bytes;
  },
  async *stream(path) {
    const bytes = files.get(path);
    if (bytes !== undefined) yield bytes;
  },
  async *list() {
    yield* files.keys();
  },
});
