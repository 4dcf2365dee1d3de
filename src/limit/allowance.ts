/** What one call may use of its limits: charged while its answer flows, settled when it ends. */

import type { Facts } from '../call.ts';
import type { Usage } from '../protocol/codec.ts';
import type { Reason } from '../reasons.ts';
import type { Limit, Sum } from './compile.ts';
import type { CountKey } from './count-key.ts';
import type { Counts } from './counts.ts';
import { estimateOf, tokensOf } from './estimate.ts';
import type { Price } from './prices.ts';

/** What a call has taken from one sum. */
export interface Claim {
  readonly limit: Limit;
  readonly sum: Sum;
  readonly key: CountKey;
  /** The cell in which `reserved` stands. */
  readonly cell: number;
  readonly reserved: number;
  readonly facts: Facts;
  /** For sums of cost. */
  readonly price: Price | null;
}

/** A limit that an answer has used up. */
export interface UsedUp {
  readonly limit: Limit;
  readonly sum: Sum;
  /** When there is something left again, in milliseconds since the epoch. */
  readonly frees: number;
}

/** How a call ended, as far as limits care. */
export interface CallEnd {
  readonly reason: Reason;
  readonly status: number;
  /** Tokens as the model server counted them; null where it did not. */
  readonly usage: Usage | null;
}

/** Reasons with which a call ends before a model has read anything of it. */
const UNREAD: ReadonlySet<Reason> = new Set(['upstream-unreachable']);

/** The allowance of one call. Owned by the call; nothing is taken after `end`. */
export class Allowance {
  readonly kind = 'allowance';
  /** The text of an answer has to be measured as it flows. */
  measures = false;
  readonly #counts: Counts;
  readonly #claims: Claim[];
  /** What was charged beyond the reserve, claim by claim. */
  readonly #charged: number[];
  readonly #places: CountKey[];
  /** The usage of a call of several operations says nothing about each of them: what was estimated stays. */
  #settles: boolean;
  /** Claims of further messages on counts that the answer is charged to already. */
  readonly #answered = new Set<Claim>();
  #countsBytes = false;
  #forwarded = false;
  /** UTF-8 bytes of text; of these, what earlier readers counted, and what this one did. */
  #written = 0;
  #earlier = 0;
  #read = 0;
  #bytes = 0;
  #came = 0;
  #over = false;

  constructor(counts: Counts, claims: Claim[], places: CountKey[], settles: boolean) {
    this.#counts = counts;
    this.#claims = claims;
    this.#charged = claims.map(() => 0);
    this.#places = places;
    this.#settles = settles;
    this.#look();
  }

