/** Brings the tables of one part of the house up to date. */

import type { DatabaseSync } from 'node:sqlite';

/**
 * Applies those of `steps` (SQL, in order, never changed once released) that `part` has not had in this database yet,
 * all in one transaction. Throws when the database has had more steps than there are: it was made by a newer version.
 */
export function migrate(raw: DatabaseSync, part: string, steps: readonly string[]): void {
  raw.exec('BEGIN IMMEDIATE');
  try {
    raw.exec('CREATE TABLE IF NOT EXISTS schema (part TEXT PRIMARY KEY, steps INTEGER NOT NULL) STRICT');
    const had = Number(raw.prepare('SELECT steps FROM schema WHERE part = ?').get(part)?.['steps'] ?? 0);
    if (had > steps.length) {
      throw new Error(`the ${part} tables were made by a newer version: expected ${steps.length} steps, found ${had}`);
    }
    for (const step of steps.slice(had)) raw.exec(step);
    raw
      .prepare('INSERT INTO schema VALUES (?, ?) ON CONFLICT (part) DO UPDATE SET steps = excluded.steps')
      .run(part, steps.length);
    raw.exec('COMMIT');
  } catch (error) {
    raw.exec('ROLLBACK');
    throw error;
  }
}
