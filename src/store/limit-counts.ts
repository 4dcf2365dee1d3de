/**
 * What limits have counted, in `limits.db`: so that a window outlives a restart, and so that processes on one store
 * know of one another's counts. It is neither truth nor a cache of it: without it, counting begins anew.
 */

import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { migrate } from './migrate.ts';
import { openScratch } from './sqlite.ts';

/** What stands in one cell of one count. `name` is 16 bytes. */
export interface CountRow {
  readonly name: Uint8Array;
  /** Milliseconds that a cell covers. */
  readonly width: number;
  readonly cell: number;
  readonly amount: number;
  /** When it no longer counts, ms since the epoch. */
  readonly until: number;
}

/** The registers of one generation of one count of distinct inputs. */
export interface RegistersRow {
  readonly name: Uint8Array;
  readonly width: number;
  readonly generation: number;
  readonly registers: Uint8Array;
  readonly until: number;
}

/** Rows of both kinds. */
export interface CountRows {
  readonly counts: readonly CountRow[];
  readonly registers: readonly RegistersRow[];
}

/** Where processes leave what they have counted. */
export interface SharedCounts {
  /**
   * Adds the amounts of `mine` to their cells, raises registers to those of `mine`, and returns every row that changed
   * after `mark`, those of `mine` included, with the mark to go on from. A first mark is 0.
   */
  exchange(mine: CountRows, mark: number, now: number): CountRows & { readonly mark: number };
  close(): void;
}

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
];

/** How often rows that no longer count are deleted. Milliseconds. */
const SWEEP_MS = 60_000;

/** Returns the counts in `limits.db` of `folder`, made when missing. Throws an Error when the file is broken. */
export function openLimitCounts(folder: string): SharedCounts {
  const path = join(folder, 'limits.db');
  try {
    const raw = openScratch(path);
    migrate(raw, 'limits', STEPS);
    return new EmbeddedCounts(raw);
  } catch (cause) {
    // to begin anew is the operator's to decide: it would let every limit be used once more
    throw new Error(`${path} cannot be used; without it, limits begin to count anew`, { cause });
  }
}

class EmbeddedCounts implements SharedCounts {
  readonly #raw: DatabaseSync;
  readonly #add;
  readonly #registersOf;
  readonly #raise;
  readonly #countsAfter;
  readonly #registersAfter;
  #swept = 0;

  constructor(raw: DatabaseSync) {
    this.#raw = raw;
    this.#add = raw.prepare(`INSERT INTO counts (name, cell, width, amount, until, rev) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (name, cell) DO UPDATE SET amount = amount + excluded.amount, rev = excluded.rev`);
    this.#registersOf = raw.prepare('SELECT registers FROM registers WHERE name = ? AND generation = ?');
    this.#raise = raw.prepare(`INSERT INTO registers (name, generation, width, registers, until, rev)
      VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (name, generation) DO UPDATE SET registers = excluded.registers, rev = excluded.rev`);
    this.#countsAfter = raw.prepare('SELECT name, cell, width, amount, until FROM counts WHERE rev > ? AND until > ?');
    this.#registersAfter = raw.prepare(
      'SELECT name, generation, width, registers, until FROM registers WHERE rev > ? AND until > ?',
    );
  }

  exchange(mine: CountRows, mark: number, now: number): CountRows & { readonly mark: number } {
    // where nothing is brought, nothing is written either
    const writes = mine.counts.length > 0 || mine.registers.length > 0;
    this.#raw.exec(writes ? 'BEGIN IMMEDIATE' : 'BEGIN');
    try {
      if (writes) this.#write(mine, now);
      const rev = Number(this.#raw.prepare('SELECT rev FROM revision').get()?.['rev']);
      const counts = this.#countsAfter.all(mark, now).map(countRow);
      const registers = this.#registersAfter.all(mark, now).map(registersRow);
      this.#raw.exec('COMMIT');
      return { counts, registers, mark: rev };
    } catch (error) {
      if (this.#raw.isTransaction) this.#raw.exec('ROLLBACK');
      throw error;
    }
  }

  #write(mine: CountRows, now: number): void {
    const rev = Number(this.#raw.prepare('UPDATE revision SET rev = rev + 1 RETURNING rev').get()?.['rev']);
    for (const { name, width, cell, amount, until } of mine.counts)
      this.#add.run(name, cell, width, amount, until, rev);
    for (const { name, width, generation, registers, until } of mine.registers) {
      const known = this.#registersOf.get(name, generation)?.['registers'];
      const raised = known instanceof Uint8Array ? highest(registers, known) : registers;
      this.#raise.run(name, generation, width, raised, until, rev);
    }
    if (now - this.#swept < SWEEP_MS) return;
    this.#swept = now;
    this.#raw.prepare('DELETE FROM counts WHERE until <= ?').run(now);
    this.#raw.prepare('DELETE FROM registers WHERE until <= ?').run(now);
  }

  close(): void {
    if (this.#raw.isOpen) this.#raw.close();
  }
}

type Row = Readonly<Record<string, unknown>>;

const bytes = (value: unknown): Uint8Array => (value instanceof Uint8Array ? value : new Uint8Array());

const countRow = (row: Row): CountRow => ({
  name: bytes(row['name']),
  width: Number(row['width']),
  cell: Number(row['cell']),
  amount: Number(row['amount']),
  until: Number(row['until']),
});

const registersRow = (row: Row): RegistersRow => ({
  name: bytes(row['name']),
  width: Number(row['width']),
  generation: Number(row['generation']),
  registers: bytes(row['registers']),
  until: Number(row['until']),
});

const highest = (one: Uint8Array, other: Uint8Array): Uint8Array =>
  one.map((value, at) => Math.max(value, other[at] ?? 0));
