/**
 * Moves the write-ahead log of index.db into the database, away from the recorder thread: that takes syncs, and whoever
 * waits for an opening to be durable would wait for them too.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** How often, in ms. */
const EVERY_MS = 1_000;

/** Stops the tending. */
export interface Tender {
  close(): void;
}

/**
 * Tends the index of a data folder from this thread, until it is closed. Without it the log is moved by the writer
 * itself, in larger steps (`openIndex`), and nothing else changes.
 */
export function tendIndex(folder: string): Tender {
  let index: DatabaseSync | null = null;
  const path = join(folder, 'index.db');
  const timer = setInterval(() => {
    try {
      if (index === null && existsSync(path)) index = new DatabaseSync(path);
      // PASSIVE waits for nobody, and gives up where somebody reads or writes (sqlite.org/pragma.html#pragma_wal_checkpoint)
      index?.prepare('PRAGMA wal_checkpoint(PASSIVE)').get();
    } catch (error) {
      // whoever has the whole database, as at its creation, is not waited for either
      if (!isBusy(error)) throw error;
    }
  }, EVERY_MS).unref();
  return {
    close: () => {
      clearInterval(timer);
      if (index?.isOpen === true) index.close();
    },
  };
}

/** SQLITE_BUSY and its extended codes (sqlite.org/rescode.html#busy). */
const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && (error.errcode & 0xff) === 5;
