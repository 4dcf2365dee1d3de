/** What all threads must know of the store that counts are kept in; the main thread alone talks to it. */

const AHEAD = 0;
const LOST = 1;
const FIELDS = 2;
/** What 32 bits hold, nearly: 24 days. */
const FARTHEST = 2_000_000_000;

/** Returns the memory of one link. */
export const linkMemory = (): SharedArrayBuffer => new SharedArrayBuffer(FIELDS * Int32Array.BYTES_PER_ELEMENT);

/** One thread's view of it. */
export class StoreLink {
  readonly #fields: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#fields = new Int32Array(memory);
  }

  /** Milliseconds that the clock of the store is ahead of this machine's: counts go by the former. */
  get ahead(): number {
    return Atomics.load(this.#fields, AHEAD);
  }

  /** Throws an Error when one of the two clocks cannot be right. */
  set ahead(ms: number) {
    if (!(Math.abs(ms) <= FARTHEST))
      throw new Error(`the clock of the store is ${Math.round(ms / 1000)} s off this one`);
    Atomics.store(this.#fields, AHEAD, ms);
  }

  /** Nobody knows what others have counted, and the operator wants no call counted without. */
  get refuses(): boolean {
    return Atomics.load(this.#fields, LOST) === 1;
  }

  set refuses(refuses: boolean) {
    Atomics.store(this.#fields, LOST, refuses ? 1 : 0);
  }
}
