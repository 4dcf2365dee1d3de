/**
 * Carries counts between the memory of this process and a store that others look into: what was counted here goes out,
 * what was counted elsewhere, or by an earlier run, comes in. Runs on the main thread; the data path takes no notice.
 *
 * What a table holds of a count is what was taken here and what was merged of others. The latter is remembered here, so
 * what goes out is what this process has taken, whole: to bring it twice, or after the answer of a store was lost,
 * changes nothing.
 */

import type { SharedRow, SharedRows } from '../store/shared-rows.ts';
import type { CountKey } from './count-key.ts';
import {
  type CountRow,
  countRow,
  idOf,
  packPlaces,
  type PlacesRow,
  readPlaces,
  readRow,
  type RegistersRow,
  registersRow,
} from './count-rows.ts';
import { CELLS, type CountReading } from './counts.ts';
import { GENERATIONS } from './distinct.ts';
import type { Tables } from './limit.ts';

/** What was merged of others into one count: the last cell is number `head`. */
interface Merged {
  readonly width: number;
  readonly head: number;
  readonly cells: Float64Array;
}

/** What an exchange could not do. */
export interface Exchanged {
  /** Counts of others for which there was no room. */
  readonly homeless: number;
  /** Rows of others that cannot be true. */
  readonly unbelieved: number;
}

/** Sums of others end here in each cell: all cells together are then whole numbers that a double holds exactly. */
const MOST = 2 ** 48;

/** Exchanges the counts of one process. One call of `run` at a time. */
export class Exchange {
  readonly #tables: Tables;
  readonly #store: SharedRows;
  /** By name. Bounded by the table: what found no room is not in it. */
  readonly #merged = new Map<string, Merged>();
  /** Rows that wait for the store, the newest of each. */
  readonly #waiting = new Map<string, SharedRow>();
  /**
   * What others have where there was no room, tried again until there is or it is over: a store tells of a row once, and
   * a limit that was used up elsewhere would begin unused here. No more of them than a table has room for.
   */
  readonly #homeless = new Map<string, CountRow>();
  readonly #homelessInputs = new Map<string, RegistersRow>();
  /** Counts in which calls elsewhere have places. */
  #elsewhere = new Map<string, PlacesRow>();
  #all = false;

  constructor(tables: Tables, store: SharedRows) {
    this.#tables = tables;
    this.#store = store;
  }

