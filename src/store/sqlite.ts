/**
 * The embedded SQL store, kysely over node:sqlite. Three databases live in the data folder: `state.db` holds rows that
 * exist nowhere else (approvals, grants, revocations), `index.db` is a cache of the journals and the ledger, and
 * `limits.db` keeps what limits have counted.
 */

import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely';

/** An open database: `db` for queries, `raw` for statements prepared once. Both are one connection, so they share transactions. */
export interface Store<Tables> {
  readonly db: Kysely<Tables>;
  readonly raw: DatabaseSync;
  /** Closes the connection; a second call does nothing. */
  close(): Promise<void>;
}

/**
 * Returns `state.db` in `folder`, made when missing. A commit is on disk when it returns (WAL, synchronous=FULL, both
 * asserted: some drivers quietly reopen WAL databases at NORMAL). `Tables` is what the caller's `migrate` steps make.
 */
export function openState<Tables>(folder: string): Store<Tables> {
  return wrap(openWal(join(folder, 'state.db'), 'FULL'));
}

/**
 * Returns `index.db` in `folder`, made when missing. It may lose its last commits on power loss (synchronous=NORMAL):
 * the recorder rebuilds what is missing from the journals.
 */
export function openIndex<Tables>(folder: string): Store<Tables> {
  const raw = openWal(join(folder, 'index.db'), 'NORMAL');
  // moving the write-ahead log takes syncs: another thread does it (tend-index.ts), this one only if that fails to come
  raw.exec(`PRAGMA wal_autocheckpoint = ${WAL_PAGES}`);
  return wrap(raw);
}

/** Returns a database that may lose its last commits, and all of itself, without harm; made when missing. */
export const openScratch = (path: string): DatabaseSync => openWal(path, 'NORMAL');

/** Returns `index.db` in `folder` for reading only, or null when there is none; works beside a running gateway. */
export function readIndex<Tables>(folder: string): Store<Tables> | null {
  const path = join(folder, 'index.db');
  if (!existsSync(path)) return null;
  const raw = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });
  raw.exec('PRAGMA trusted_schema = OFF');
  return wrap(raw);
}

/** How long a statement waits for another connection's lock. */
const BUSY_MS = 5_000;

/** Pages of 4 KiB in the write-ahead log of the index at which its writer moves them itself. */
const WAL_PAGES = 16_384;

/** What `PRAGMA synchronous` reads as. */
const SYNCHRONOUS = { NORMAL: 1, FULL: 2 } as const;

function openWal(path: string, synchronous: keyof typeof SYNCHRONOUS): DatabaseSync {
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
  const raw = new DatabaseSync(path, { timeout: BUSY_MS });
  raw.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};
    PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF`);
  assertPragma(raw, path, 'journal_mode', 'wal');
  assertPragma(raw, path, 'synchronous', SYNCHRONOUS[synchronous]);
  return raw;
}

function assertPragma(raw: DatabaseSync, path: string, pragma: string, expected: string | number): void {
  const found = raw.prepare(`PRAGMA ${pragma}`).get()?.[pragma];
  if (found === expected) return;
  raw.close();
  throw new Error(`${path}: expected PRAGMA ${pragma} to be ${expected}, found ${String(found)}`);
}

function wrap<Tables>(raw: DatabaseSync): Store<Tables> {
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: adapt(raw) }) });
  return {
    db,
    raw,
    close: async () => {
      await db.destroy();
      if (raw.isOpen) raw.close();
    },
  };
}

/** node:sqlite in the shape that kysely's SQLite dialect asks for (that of better-sqlite3). */
function adapt(raw: DatabaseSync): SqliteDatabase {
  return {
    close: () => {
      if (raw.isOpen) raw.close();
    },
    prepare: (sql) => {
      const statement = raw.prepare(sql);
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...bindable(parameters)),
        run: (parameters) => statement.run(...bindable(parameters)),
        iterate: (parameters) => statement.iterate(...bindable(parameters)),
      };
    },
  };
}

function bindable(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters.map((value) => {
    if (isBindable(value)) return value;
    throw new TypeError(`expected a value that SQLite can hold, found ${typeof value}`);
  });
}

const isBindable = (value: unknown): value is SQLInputValue =>
  value === null || ['string', 'number', 'bigint'].includes(typeof value) || value instanceof Uint8Array;
