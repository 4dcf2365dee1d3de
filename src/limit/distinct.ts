/**
 * How many distinct inputs a count has seen, estimated in bounded memory that all threads share.
 * (Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog", AofA 2007; linear counting below 2.5 times the registers.)
 *
 * Each count keeps three generations of half a window each, so that what it knows covers between one window and one and
 * a half. An estimate is off by up to 3.7 % (one standard error), so a limit holds back three of them: it ends up to a
 * tenth early, and of a hundred counts hardly one goes beyond it, by an input or two in a hundred. A count does not know which
 * inputs it has seen: one that has reached its limit takes no input any more, not even one that was there before.
 */

import type { CountKey } from './count-key.ts';
import { FULL, OVER } from './counts.ts';
import { lock, type Locks, unlock } from './mutex.ts';
import { drawSeed, placeOf, SEED_BYTES, seedOf } from './placing.ts';

/** Registers of a generation. */
export const REGISTERS = 1024;
/** No register is higher: 32 bits without a one, and one more. */
export const HIGHEST = 33;
/** Generations of a window. */
export const GENERATIONS_PER_WINDOW = 2;
/** One more is kept, because the oldest is only partly within the window. */
export const GENERATIONS = GENERATIONS_PER_WINDOW + 1;
const SET = 16;
const KEY_WORDS = 4;
// A slot, in doubles: the width of a generation, the number of the newest, and over all generations together the sum of
// 2^-register (exact: registers end at 33) and the number of registers that are zero.
const WIDTH = 0;
const HEAD = 1;
const SUM = 2;
const ZEROS = 3;
const META = 4;

const BYTES_OF_SET = SET * (META * 8 + KEY_WORDS * 4 + 4 + GENERATIONS * REGISTERS) + 8;

/** Returns the memory of a table of at least `slots` counts of distinct inputs, empty. */
export function distinctMemory(slots: number): SharedArrayBuffer {
  const sets = 2 ** Math.ceil(Math.log2(Math.max(1, slots / SET)));
  // words of 32 bits: the seed ends on one
  const memory = new SharedArrayBuffer(sets * BYTES_OF_SET + SEED_BYTES);
  drawSeed(memory);
  return memory;
}

/** The registers of one generation of one count. */
export interface RegistersReading {
  readonly words: Int32Array;
  readonly width: number;
  readonly generation: number;
  readonly registers: Uint8Array;
}

/** A table of counts of distinct inputs; every thread has a view of its own on the one memory. */
export class DistinctCounts {
  readonly #sets: number;
  readonly #meta: Float64Array<SharedArrayBuffer>;
  readonly #keys: Int32Array<SharedArrayBuffer>;
  /** Generations that changed since `drain`, a bit each. */
  readonly #changed: Int32Array<SharedArrayBuffer>;
  readonly #locks: Locks;
  readonly #seed: Int32Array;
  readonly #registers: Uint8Array<SharedArrayBuffer>;

  constructor(memory: SharedArrayBuffer) {
    this.#sets = (memory.byteLength - SEED_BYTES) / BYTES_OF_SET;
    this.#seed = seedOf(memory);
    const all = this.#sets * SET;
    this.#meta = new Float64Array(memory, 0, all * META);
    this.#keys = new Int32Array(memory, this.#meta.byteLength, all * KEY_WORDS);
    this.#changed = new Int32Array(memory, this.#keys.byteOffset + this.#keys.byteLength, all);
    this.#locks = new Int32Array(memory, this.#changed.byteOffset + this.#changed.byteLength, this.#sets);
    this.#registers = new Uint8Array(memory, this.#locks.byteOffset + this.#sets * 8, all * GENERATIONS * REGISTERS);
  }

  /** Counts that there is room for. */
  get slots(): number {
    return this.#sets * SET;
  }

