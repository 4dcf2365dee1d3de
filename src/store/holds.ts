/** Rows of state.db about recordings: which must not be erased, and which are to be erased when their journal is closed. */

import type { DatabaseSync } from 'node:sqlite';
import { migrate } from './migrate.ts';

/** One wish about a session. Times in ms since the epoch. */
export interface Wish {
  readonly sid: string;
  readonly at: number;
  readonly who: string;
  readonly why: string;
}

/** The holds and the wishes to erase. A commit is on disk when a method returns. */
export interface Holds {
  hold(wish: Wish): void;
  /** Returns false when the session was not held. */
  release(sid: string): boolean;
  isHeld(sid: string): boolean;
  held(): readonly Wish[];
  /** Remembers that a session is to be erased. */
  toErase(wish: Wish): void;
  /** The sessions that are to be erased, oldest wish first. */
  wishes(): readonly Wish[];
  forget(sid: string): void;
}

const TABLE = 'sid TEXT PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL';
const STEPS = [
  `CREATE TABLE hold (${TABLE}) STRICT, WITHOUT ROWID; CREATE TABLE erasure (${TABLE}) STRICT, WITHOUT ROWID`,
];

/** Returns the holds in an open state.db; makes the tables when they are missing. */
export function openHolds(raw: DatabaseSync): Holds {
  migrate(raw, 'holds', STEPS);
  const put = (table: 'hold' | 'erasure') => {
    const statement = raw.prepare(`INSERT OR REPLACE INTO ${table} VALUES (?, ?, ?, ?)`);
    return ({ sid, at, who, why }: Wish): void => void statement.run(sid, at, who, why);
  };
  const all = (table: 'hold' | 'erasure') => {
    const statement = raw.prepare(`SELECT sid, at, who, why FROM ${table} ORDER BY at, sid`);
    return (): readonly Wish[] => statement.all().map(wishOf);
  };
  const release = raw.prepare('DELETE FROM hold WHERE sid = ?');
  const isHeld = raw.prepare('SELECT 1 FROM hold WHERE sid = ?');
  const forget = raw.prepare('DELETE FROM erasure WHERE sid = ?');
  return {
    hold: put('hold'),
    release: (sid) => release.run(sid).changes > 0,
    isHeld: (sid) => isHeld.get(sid) !== undefined,
    held: all('hold'),
    toErase: put('erasure'),
    wishes: all('erasure'),
    forget: (sid) => void forget.run(sid),
  };
}

const wishOf = (row: Readonly<Record<string, unknown>>): Wish => ({
  sid: String(row['sid']),
  at: Number(row['at']),
  who: String(row['who']),
  why: String(row['why']),
});
