/**
 * Spans: runs of about a thousand sessions in the order of their ids, and for each span which services and models
 * occur in it. A list of what is rare reads the few spans that hold it, in place of the whole table; an index
 * for each of these columns would cost microseconds a call, spans cost a look into a set.
 */

import type { DatabaseSync } from 'node:sqlite';

/** Sessions in a span, about: what a list reads at a time. */
const SPAN = 1024;

/** Makes the tables. */
export const SPAN_TABLES = `CREATE TABLE span (first TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
   CREATE TABLE seen (
     what TEXT NOT NULL, value TEXT NOT NULL, span TEXT NOT NULL, PRIMARY KEY (what, value, span)
   ) STRICT, WITHOUT ROWID`;

/** A span, by the first id that it can hold. */
export interface SpanRow {
  readonly first: string;
}

/** Something occurs in a span. */
export interface SeenRow {
  readonly what: What;
  readonly value: string;
  readonly span: string;
}

/** What spans know of. */
export type What = 'service' | 'model';

/** What a session adds to its span. */
interface Occurs {
  readonly id: string;
  readonly service: string;
  readonly model: string;
}

/** The latest spans are remembered: what is known to be in them is not written again. */
const REMEMBERED = 16;

/** Keeps the spans of an index, inside its writer's transactions. */
export class Spans {
  readonly #starts: string[];
  readonly #known = new Map<string, Set<string>>();
  readonly #insertSpan;
  readonly #insertSeen;
  #count = 0;
  /** The highest id so far. */
  #highest: string;

  constructor(raw: DatabaseSync) {
    this.#highest = String(raw.prepare('SELECT max(id) AS id FROM session').get()?.['id'] ?? '');
    this.#starts = raw
      .prepare('SELECT first FROM span ORDER BY first')
      .all()
      .map((row) => String(row['first']));
    this.#insertSpan = raw.prepare('INSERT OR IGNORE INTO span VALUES (?)');
    this.#insertSeen = raw.prepare('INSERT OR IGNORE INTO seen VALUES (?, ?, ?)');
  }

  /** Adds what occurs in a session. */
  add({ id, service, model }: Occurs): void {
    const span = this.#spanOf(id);
    const known = this.#knownIn(span);
    this.#see(known, span, 'service', service);
    this.#see(known, span, 'model', model);
  }

  #spanOf(id: string): string {
    const last = this.#starts.at(-1);
    if (last === undefined) return this.#begin(id);
    if (id < last) return this.#earlier(id);
    // what is in a span stays in it: the next one begins behind everything that was seen
    if (this.#count >= SPAN && id > this.#highest) return this.#begin(id);
    this.#count++;
    if (id > this.#highest) this.#highest = id;
    return last;
  }

  #begin(id: string): string {
    // the first span holds all that is older, too
    const first = this.#starts.length === 0 ? '' : id;
    this.#starts.push(first);
    this.#insertSpan.run(first);
    this.#count = 1;
    this.#highest = id;
    return first;
  }

  /** The last span that begins at `id` or before it. */
  #earlier(id: string): string {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] ?? '') <= id) low = middle;
      else high = middle - 1;
    }
    return this.#starts[low] ?? '';
  }

  #knownIn(span: string): Set<string> {
    const known = this.#known.get(span) ?? new Set();
    if (known.size > 0) return known;
    this.#known.set(span, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
    return known;
  }

  #see(known: Set<string>, span: string, what: What, value: string): void {
    const key = `${what} ${value}`;
    if (known.has(key)) return;
    known.add(key);
    this.#insertSeen.run(what, value, span);
  }
}