  /** Counts an input, given as 64 bits of its keyed hash. Returns 0; `OVER` when the limit is reached; or `FULL`. */
  see(key: CountKey, high: number, low: number, most: number, now: number): number {
    const index = high & (REGISTERS - 1);
    const rank = Math.clz32(low) + 1;
    return this.#locked(key, (set) => {
      const slot = this.#find(set, key, now);
      if (slot === FULL) return FULL;
      const newest = this.#roll(slot, now);
      if (upperBound(this.#estimate(slot) + 1) > most + 0.5) return OVER;
      const before = this.#highest(slot, index);
      if (before < rank) {
        this.#put(slot, SUM, this.#at(slot, SUM) - 2 ** -before + 2 ** -rank);
        if (before === 0) this.#put(slot, ZEROS, this.#at(slot, ZEROS) - 1);
      }
      const at = this.#generationAt(slot, newest) + index;
      if ((this.#registers[at] ?? 0) >= rank) return 0;
      this.#registers[at] = rank;
      Atomics.or(this.#changed, slot, 1 << (newest % GENERATIONS));
      return 0;
    });
  }

  /** Returns the estimate of the distinct inputs that count now. */
  read(key: CountKey, now: number): number {
    return this.#locked(key, (set) => {
      const slot = this.#known(set, key);
      if (slot === FULL) return 0;
      this.#roll(slot, now);
      return this.#estimate(slot);
    });
  }

  /** Returns when the oldest inputs are forgotten. */
  frees(key: CountKey): number {
    return this.#locked(key, (set) => {
      const slot = this.#known(set, key);
      if (slot === FULL) return 0;
      const head = this.#at(slot, HEAD);
      for (let generation = Math.max(0, head - GENERATIONS + 1); generation <= head; generation++) {
        const at = this.#generationAt(slot, generation);
        if (this.#registers.subarray(at, at + REGISTERS).some((value) => value > 0))
          return (generation + GENERATIONS) * key.width;
      }
      return 0;
    });
  }

