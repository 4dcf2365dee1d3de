/** Files that are there after a power cut, whole or not at all: written aside, synced, renamed, and their folder synced. */

import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A file to be, by its path relative to a root. */
export interface NewFile {
  readonly path: string;
  readonly bytes: Uint8Array | string;
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** Returns the bytes of a file, or null when there is none. */
export const readIfThere = async (path: string): Promise<Uint8Array | null> => {
  try {
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
};

/** Makes the names in a folder durable. */
export const syncFolder = async (folder: string): Promise<void> => {
  await using handle = await open(folder, 'r');
  await handle.sync();
};

/** Makes the names in a folder durable before it returns. */
export const syncFolderSync = (folder: string): void => {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
};

/** Makes `folder`, and returns the folders whose names in their parents are new, as the parents to sync. */
const makeFolder = async (folder: string): Promise<readonly string[]> => {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return [];
  const parents: string[] = [];
  for (let made = folder; made.length >= first.length; made = dirname(made)) parents.push(dirname(made));
  return parents;
};

/** Makes `folder` and its missing parents, durably. */
export const makeFolderDurably = async (folder: string): Promise<void> => {
  for (const parent of await makeFolder(folder)) await syncFolder(parent);
};

/**
 * Writes files under `root` by way of `aside`, a folder on the same file system, and replaces what is there.
 * All are durable when it resolves; each is whole at any time. The folders are synced once, after the last rename.
 */
export const writeDurably = async (root: string, aside: string, files: readonly NewFile[]): Promise<void> => {
  const touched = new Set<string>();
  for (const { path, bytes } of files) {
    const target = join(root, path);
    const folder = dirname(target);
    if (!touched.has(folder)) for (const parent of await makeFolder(folder)) touched.add(parent);
    touched.add(folder);
    const written = join(aside, 'file');
    await writeFile(written, bytes, { flush: true });
    await rename(written, target);
  }
  for (const folder of touched) await syncFolder(folder);
};

/**
 * Puts a file in the place of the one at `path`, if there is one, durably and by way of a file beside it: whole at any
 * time. `mode` is that of the new file.
 */
export const replaceDurablySync = (path: string, bytes: Uint8Array | string, mode = 0o600): void => {
  const written = `${path}.new`;
  writeFileSync(written, bytes, { mode, flush: true });
  renameSync(written, path);
  syncFolderSync(dirname(path));
};

/** Writes one new file durably before it returns: for the moment in which nothing else may happen. */
export const writeDurablySync = (path: string, aside: string, bytes: Uint8Array): void => {
  const written = join(aside, 'file-sync');
  writeFileSync(written, bytes, { flush: true });
  renameSync(written, path);
  syncFolderSync(dirname(path));
};
