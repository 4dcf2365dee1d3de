/** What was made for the keys that were asked for last, so that it is made once. Configs come and go, and their keys with them. */
export class Recent<K, V> {
  readonly #most: number;
  #young = new Map<K, V>();
  #old: ReadonlyMap<K, V> = new Map<K, V>();

  /** `most`: so many keys are remembered for sure, and at most twice as many. */
  constructor(most: number) {
    this.#most = most;
  }

  /** How many keys are remembered. */
  get size(): number {
    let size = this.#young.size;
    for (const key of this.#old.keys()) if (!this.#young.has(key)) size += 1;
    return size;
  }

  /** Returns the value of a key, made with `make` when it is not remembered. */
  of(key: K, make: () => V): V {
    const known = this.#young.get(key);
    if (known !== undefined) return known;
    const value = this.#old.get(key) ?? make();
    if (this.#young.size >= this.#most) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
    return value;
  }
}