  /** Adds what another process saw, or an earlier run; it does not show in `drain`. False when there is no room. */
  merge(key: CountKey, generation: number, registers: Uint8Array, now: number): boolean {
    return this.#locked(key, (set) => {
      const slot = this.#find(set, key, now);
      if (slot === FULL) return false;
      const head = this.#roll(slot, now);
      if (generation <= head - GENERATIONS) return true;
      const at = this.#generationAt(slot, Math.min(generation, head));
      for (let index = 0; index < REGISTERS; index++)
        this.#registers[at + index] = Math.max(this.#registers[at + index] ?? 0, registers[index] ?? 0);
      this.#sumUp(slot);
      return true;
    });
  }

  /** Returns the registers of the generations that changed since the last call; with `all`, those of every count. */
  drain(all = false): readonly RegistersReading[] {
    const readings: RegistersReading[] = [];
    for (let slot = 0; slot < this.#changed.length; slot++) {
      if (all ? this.#at(slot, WIDTH) === 0 : Atomics.load(this.#changed, slot) === 0) continue;
      const words = this.#keys.slice(slot * KEY_WORDS, (slot + 1) * KEY_WORDS);
      this.#lockedSet(Math.floor(slot / SET), () => {
        const changed = Atomics.exchange(this.#changed, slot, 0);
        const width = this.#at(slot, WIDTH);
        const head = this.#at(slot, HEAD);
        for (let generation = Math.max(0, head - GENERATIONS + 1); generation <= head; generation++) {
          if (!all && (changed & (1 << (generation % GENERATIONS))) === 0) continue;
          const at = this.#generationAt(slot, generation);
          readings.push({ words, width, generation, registers: this.#registers.slice(at, at + REGISTERS) });
        }
      });
    }
    return readings;
  }

  #locked<T>({ words }: CountKey, step: (set: number) => T): T {
    const set = placeOf(words, this.#seed, this.#sets);
    return this.#lockedSet(set, () => step(set));
  }

  #lockedSet<T>(set: number, step: () => T): T {
    lock(this.#locks, set);
    try {
      return step();
    } finally {
      unlock(this.#locks, set);
    }
  }

  #generationAt(slot: number, generation: number): number {
    return (slot * GENERATIONS + (generation % GENERATIONS)) * REGISTERS;
  }

  #highest(slot: number, index: number): number {
    let highest = 0;
    for (let generation = 0; generation < GENERATIONS; generation++)
      highest = Math.max(highest, this.#registers[this.#generationAt(slot, generation) + index] ?? 0);
    return highest;
  }

  #at(slot: number, field: number): number {
    return this.#meta[slot * META + field] ?? 0;
  }

  #put(slot: number, field: number, value: number): void {
    this.#meta[slot * META + field] = value;
  }

  #sumUp(slot: number): void {
    let sum = 0;
    let zeros = 0;
    for (let index = 0; index < REGISTERS; index++) {
      const highest = this.#highest(slot, index);
      sum += 2 ** -highest;
      if (highest === 0) zeros++;
    }
    this.#put(slot, SUM, sum);
    this.#put(slot, ZEROS, zeros);
  }

  #estimate(slot: number): number {
    const zeros = this.#at(slot, ZEROS);
    const raw = ALPHA * REGISTERS * (REGISTERS / this.#at(slot, SUM));
    return raw <= LINEAR && zeros > 0 ? REGISTERS * Math.log(REGISTERS / zeros) : raw;
  }

  #known(set: number, key: CountKey): number {
    for (let slot = set * SET; slot < (set + 1) * SET; slot++) {
      if (this.#at(slot, WIDTH) === key.width && this.#is(slot, key)) return slot;
    }
    return FULL;
  }

  #is(slot: number, { words }: CountKey): boolean {
    for (let word = 0; word < KEY_WORDS; word++) if (this.#keys[slot * KEY_WORDS + word] !== words[word]) return false;
    return true;
  }

  #find(set: number, key: CountKey, now: number): number {
    const known = this.#known(set, key);
    if (known !== FULL) return known;
    for (let slot = set * SET; slot < (set + 1) * SET; slot++) {
      const width = this.#at(slot, WIDTH);
      if (width > 0 && Math.floor(now / width) - this.#at(slot, HEAD) < GENERATIONS) continue;
      this.#registers.fill(0, slot * GENERATIONS * REGISTERS, (slot + 1) * GENERATIONS * REGISTERS);
      this.#meta.set([key.width, Math.floor(now / key.width), REGISTERS, REGISTERS], slot * META);
      this.#keys.set(key.words, slot * KEY_WORDS);
      return slot;
    }
    return FULL;
  }

  /** Moves a count on to `now`; a clock that went back moves nothing. Returns the number of the newest generation. */
  #roll(slot: number, now: number): number {
    const head = this.#at(slot, HEAD);
    const generation = Math.floor(now / this.#at(slot, WIDTH));
    if (generation <= head) return head;
    for (let each = Math.max(head + 1, generation - GENERATIONS + 1); each <= generation; each++) {
      const first = this.#generationAt(slot, each);
      this.#registers.fill(0, first, first + REGISTERS);
    }
    this.#put(slot, HEAD, generation);
    this.#sumUp(slot);
    return generation;
  }
}

const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS);
/** Up to here, empty registers tell more than the full ones do. */
const LINEAR = 2.5 * REGISTERS;

/** Returns what a thousand counts but one are below: the estimate and three standard errors. */
function upperBound(estimate: number): number {
  const load = estimate / REGISTERS;
  // Whang, Vander-Zanden, Taylor 1990: the standard error of linear counting
  const linear = Math.sqrt(REGISTERS * Math.max(0, Math.exp(load) - load - 1));
  const error = estimate <= LINEAR ? linear : (1.04 / Math.sqrt(REGISTERS)) * estimate;
  return estimate + 3 * error;
}