  #look(): void {
    this.#countsBytes = this.#claims.some(({ sum }) => sum.bound === 'answer_bytes');
    this.measures = this.#claims.some(({ sum }) => sum.bound !== 'answer_bytes' && sum.bound !== 'requests');
  }

  /** Adds what a further message of the same call has taken. The one answer counts once for each count. */
  join(further: Allowance): void {
    const known = further.#claims.filter((claim) => this.#claims.some(({ key }) => isSame(key, claim.key)));
    for (const claim of known) this.#answered.add(claim);
    this.#claims.push(...further.#claims);
    this.#charged.push(...further.#claims.map(() => 0));
    this.#places.push(...further.#places);
    this.#settles = false;
    this.#look();
  }

  /** Returns true when the call has a place of this count already. */
  hasPlace(key: CountKey): boolean {
    return this.#places.some((place) => isSame(place, key));
  }

  /** The request is on its way to the model: what it reserved is used from now on. */
  forwarded(): void {
    this.#forwarded = true;
  }

  /** Charges bytes that are about to leave. Returns the limit that they are over, null when they may leave. */
  leave(bytes: number, now: number): UsedUp | null {
    this.#bytes += bytes;
    if (!this.#countsBytes) return null;
    for (let at = 0; at < this.#claims.length; at++) {
      const claim = this.#claims[at];
      if (claim?.sum.bound !== 'answer_bytes' || this.#answered.has(claim)) continue;
      const usedUp = this.#charge(at, claim, bytes, now);
      if (usedUp !== null) return usedUp;
    }
    return null;
  }

  /** Returns the limit that an answer of so many bytes is over, null when it fits. Charges nothing. */
  fits(bytes: number, now: number): UsedUp | null {
    if (!this.#countsBytes) return null;
    for (const { limit, sum, key } of this.#claims) {
      if (sum.bound !== 'answer_bytes' || this.#counts.read(key, now).taken + bytes <= sum.most) continue;
      return { limit, sum, frees: this.#counts.frees(key, bytes, sum.most, now) };
    }
    return null;
  }

  /** Returns how many bytes of the answer have come, `bytes` more than before. */
  came(bytes: number): number {
    this.#came += bytes;
    return this.#came;
  }

  /** Charges what the model has written so far, in UTF-8 bytes of text. Returns the limit that is used up, null for none. */
  wrote(bytes: number, now: number): UsedUp | null {
    // where another reader took over, it counts from zero
    if (bytes < this.#read) this.#earlier += this.#read;
    this.#read = bytes;
    const before = tokensOf(this.#written);
    this.#written = this.#earlier + bytes;
    const after = tokensOf(this.#written);
    if (after === before) return null;
    for (let at = 0; at < this.#claims.length; at++) {
      const claim = this.#claims[at];
      if (claim === undefined || this.#answered.has(claim)) continue;
      const { sum, facts, price } = claim;
      if (sum.bound === 'answer_bytes' || sum.bound === 'requests') continue;
      const all = estimateOf(sum.bound, price, facts.inputTokens, after);
      const more = all - claim.reserved - (this.#charged[at] ?? 0);
      if (more <= 0) continue;
      const usedUp = this.#charge(at, claim, more, now);
      if (usedUp !== null) return usedUp;
    }
    return null;
  }

  /** Gives back the places, and settles what was reserved and charged with what was used. Only the first call counts. */
  end(end: CallEnd, now: number): void {
    if (this.#over) return;
    this.#over = true;
    for (const key of this.#places) this.#counts.givePlace(key);
    for (const [at, claim] of this.#claims.entries()) {
      const taken = claim.reserved + (this.#charged[at] ?? 0);
      const used = this.#used(claim, taken, end);
      if (used > taken) this.#counts.charge(claim.key, used - taken, now);
      if (used < taken) this.#counts.giveBack(claim.key, claim.cell, taken - used);
    }
  }

  #charge(at: number, claim: Claim, amount: number, now: number): UsedUp | null {
    const { limit, sum, key } = claim;
    const total = this.#counts.charge(key, amount, now);
    this.#charged[at] = (this.#charged[at] ?? 0) + amount;
    if (total <= sum.most) return null;
    return { limit, sum, frees: this.#counts.frees(key, 1, sum.most, now) };
  }

  #used({ sum, facts, price }: Claim, taken: number, end: CallEnd): number {
    const { bound } = sum;
    if (bound === 'requests' || bound === 'answer_bytes') return taken;
    if (!this.#forwarded || UNREAD.has(end.reason)) return 0;
    const { usage, reason, status } = end;
    const whole = reason === 'completed';
    if (usage === null || !this.#settles) {
      // the model server's own refusals cost nothing
      if (whole && status >= 400) return 0;
      if (!whole || (facts.stream && this.#written > 0)) return taken;
      // an answer whose text nobody measured and that does not say what it used: every byte of it counts as text
      return Math.max(estimateOf(bound, price, facts.inputTokens, tokensOf(this.#bytes)), this.#settles ? 0 : taken);
    }
    const input = atLeastZero(usage.input);
    const output = atLeastZero(usage.output);
    // an answer that broke off has said only what was used up to then
    if (whole) return estimateOf(bound, price, input, output);
    return Math.max(
      estimateOf(bound, price, input, Math.max(output, tokensOf(this.#written))),
      facts.stream ? 0 : taken,
    );
  }
}

const isSame = (one: CountKey, other: CountKey): boolean => one.words.every((word, at) => word === other.words[at]);

const atLeastZero = (count: number): number => Math.max(0, Math.ceil(count));