  /** Brings both sides to the same counts. Rejects as the store does; what was not brought is brought by the next call. */
  async run(now: number): Promise<Exchanged> {
    this.#gather(now);
    this.#house(now);
    const said = [...this.#waiting];
    const living = packPlaces(this.#tables.counts.places());
    const failed = { homeless: 0, unbelieved: 0 };
    const heard = await this.#store.exchange({ rows: said.map(([, row]) => row), living, now }, (rows) => {
      for (const same of byName(rows)) this.#take(same, now, failed);
    });
    for (const [id, row] of said) if (this.#waiting.get(id) === row) this.#waiting.delete(id);
    this.#all = heard.forgot;
    this.#takePlaces(heard.living, now, failed);
    for (const [id, { head, width }] of this.#merged) if ((head + CELLS) * width <= now) this.#merged.delete(id);
    return failed;
  }

  /** Nothing was heard for so long that nobody knows which calls elsewhere still have their places. */
  forgetPlaces(now: number): void {
    this.#takePlaces([], now, { homeless: 0, unbelieved: 0 });
  }

  /** Brings in what had no room earlier. */
  #house(now: number): void {
    for (const [id, row] of this.#homeless) {
      const isOver = (row.head + CELLS) * row.key.width <= now;
      if (isOver || this.#merge(row.key, [row], now)) this.#homeless.delete(id);
    }
    for (const [id, { key, generation, registers }] of this.#homelessInputs) {
      const isOver = (generation + GENERATIONS) * key.width <= now;
      if (isOver || this.#tables.distinct.merge(key, generation, registers, now)) this.#homelessInputs.delete(id);
    }
  }

  #gather(now: number): void {
    const { counts, distinct } = this.#tables;
    for (const reading of counts.drain(this.#all)) {
      const row = countRow({ ...reading, cells: this.#takenHere(reading) });
      if (row.until > now) this.#waiting.set(idOf(reading), row);
    }
    for (const reading of distinct.drain(this.#all)) {
      const row = registersRow(reading);
      if (row.until > now) this.#waiting.set(`${idOf(reading)} ${reading.generation}`, row);
    }
    this.#all = false;
    for (const [id, { until }] of this.#waiting) if (until <= now) this.#waiting.delete(id);
  }

  #takenHere(reading: CountReading): Float64Array {
    const merged = this.#merged.get(idOf(reading));
    if (merged === undefined) return reading.cells;
    const first = reading.head - CELLS + 1;
    return reading.cells.map((amount, at) => Math.max(0, amount - cellOf(merged, first + at)));
  }

  #take(rows: readonly SharedRow[], now: number, failed: { homeless: number; unbelieved: number }): void {
    const counts: CountRow[] = [];
    for (const row of rows) {
      const read = readRow(row, now);
      if (read === null) failed.unbelieved++;
      else if (read.kind === 'count') counts.push(read);
      else if (!this.#tables.distinct.merge(read.key, read.generation, read.registers, now)) {
        failed.homeless++;
        this.#keepInputs(read);
      }
    }
    for (const same of byWidth(counts)) {
      const [first] = same;
      if (first === undefined) continue;
      const { key } = first;
      this.#homeless.delete(idOf(key));
      if (this.#merge(key, same, now)) continue;
      failed.homeless++;
      const sum = sumOf(same, Math.floor(now / key.width));
      if (this.#homeless.size < this.#tables.counts.slots)
        this.#homeless.set(idOf(key), { kind: 'count', key, ...sum });
    }
  }

  #keepInputs(row: RegistersRow): void {
    const id = `${idOf(row.key)} ${row.generation}`;
    const known = this.#homelessInputs.get(id);
    if (known === undefined && this.#homelessInputs.size >= this.#tables.distinct.slots) return;
    const registers = row.registers.map((rank, at) => Math.max(rank, known?.registers[at] ?? 0));
    this.#homelessInputs.set(id, { ...row, registers });
  }

  /** Brings what is merged of others to the sum of `rows`, which is all that others have of this count. */
  #merge(key: CountKey, rows: readonly CountRow[], now: number): boolean {
    const id = idOf(key);
    const head = Math.floor(now / key.width);
    const sum = sumOf(rows, head);
    const known = this.#merged.get(id);
    const until = Math.max(head, known?.head ?? head);
    for (let cell = head - CELLS + 1; cell <= until; cell++) {
      const more = cellOf(sum, cell) - (known === undefined ? 0 : cellOf(known, cell));
      if (more === 0 || this.#tables.counts.merge(key, cell, more, now)) continue;
      // it has no slot, so nothing of others is in it
      this.#merged.delete(id);
      return false;
    }
    if (sum.cells.some((amount) => amount > 0)) this.#merged.set(id, sum);
    else this.#merged.delete(id);
    return true;
  }

  #takePlaces(living: readonly Uint8Array[], now: number, failed: { homeless: number; unbelieved: number }): void {
    const { counts } = this.#tables;
    const all = new Map<string, PlacesRow>();
    for (const packed of living) {
      const rows = readPlaces(packed);
      if (rows === null) failed.unbelieved++;
      for (const { key, taken } of rows ?? []) {
        const id = idOf(key);
        all.set(id, { key, taken: (all.get(id)?.taken ?? 0) + taken });
      }
    }
    for (const [id, { key }] of this.#elsewhere) if (!all.has(id)) counts.setElsewhere(key, 0, now);
    for (const [id, { key, taken }] of all) {
      if (counts.setElsewhere(key, taken, now)) continue;
      failed.homeless++;
      all.delete(id);
    }
    this.#elsewhere = all;
  }
}

/** What others have in a cell is 0 where it is not in their window. */
function cellOf({ head, cells }: Merged, cell: number): number {
  return cells[cell - head + CELLS - 1] ?? 0;
}

/** Returns the sum of rows over the window that ends with cell `head`; what is ahead of it counts as taken in it. */
function sumOf(rows: readonly CountRow[], head: number): Merged {
  const cells = new Float64Array(CELLS);
  for (const row of rows) {
    for (let at = 0; at < CELLS; at++) {
      const into = Math.min(row.head - CELLS + 1 + at, head) - head + CELLS - 1;
      if (into >= 0) cells[into] = Math.min(MOST, (cells[into] ?? 0) + (row.cells[at] ?? 0));
    }
  }
  return { width: rows[0]?.key.width ?? 0, head, cells };
}

/** Returns rows that stand beside one another in pieces of one name and part. */
function byName(rows: readonly SharedRow[]): readonly (readonly SharedRow[])[] {
  const pieces: SharedRow[][] = [];
  for (const row of rows) {
    const last = pieces.at(-1);
    const first = last?.[0];
    if (last !== undefined && first?.part === row.part && isSame(first.name, row.name)) last.push(row);
    else pieces.push([row]);
  }
  return pieces;
}

/** Counts of one name have one width, unless somebody lies: then they are different counts. */
const byWidth = (rows: readonly CountRow[]): readonly (readonly CountRow[])[] =>
  rows.length < 2 ? [rows] : [...Map.groupBy(rows, ({ key }) => key.width).values()];

const isSame = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;
