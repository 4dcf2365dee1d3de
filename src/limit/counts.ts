/**
 * Counts over sliding windows, in memory that all threads of the process share: no message crosses the data path.
 *
 * A count is a ring of cells, each of which holds what was taken in one twentieth of the window. What counts is the sum
 * of the current cell and the twenty before it: never less than what was taken in any span of a window's length, and at
 * most a twentieth of a window behind in letting go. Places (calls under way) are counted in the same slots.
 *
 * The table has a fixed size. It is divided into sets, each under a lock of its own; the name of a count and a seed of
 * the table say which set it belongs to. A slot is free again when nothing in it counts any more. A set in which nothing is free takes no new
 * count: the call is refused, nobody is counted wrongly.
 */

import type { CountKey } from './count-key.ts';
import { lock, type Locks, unlock } from './mutex.ts';
import { drawSeed, placeOf, SEED_BYTES, seedOf } from './placing.ts';

/** Cells of a window. */
export const CELLS_PER_WINDOW = 20;
/** One more is kept, because the oldest is only partly within the window. */
export const CELLS = CELLS_PER_WINDOW + 1;

/** Slots of a set: at half load, one of ten million sets is full. */
const SET = 64;

// A slot, in doubles. Integers up to 2^53 are exact.
const WIDTH = 0;
/** Number of the newest cell: time divided by the width. */
const HEAD = 1;
/** Sum of all cells. */
const TOTAL = 2;
/** Places that are taken by calls of this process, and of others. */
const PLACES = 3;
const ELSEWHERE = 4;
const FIRST_CELL = 5;
const SLOT = FIRST_CELL + CELLS;
const KEY_WORDS = 4;

/** There is no room for another count. */
export const FULL = -2;
/** The limit is reached. */
export const OVER = -1;

/** What stands in the cells of one count: the last is number `head`, and the sum counts. */
export interface CountReading {
  readonly words: Int32Array;
  readonly width: number;
  readonly head: number;
  /** `CELLS` of them. */
  readonly cells: Float64Array;
}

/** How many places of a count calls of this process have. */
export interface PlacesReading {
  readonly words: Int32Array;
  readonly width: number;
  readonly taken: number;
}

const setsFor = (slots: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, slots / SET)));

/** Returns the memory of a table of at least `slots` counts, empty. */
export function countsMemory(slots: number): SharedArrayBuffer {
  const sets = setsFor(slots);
  const all = sets * SET;
  const memory = new SharedArrayBuffer(all * SLOT * 8 + (all * KEY_WORDS + all + sets) * 4 + SEED_BYTES);
  drawSeed(memory);
  return memory;
}

/** A table of counts; every thread has a view of its own on the one memory. Times are milliseconds since the epoch. */
export class Counts {
  readonly #sets: number;
  readonly #cells: Float64Array<SharedArrayBuffer>;
  readonly #keys: Int32Array<SharedArrayBuffer>;
  /** 1 where something changed since `drain`. */
  readonly #changed: Int32Array<SharedArrayBuffer>;
  readonly #locks: Locks;
  readonly #seed: Int32Array;
  /** What the count was after the last `take` or `takePlace` of this thread, of those that were not refused. */
  last = 0;

  constructor(memory: SharedArrayBuffer) {
    const bytesOfSet = SET * (SLOT * 8 + KEY_WORDS * 4 + 4) + 4;
    this.#sets = (memory.byteLength - SEED_BYTES) / bytesOfSet;
    this.#seed = seedOf(memory);
    const all = this.#sets * SET;
    this.#cells = new Float64Array(memory, 0, all * SLOT);
    this.#keys = new Int32Array(memory, this.#cells.byteLength, all * KEY_WORDS);
    this.#changed = new Int32Array(memory, this.#keys.byteOffset + this.#keys.byteLength, all);
    this.#locks = new Int32Array(memory, this.#changed.byteOffset + this.#changed.byteLength, this.#sets);
  }

  /** Counts that there is room for. */
  get slots(): number {
    return this.#sets * SET;
  }

