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
 * Positives only, least recently used out first. The key is a digest of the whole token: shorter keys let one token
 * answer for another (CVE-2026-35030 looked up `token[:20]`), and the tokens themselves would make every heap dump
 * a collection of credentials.
 */
export class TokenMemory<T> {
  readonly #capacity: number;
  readonly #entries = new Map<string, Remembered<T>>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /**
   * Returns what was remembered under this digest, or null. Time and everything else it depended on is checked on
   * every hit; an entry from the future (the wall clock was set back) does not count either.
   */
  recall(digest: string, now: number): T | null {
    const entry = this.#entries.get(digest);
    if (entry === undefined) return null;
    this.#entries.delete(digest);
    if (now < entry.from || now >= entry.until || !entry.isCurrent()) return null;
    this.#entries.set(digest, entry);
    return entry.value;
  }

  /** Remembers under this digest; forgets the least recently used entry when there are too many. */
  remember(digest: string, entry: Remembered<T>): void {
    if (entry.until <= entry.from) return;
    this.#entries.set(digest, entry);
    if (this.#entries.size <= this.#capacity) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }
}
