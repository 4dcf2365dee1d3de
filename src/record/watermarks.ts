/** How far a worker's journals are written, durable and sealed: shared memory between a data worker and the recorder. */

/** A place in a stream of journals: file number × 2^32 + offset. Grows with every byte written. */
export type Position = number;

const FILE = 2 ** 32;

/** Returns the position of an offset in a stream's file `n`. */
export const positionOf = (n: number, offset: number): Position => n * FILE + offset;
/** Returns the file number of a position. */
export const fileOf = (position: Position): number => Math.floor(position / FILE);
/** Returns the offset of a position in its file. */
export const offsetOf = (position: Position): number => position % FILE;

/** Returns about how many bytes lie between two positions, where full files have `fileBytes`; 0 when `to` is not behind. */
export const distance = (from: Position, to: Position, fileBytes: number): number =>
  Math.max(0, (fileOf(to) - fileOf(from)) * fileBytes + offsetOf(to) - offsetOf(from));

const WRITTEN = 0;
const DURABLE = 1;
const SEALED = 2;
const POSITIONS = 3;

const WAITING = 0;
const ASLEEP = 1;
const FAILED = 2;
const FLAGS = 3;

/**
 * The shared cells of one worker and the recorder thread. Each position has one writer: `written` the worker, `durable`
 * and `sealed` the recorder. A flag that asks to be woken is set before the last look at the positions, and taken by
 * whoever moves them, so that no wake-up is lost.
 */
export class Watermarks {
  /** What to hand to the other thread. */
  readonly memory: SharedArrayBuffer;
  readonly #positions: BigInt64Array;
  readonly #flags: Int32Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(POSITIONS * 8 + FLAGS * 4)) {
    this.memory = memory;
    this.#positions = new BigInt64Array(memory, 0, POSITIONS);
    this.#flags = new Int32Array(memory, POSITIONS * 8, FLAGS);
  }

  get written(): Position {
    return Number(Atomics.load(this.#positions, WRITTEN));
  }
  set written(position: Position) {
    Atomics.store(this.#positions, WRITTEN, BigInt(position));
  }

  get durable(): Position {
    return Number(Atomics.load(this.#positions, DURABLE));
  }
  set durable(position: Position) {
    Atomics.store(this.#positions, DURABLE, BigInt(position));
  }

  get sealed(): Position {
    return Number(Atomics.load(this.#positions, SEALED));
  }
  set sealed(position: Position) {
    Atomics.store(this.#positions, SEALED, BigInt(position));
  }

  /** True once evidence cannot be kept any more; never becomes false again. */
  get failed(): boolean {
    return Atomics.load(this.#flags, FAILED) === 1;
  }
  fail(): void {
    Atomics.store(this.#flags, FAILED, 1);
  }

  /** The worker wants a message when `durable` moves. */
  awaitDurable(): void {
    Atomics.store(this.#flags, WAITING, 1);
  }
  /** Returns true when the worker waited, and takes the wish. */
  takeAwaiting(): boolean {
    return Atomics.exchange(this.#flags, WAITING, 0) === 1;
  }

  /** The recorder wants a message when `written` moves. */
  fallAsleep(): void {
    Atomics.store(this.#flags, ASLEEP, 1);
  }
  /** Returns true when the recorder slept, and takes the wish. */
  takeAsleep(): boolean {
    return Atomics.exchange(this.#flags, ASLEEP, 0) === 1;
  }
}
