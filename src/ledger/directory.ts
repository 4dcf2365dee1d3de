/** A log in a folder, as verifiers read it. */

import { constants } from 'node:fs';
import { open, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogReader } from './log-reader.ts';
import { Malformed } from './malformed.ts';

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

/** Returns an open regular file, or null when there is none. Throws Malformed for a folder, a pipe or the like. */
const openFile = async (path: string, name: string) => {
  try {
    // Without O_NONBLOCK, a pipe in the place of a file would hold the verifier up for ever.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = await file.stat();
    if (stat.isFile()) return { file, size: stat.size };
    await file.close();
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  throw new Malformed(`${name} is not a regular file`);
};

const STREAM_BYTES = 64 * 1024;

async function* walk(root: string, below: string): AsyncGenerator<string> {
  for await (const entry of await opendir(join(root, below))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) yield* walk(root, path);
    else yield path;
  }
}

/** Returns a reader of the log in `folder`. Links are followed; files may come and go while it reads. */
export const readDirectory = (folder: string): LogReader => ({
  async read(path, limit) {
    const opened = await openFile(join(folder, path), path);
    if (opened === null) return null;
    await using file = opened.file;
    if (opened.size > limit) throw new Malformed(`${path} has ${opened.size} bytes, more than ${limit}`);
    return file.readFile();
  },
  async *stream(path) {
    const opened = await openFile(join(folder, path), path);
    if (opened === null) return;
    await using file = opened.file;
    yield* file.createReadStream({ highWaterMark: STREAM_BYTES, autoClose: false });
  },
  list: () => walk(folder, ''),
});
