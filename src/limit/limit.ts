/**
 * limit: takes what a call needs from every count that its verdict names, or says which one has not enough. All or
 * nothing: what was taken before a count refuses is given back.
 */

import type { Facts, LimitObligation } from '../call.ts';
import type { Reason } from '../reasons.ts';
import { type Bound, boundText } from '../config/limit-text.ts';
import { Allowance, type Claim } from './allowance.ts';
import type { Limit, Limits, Sum } from './compile.ts';
import type { CountKey } from './count-key.ts';
import { type Counts, FULL, OVER } from './counts.ts';
import type { DistinctCounts } from './distinct.ts';
import { estimateOf } from './estimate.ts';
import type { Price } from './prices.ts';

/** The tables that counts stand in. */
export interface Tables {
  readonly counts: Counts;
  readonly distinct: DistinctCounts;
}

/** A call, as far as limits care. */
export interface LimitedCall {
  readonly limits: readonly LimitObligation[];
  /** The facts of each of its operations. */
  readonly each: readonly Facts[];
  /** Returns 64 bits of a keyed hash of what was asked. */
  readonly input: () => { readonly high: number; readonly low: number };
  /** What the call has taken for its earlier messages; null for none. */
  readonly held: Allowance | null;
}

/** Why a call may not begin, or an answer not go on. */
export interface OverLimit {
  readonly kind: 'over';
  readonly reason: Reason;
  readonly rule: string;
  /** What the caller is told. */
  readonly detail: string;
  /** When the same call may pass, in milliseconds since the epoch; infinity for never. */
  readonly frees: number;
}

/** Returns what the call may use, or why it may not begin. Throws nothing of its own; `now` is in ms since the epoch. */
export function limit(limits: Limits, tables: Tables, call: LimitedCall, now: number): Allowance | OverLimit {
  const taking = new Taking(limits, tables, call, now);
  try {
    const over = taking.all();
    if (over === null) return taking.allowance();
    taking.undo();
    return over;
  } catch (error) {
    taking.undo();
    throw error;
  }
}

class Taking {
  readonly #limits: Limits;
  readonly #tables: Tables;
  readonly #call: LimitedCall;
  readonly #now: number;
  readonly #claims: Claim[] = [];
  readonly #places: CountKey[] = [];
  /** Places and inputs are taken once, however many operations there are. */
  readonly #once: Set<CountKey> | null;

  constructor(limits: Limits, tables: Tables, call: LimitedCall, now: number) {
    this.#limits = limits;
    this.#tables = tables;
    this.#call = call;
    this.#now = now;
    this.#once = call.each.length === 1 ? null : new Set();
  }

  allowance(): Allowance {
    return new Allowance(this.#tables.counts, this.#claims, this.#places, this.#call.each.length === 1);
  }

  undo(): void {
    const { counts } = this.#tables;
    for (const { key, cell, reserved } of this.#claims) if (reserved > 0) counts.giveBack(key, cell, reserved);
    for (const key of this.#places) counts.givePlace(key);
  }

  all(): OverLimit | null {
    for (const { rule, keys, at = 0 } of this.#call.limits) {
      const limit = this.#limits.byRule.get(rule);
      const facts = this.#call.each[at];
      if (limit === undefined || facts === undefined) return broken(rule);
      for (const name of keys) {
        const over = this.#take(limit, name, facts);
        if (over !== null) return over;
      }
    }
    return null;
  }

  /** Places first: whoever waits for one has not used up anything else. */
  #take(limit: Limit, name: string, facts: Facts): OverLimit | null {
    if (limit.concurrent !== null) {
      const over = this.#takePlace(limit, limit.concurrent.keyOf(name), limit.concurrent.most);
      if (over !== null) return over;
    }
    for (const sum of limit.sums) {
      const over = this.#takeSum(limit, sum, sum.keyOf(name), facts);
      if (over !== null) return over;
    }
    if (limit.distinct === null) return null;
    return this.#takeInput(limit, limit.distinct.keyOf(name), limit.distinct.most);
  }

  #takePlace(limit: Limit, key: CountKey, most: number): OverLimit | null {
    if (this.#call.held?.hasPlace(key) === true || this.#hasTaken(key)) return null;
    const taken = this.#tables.counts.takePlace(key, most, this.#now);
    if (taken === FULL) return full(limit);
    // nobody knows when a call ends
    if (taken === OVER) return reached(limit, 'concurrent', this.#now);
    this.#places.push(key);
    limit.level.note(this.#tables.counts.last / most, this.#now);
    return null;
  }

  #takeSum(limit: Limit, sum: Sum, key: CountKey, facts: Facts): OverLimit | null {
    const price = sum.bound === 'spend' ? this.#limits.priceOf(facts.model) : null;
    if (sum.bound === 'spend' && price === null) return unpriced(limit);
    const reserved = reserve(sum, facts, price);
    const { counts } = this.#tables;
    // a call that reserves nothing still needs something to be left
    const most = reserved === 0 ? sum.most - 1 : sum.most;
    const cell = counts.take(key, reserved, most, this.#now);
    if (cell === FULL) return full(limit);
    if (cell === OVER) return reached(limit, sum.bound, counts.frees(key, reserved, most, this.#now));
    limit.level.note(counts.last / sum.most, this.#now);
    this.#claims.push({ limit, sum, key, cell, reserved, facts, price });
    return null;
  }

  #takeInput(limit: Limit, key: CountKey, most: number): OverLimit | null {
    if (this.#hasTaken(key)) return null;
    const { high, low } = this.#call.input();
    const { distinct } = this.#tables;
    const taken = distinct.see(key, high, low, most, this.#now);
    if (taken === FULL) return full(limit);
    return taken === OVER ? reached(limit, 'distinct_inputs', distinct.frees(key)) : null;
  }

  #hasTaken(key: CountKey): boolean {
    if (this.#once === null) return false;
    if (this.#once.has(key)) return true;
    this.#once.add(key);
    return false;
  }
}

function reserve({ bound }: Sum, facts: Facts, price: Price | null): number {
  if (bound === 'requests') return 1;
  if (bound === 'answer_bytes') return 0;
  return estimateOf(bound, price, facts.inputTokens, reservedOutput(facts));
}

/** Output of a whole answer that nobody limits: what is set aside for it until its usage is known. */
const UNLIMITED_OUTPUT = 1_024;

/** A stream sets nothing aside for what is to come: it is cut where its budget ends. */
function reservedOutput({ stream, maxTokens, n }: Facts): number {
  if (stream) return 0;
  return (maxTokens === Number.MAX_SAFE_INTEGER ? UNLIMITED_OUTPUT : maxTokens) * n;
}

/** Returns that a bound of a limit is reached. */
export function reached(limit: Limit, bound: Bound, frees: number, reason: Reason = 'rate-limited'): OverLimit {
  const bounds = `At most ${boundText(limit.config, bound)}.`;
  const detail = limit.message === '' ? bounds : `${limit.message} ${bounds}`;
  return { kind: 'over', reason, rule: limit.rule, detail, frees };
}

const full = ({ rule }: Limit): OverLimit => ({
  kind: 'over',
  reason: 'overloaded',
  rule,
  detail: 'No further count can be kept now.',
  frees: 0,
});

const unpriced = ({ rule }: Limit): OverLimit => ({
  kind: 'over',
  reason: 'policy-error',
  rule,
  detail: 'What this model costs is not known.',
  frees: Infinity,
});

const broken = (rule: string): OverLimit => ({
  kind: 'over',
  reason: 'policy-error',
  rule,
  detail: '',
  frees: Infinity,
});
