/**
 * Carries counts between the memory of this process and a store that others look into: what was counted here goes out,
 * what was counted elsewhere, or by an earlier run, comes in. Runs on the main thread; the data path takes no notice.
 */

import type { CountRow, RegistersRow, SharedCounts } from '../store/limit-counts.ts';
import type { CountKey } from './count-key.ts';
import { CELLS, type CellReading } from './counts.ts';
import { GENERATIONS } from './distinct.ts';
import type { Tables } from './limit.ts';

/** What the store and this process know alike of one cell. */
interface Agreed {
  readonly amount: number;
  readonly until: number;
}

/** Exchanges the counts of one process. */
export class Exchange {
  readonly #tables: Tables;
  readonly #store: SharedCounts;
  /** By name and cell. What a cell holds beyond this was counted here and is not in the store yet. */
  readonly #agreed = new Map<string, Agreed>();
  /** Cells and registers that wait for the store, the newest reading of each. */
  readonly #cells = new Map<string, CellReading>();
  readonly #registers = new Map<string, RegistersRow>();
  #mark = 0;

  constructor(tables: Tables, store: SharedCounts) {
    this.#tables = tables;
    this.#store = store;
  }

  /**
   * Brings both sides to the same counts. Returns how many counts of others found no room here. Throws what the store
   * throws; what was not brought is brought by the next call.
   */
  run(now: number): number {
    this.#gather(now);
    const mine = this.#changes();
    const { counts, registers, mark } = this.#store.exchange(
      { counts: mine, registers: [...this.#registers.values()] },
      this.#mark,
      now,
    );
    this.#mark = mark;
    this.#cells.clear();
    this.#registers.clear();
    const brought = new Map(mine.map((row) => [idOf(row), row.amount]));
    let homeless = 0;
    for (const row of counts) if (!this.#take(row, brought.get(idOf(row)) ?? 0, now)) homeless++;
    for (const row of registers) {
      if (!this.#tables.distinct.merge(keyOf(row), row.generation, row.registers, now)) homeless++;
    }
    for (const [id, { until }] of this.#agreed) if (until <= now) this.#agreed.delete(id);
    return homeless;
  }

  #gather(now: number): void {
    for (const reading of this.#tables.counts.drain()) {
      if ((reading.cell + CELLS) * reading.width <= now) continue;
      this.#cells.set(idOf({ name: nameOf(reading.words), cell: reading.cell }), reading);
    }
    for (const { words, width, generation, registers } of this.#tables.distinct.drain()) {
      const name = nameOf(words);
      const until = (generation + GENERATIONS) * width;
      this.#registers.set(idOf({ name, cell: generation }), { name, width, generation, registers, until });
    }
  }

  #changes(): readonly CountRow[] {
    return [...this.#cells].flatMap(([id, { words, width, cell, amount }]) => {
      const more = amount - (this.#agreed.get(id)?.amount ?? 0);
      return more === 0 ? [] : [{ name: nameOf(words), width, cell, amount: more, until: (cell + CELLS) * width }];
    });
  }

  /** `brought` is what this very exchange added to the row. */
  #take(row: CountRow, brought: number, now: number): boolean {
    const id = idOf(row);
    const foreign = row.amount - brought - (this.#agreed.get(id)?.amount ?? 0);
    if (foreign !== 0 && !this.#tables.counts.merge(keyOf(row), row.cell, foreign, now)) return false;
    this.#agreed.set(id, { amount: row.amount, until: row.until });
    return true;
  }
}

const nameOf = (words: Int32Array): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset, words.byteLength).slice();

const idOf = ({ name, cell }: { readonly name: Uint8Array; readonly cell: number }): string =>
  `${Buffer.from(name).toString('base64')} ${cell}`;

const keyOf = ({ name, width }: { readonly name: Uint8Array; readonly width: number }): CountKey => ({
  words: new Int32Array(name.slice().buffer),
  width,
  at: 0,
});
