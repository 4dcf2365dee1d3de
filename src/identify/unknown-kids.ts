/** Decides whether an unknown key id is worth asking the issuer about: anybody can invent one (promise 1). */

/** Questions that may be asked at once, and how often one more may be; both per issuer and data worker. */
const BURST = 5;
const REFILL_MS = 10_000;
/** How long an id stays answered, and how many answers are kept. */
const ANSWERED_MS = 30_000;
const MAX_ANSWERS = 1000;

/** Times in milliseconds of a monotonic clock. */
export class UnknownKids {
  #tokens = BURST;
  #filledAt: number;
  /** Key id → until when it is known not to exist; oldest first. */
  readonly #answered = new Map<string, number>();

  constructor(now: number) {
    this.#filledAt = now;
  }

  /** Returns true while the issuer is known to have no such key. */
  isAnswered(kid: string, now: number): boolean {
    return now < (this.#answered.get(kid) ?? Number.NEGATIVE_INFINITY);
  }

  /** Returns true when the issuer may be asked now, and counts the question. */
  mayAsk(now: number): boolean {
    const earned = Math.floor((now - this.#filledAt) / REFILL_MS);
    if (earned > 0) {
      this.#tokens = Math.min(BURST, this.#tokens + earned);
      this.#filledAt += earned * REFILL_MS;
    }
    if (this.#tokens === 0) return false;
    this.#tokens--;
    return true;
  }

  /** Remembers that the issuer was asked and has no such key. */
  answer(kid: string, now: number): void {
    this.#answered.delete(kid);
    this.#answered.set(kid, now + ANSWERED_MS);
    const [oldest] = this.#answered.keys();
    if (this.#answered.size > MAX_ANSWERS && oldest !== undefined) this.#answered.delete(oldest);
  }
}
