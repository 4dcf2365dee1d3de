/** One gateway per data folder: two writers would each keep half of the evidence. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A held lock. */
export interface FolderLock {
  /** Lets another process have the folder. */
  release(): void;
}

/**
 * Returns the lock of a data folder, held until `release` or the end of the process: an exclusive transaction on
 * `lock.db`, so the kernel lets go of it however the process dies. Makes the folder (mode 0700) when missing.
 * Throws an Error when another process holds it.
 */
export function lockFolder(folder: string): FolderLock {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = new DatabaseSync(join(folder, 'lock.db'));
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    if (!isLocked(cause)) throw cause;
    throw new Error(
      `${folder} is in use by another sallyport process; stop it first, or give this one its own store.path`,
      {
        cause,
      },
    );
  }
  return {
    release: () => {
      if (lock.isOpen) lock.close();
    },
  };
}

// https://www.sqlite.org/rescode.html#busy, #locked
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;

const isLocked = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && (error.errcode === SQLITE_BUSY || error.errcode === SQLITE_LOCKED);