  /** Takes `amount` if the count stays within `most`. Returns the cell that it stands in, `OVER`, or `FULL`. */
  take(key: CountKey, amount: number, most: number, now: number): number {
    const set = this.#setOf(key);
    lock(this.#locks, set);
    try {
      const slot = this.#find(set, key, now);
      if (slot === FULL) return FULL;
      const cell = this.#roll(slot, now);
      if (this.#at(slot, TOTAL) + amount > most) return OVER;
      this.#add(slot, cell, amount);
      this.last = this.#at(slot, TOTAL);
      return cell;
    } finally {
      unlock(this.#locks, set);
    }
  }

  /** Takes `amount` whatever the count is. Returns what it is then; infinity where there is no room for it. */
  charge(key: CountKey, amount: number, now: number): number {
    const set = this.#setOf(key);
    lock(this.#locks, set);
    try {
      const slot = this.#find(set, key, now);
      if (slot === FULL) return Infinity;
      this.#add(slot, this.#roll(slot, now), amount);
      return this.#at(slot, TOTAL);
    } finally {
      unlock(this.#locks, set);
    }
  }

  /** Gives back `amount` of what stands in `cell`, unless that has left the window. */
  giveBack(key: CountKey, cell: number, amount: number): void {
    const set = this.#setOf(key);
    lock(this.#locks, set);
    try {
      const slot = this.#known(set, key);
      if (slot === FULL || cell > this.#at(slot, HEAD) || cell <= this.#at(slot, HEAD) - CELLS) return;
      this.#add(slot, cell, -Math.min(amount, this.#at(slot, FIRST_CELL + (cell % CELLS))));
    } finally {
      unlock(this.#locks, set);
    }
  }

  /** Returns when `amount` more would stay within `most`, if nothing else is taken; infinity when it never would. */
  frees(key: CountKey, amount: number, most: number, now: number): number {
    if (amount > most) return Infinity;
    const set = this.#setOf(key);
    lock(this.#locks, set);
    try {
      const slot = this.#known(set, key);
      if (slot === FULL) return now;
      const head = this.#roll(slot, now);
      let left = this.#at(slot, TOTAL);
      for (let cell = Math.max(0, head - CELLS + 1); cell <= head; cell++) {
        if (left + amount <= most) return Math.max(now, (cell + CELLS - 1) * key.width);
        left -= this.#at(slot, FIRST_CELL + (cell % CELLS));
      }
      return (head + CELLS) * key.width;
    } finally {
      unlock(this.#locks, set);
    }
  }

  /** Takes a place if no more than `most` are taken then. Returns 0, `OVER`, or `FULL`. */
  takePlace(key: CountKey, most: number, now: number): number {
    const set = this.#setOf(key);
    lock(this.#locks, set);
    try {
      const slot = this.#find(set, key, now);
      if (slot === FULL) return FULL;
      const places = this.#at(slot, PLACES) + 1;
      const all = places + this.#at(slot, ELSEWHERE);
      if (all > most) return OVER;
      this.last = all;
      this.#put(slot, PLACES, places);
      return 0;
    } finally {
      unlock(this.#locks, set);
    }
  }

  givePlace(key: CountKey): void {
    const set = this.#setOf(key);
    lock(this.#locks, set);
    try {
      const slot = this.#known(set, key);
      if (slot !== FULL) this.#put(slot, PLACES, Math.max(0, this.#at(slot, PLACES) - 1));
    } finally {
      unlock(this.#locks, set);
    }
  }

  /** Returns what counts now: what was taken, and the places. Both 0 for a count that nobody took from. */
  read(key: CountKey, now: number): { readonly taken: number; readonly places: number } {
    const set = this.#setOf(key);
    lock(this.#locks, set);
    try {
      const slot = this.#known(set, key);
      if (slot === FULL) return { taken: 0, places: 0 };
      this.#roll(slot, now);
      return { taken: this.#at(slot, TOTAL), places: this.#at(slot, PLACES) + this.#at(slot, ELSEWHERE) };
    } finally {
      unlock(this.#locks, set);
    }
  }

  /** Adds to a cell what another process took, or an earlier run; it does not show in `drain`. False when there is no room. */
  merge(key: CountKey, cell: number, amount: number, now: number): boolean {
    const set = this.#setOf(key);
    lock(this.#locks, set);
    try {
      const slot = this.#find(set, key, now);
      if (slot === FULL) return false;
      const head = this.#roll(slot, now);
      if (cell <= head - CELLS) return true;
      const into = Math.min(cell, head);
      const changed = Atomics.load(this.#changed, slot);
      this.#add(slot, into, Math.max(amount, -this.#at(slot, FIRST_CELL + (into % CELLS))));
      Atomics.store(this.#changed, slot, changed);
      return true;
    } finally {
      unlock(this.#locks, set);
    }
  }

  /** Says how many places calls of other processes have. False when there is no room. */
  setElsewhere(key: CountKey, taken: number, now: number): boolean {
    const set = this.#setOf(key);
    lock(this.#locks, set);
    try {
      const slot = taken === 0 ? this.#known(set, key) : this.#find(set, key, now);
      if (slot !== FULL) this.#put(slot, ELSEWHERE, taken);
      return slot !== FULL || taken === 0;
    } finally {
      unlock(this.#locks, set);
    }
  }

  /** Returns the places that calls of this process have. */
  places(): readonly PlacesReading[] {
    const readings: PlacesReading[] = [];
    for (let slot = 0; slot < this.slots; slot++) {
      if (this.#at(slot, PLACES) === 0) continue;
      this.#lockedSlot(slot, () => {
        const taken = this.#at(slot, PLACES);
        if (taken > 0) readings.push({ words: this.#wordsAt(slot), width: this.#at(slot, WIDTH), taken });
      });
    }
    return readings;
  }

  /** Returns the counts that changed since the last call; with `all`, every count. */
  drain(all = false): readonly CountReading[] {
    const readings: CountReading[] = [];
    for (let slot = 0; slot < this.slots; slot++) {
      if (all ? this.#at(slot, TOTAL) === 0 : Atomics.load(this.#changed, slot) === 0) continue;
      this.#lockedSlot(slot, () => {
        Atomics.store(this.#changed, slot, 0);
        readings.push(this.#readCells(slot));
      });
    }
    return readings;
  }

  #lockedSlot(slot: number, step: () => void): void {
    const set = Math.floor(slot / SET);
    lock(this.#locks, set);
    try {
      step();
    } finally {
      unlock(this.#locks, set);
    }
  }

  #readCells(slot: number): CountReading {
    const head = this.#at(slot, HEAD);
    const cells = new Float64Array(CELLS);
    for (let cell = Math.max(0, head - CELLS + 1); cell <= head; cell++)
      cells[cell - head + CELLS - 1] = this.#at(slot, FIRST_CELL + (cell % CELLS));
    return { words: this.#wordsAt(slot), width: this.#at(slot, WIDTH), head, cells };
  }

  #wordsAt(slot: number): Int32Array {
    return this.#keys.slice(slot * KEY_WORDS, (slot + 1) * KEY_WORDS);
  }

  #setOf({ words }: CountKey): number {
    return placeOf(words, this.#seed, this.#sets);
  }

  #at(slot: number, field: number): number {
    return this.#cells[slot * SLOT + field] ?? 0;
  }

  #put(slot: number, field: number, value: number): void {
    this.#cells[slot * SLOT + field] = value;
  }

  #add(slot: number, cell: number, amount: number): void {
    const field = FIRST_CELL + (cell % CELLS);
    this.#put(slot, field, this.#at(slot, field) + amount);
    this.#put(slot, TOTAL, this.#at(slot, TOTAL) + amount);
    Atomics.store(this.#changed, slot, 1);
  }

  /** Returns the slot of a count, `FULL` when it has none. The lock of the set is held. */
  #known(set: number, key: CountKey): number {
    if (this.#is(key.at, key)) return key.at;
    for (let slot = set * SET; slot < (set + 1) * SET; slot++) {
      if (this.#is(slot, key)) return (key.at = slot);
    }
    return FULL;
  }

  /** A width is part of a name: who could choose one for a count of somebody else could end its windows early. */
  #is(slot: number, { words, width }: CountKey): boolean {
    const keys = this.#keys;
    const at = slot * KEY_WORDS;
    return (
      keys[at] === words[0] &&
      keys[at + 1] === words[1] &&
      keys[at + 2] === words[2] &&
      keys[at + 3] === words[3] &&
      this.#at(slot, WIDTH) === width
    );
  }

  /** Returns the slot of a count, a free one for a new count, `FULL` when there is none. The lock of the set is held. */
  #find(set: number, key: CountKey, now: number): number {
    const known = this.#known(set, key);
    if (known !== FULL) return known;
    for (let slot = set * SET; slot < (set + 1) * SET; slot++) {
      if (!this.#isFree(slot, now)) continue;
      const at = slot * SLOT;
      this.#cells.fill(0, at, at + SLOT);
      this.#put(slot, WIDTH, key.width);
      this.#put(slot, HEAD, Math.floor(now / key.width));
      this.#keys.set(key.words, slot * KEY_WORDS);
      return (key.at = slot);
    }
    return FULL;
  }

  #isFree(slot: number, now: number): boolean {
    const width = this.#at(slot, WIDTH);
    if (width === 0) return true;
    if (this.#at(slot, PLACES) > 0 || this.#at(slot, ELSEWHERE) > 0) return false;
    return this.#at(slot, TOTAL) === 0 || Math.floor(now / width) - this.#at(slot, HEAD) >= CELLS;
  }

  /** Moves a count on to `now`, letting go of what has left the window. Returns the number of the current cell. */
  #roll(slot: number, now: number): number {
    const cell = Math.floor(now / this.#at(slot, WIDTH));
    const head = this.#at(slot, HEAD);
    if (cell === head) return head;
    if (cell < head) return this.#putBack(slot, cell);
    for (let at = Math.max(head + 1, cell - CELLS + 1); at <= cell; at++) {
      const field = FIRST_CELL + (at % CELLS);
      this.#put(slot, TOTAL, this.#at(slot, TOTAL) - this.#at(slot, field));
      this.#put(slot, field, 0);
    }
    this.#put(slot, HEAD, cell);
    return cell;
  }

  /** The clock went back: what was counted stays, and by more than a window, all of it counts as taken now. */
  #putBack(slot: number, cell: number): number {
    const head = this.#at(slot, HEAD);
    if (head - cell < CELLS) return head;
    const total = this.#at(slot, TOTAL);
    const first = slot * SLOT + FIRST_CELL;
    this.#cells.fill(0, first, first + CELLS);
    this.#put(slot, FIRST_CELL + (cell % CELLS), total);
    this.#put(slot, HEAD, cell);
    return cell;
  }
}
