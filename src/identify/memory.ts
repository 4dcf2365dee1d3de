/** Remembers tokens that were verified, so that a signature is checked once and not on every call. */

/** One verified token: what it means, and everything that this depended on. */
export interface Remembered<T> {
  readonly value: T;
  /** Returns true while nothing that the verification depended on has changed. */
  isCurrent(): boolean;
  /** Milliseconds of the wall clock: when it was verified and until when that counts. */
  readonly from: number;
  readonly until: number;
}

/** The longest that a verification counts, in milliseconds. */
export const REMEMBER_MS = 60_000;

/**
 * Positives only. The key is a digest of the whole token: shorter keys let one token answer for another
 * (CVE-2026-35030 looked up `token[:20]`), and the tokens themselves would make every heap dump a collection of
 * credentials.
 *
 * Least recently used out first, in two halves: what is used moves to the young half, and when that is full the old
 * half is dropped whole. A Map that moves an entry to its end on each hit leaves a tombstone in the same bucket
 * each time: measured, one token used over and over cost 7.5 µs a hit that way and 1.5 this way.
 */
export class TokenMemory<T> {
  readonly #half: number;
  #young = new Map<string, Remembered<T>>();
  #old = new Map<string, Remembered<T>>();

  /** At most `capacity` entries are kept, and always the `capacity / 2` that were used last. */
  constructor(capacity: number) {
    this.#half = Math.ceil(capacity / 2);
  }

  /**
   * Returns what was remembered under this digest, or null. Time and everything else it depended on is checked on
   * every hit; an entry from the future (the wall clock was set back) does not count either.
   */
  recall(digest: string, now: number): T | null {
    const entry = this.#young.get(digest) ?? this.#rejuvenate(digest);
    if (entry === null) return null;
    if (now >= entry.from && now < entry.until && entry.isCurrent()) return entry.value;
    this.#young.delete(digest);
    this.#old.delete(digest);
    return null;
  }

  /** Remembers under this digest, if there is any time for which that would count. */
  remember(digest: string, entry: Remembered<T>): void {
    if (entry.until <= entry.from) return;
    this.#old.delete(digest);
    this.#young.set(digest, entry);
    if (this.#young.size < this.#half) return;
    this.#old = this.#young;
    this.#young = new Map();
  }

  #rejuvenate(digest: string): Remembered<T> | null {
    const entry = this.#old.get(digest);
    if (entry === undefined) return null;
    this.remember(digest, entry);
    return entry;
  }
}
