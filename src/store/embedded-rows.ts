/**
 * Rows of one process after the other in `limits.db`: so that the windows of limits outlive a restart. It is neither
 * truth nor a cache of it: without it, counting begins anew.
 */

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { migrate } from './migrate.ts';
import type { Heard, Saying, SharedRow, SharedRows } from './shared-rows.ts';
import { openScratch } from './sqlite.ts';

const STEPS: readonly string[] = [
  `CREATE TABLE counts (
     name BLOB NOT NULL, cell INTEGER NOT NULL, width REAL NOT NULL, amount REAL NOT NULL, until REAL NOT NULL,
     rev INTEGER NOT NULL, PRIMARY KEY (name, cell)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX counts_by_rev ON counts (rev);
   CREATE TABLE registers (
     name BLOB NOT NULL, generation INTEGER NOT NULL, width REAL NOT NULL, registers BLOB NOT NULL, until REAL NOT NULL,
     rev INTEGER NOT NULL, PRIMARY KEY (name, generation)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX registers_by_rev ON registers (rev);
   CREATE TABLE revision (rev INTEGER NOT NULL) STRICT;
   INSERT INTO revision VALUES (0);`,
  // rows of one process each, as a store that several hosts share needs them
  `DROP TABLE counts;
   DROP TABLE registers;
   CREATE TABLE rows (
     name BLOB NOT NULL, part INTEGER NOT NULL, process TEXT NOT NULL, body BLOB NOT NULL, until REAL NOT NULL,
     rev INTEGER NOT NULL, PRIMARY KEY (name, part, process)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX rows_by_rev ON rows (rev);`,
];

/** How often rows that no longer count are deleted. Milliseconds. */
const SWEEP_MS = 60_000;

/** Returns the rows in `limits.db` of `folder`, made when missing. Throws an Error when the file is broken. */
export function openEmbeddedRows(folder: string): SharedRows {
  const path = join(folder, 'limits.db');
  try {
    const raw = openScratch(path);
    migrate(raw, 'limits', STEPS);
    return new EmbeddedRows(raw);
  } catch (cause) {
    // to begin anew is the operator's to decide: it would let every limit be used once more
    throw new Error(`${path} cannot be used; without it, limits begin to count anew`, { cause });
  }
}

class EmbeddedRows implements SharedRows {
  /** The store is of this machine. */
  readonly ahead = 0;
  readonly #raw: DatabaseSync;
  readonly #process = randomUUID();
  readonly #write;
  readonly #changed;
  #mark = 0;
  #swept = 0;

  constructor(raw: DatabaseSync) {
    this.#raw = raw;
    this.#write = raw.prepare(`INSERT INTO rows (name, part, process, body, until, rev) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (name, part, process) DO UPDATE SET body = excluded.body, until = excluded.until, rev = excluded.rev`);
    this.#changed = raw.prepare(`SELECT name, part, body, until FROM rows
      WHERE process <> ? AND until > ?
        AND (name, part) IN (SELECT name, part FROM rows WHERE rev > ? AND process <> ?)
      ORDER BY name, part`);
  }

  /** The embedded store belongs to one process: what it finds is of those before it, and none of them lives. */
  async exchange(saying: Saying, take: (rows: readonly SharedRow[]) => void): Promise<Heard> {
    const { rows, now } = saying;
    // where nothing is brought, nothing is written either
    this.#raw.exec(rows.length > 0 ? 'BEGIN IMMEDIATE' : 'BEGIN');
    try {
      if (rows.length > 0) this.#put(saying);
      const rev = Number(this.#raw.prepare('SELECT rev FROM revision').get()?.['rev']);
      const found = this.#changed.all(this.#process, now, this.#mark, this.#process).map(rowOf);
      this.#raw.exec('COMMIT');
      take(found);
      this.#mark = rev;
      return { living: [], forgot: false };
    } catch (error) {
      if (this.#raw.isTransaction) this.#raw.exec('ROLLBACK');
      throw error;
    }
  }

  #put({ rows, now }: Saying): void {
    const rev = Number(this.#raw.prepare('UPDATE revision SET rev = rev + 1 RETURNING rev').get()?.['rev']);
    for (const { name, part, body, until } of rows) this.#write.run(name, part, this.#process, body, until, rev);
    if (now - this.#swept < SWEEP_MS) return;
    this.#swept = now;
    this.#raw.prepare('DELETE FROM rows WHERE until <= ?').run(now);
  }

  async close(): Promise<void> {
    if (this.#raw.isOpen) this.#raw.close();
  }
}

const bytes = (value: unknown): Uint8Array => (value instanceof Uint8Array ? value : new Uint8Array());

const rowOf = (row: Readonly<Record<string, unknown>>): SharedRow => ({
  name: bytes(row['name']),
  part: Number(row['part']),
  body: bytes(row['body']),
  until: Number(row['until']),
});
