/**
 * Refusals of unidentified strangers, counted by source and reason so that nobody can fill the ledger from outside:
 * at most one entry per source and reason in ten seconds, and at most `MAX_ENTRIES` in all.
 */

import type { Reason } from '../reasons.ts';

/** What is recorded of refusals: `count` of them between `from` and `to` (ms since the epoch). */
export interface RefusalRecord {
  /** Address of the peer; `*` for all that were too many to tell apart. */
  readonly source: string;
  readonly reason: Reason;
  readonly count: number;
  readonly from: number;
  readonly to: number;
}

/** How long refusals are counted together. */
export const REFUSALS_MS = 10_000;
/** The most sources and reasons told apart in one round; the rest is counted by reason alone. */
export const MAX_ENTRIES = 1024;

const OTHERS = '*';
/** No address is longer: RFC 4291 §2.2 with a zone. */
const MAX_SOURCE = 64;

/** Counts refusals until they are taken. */
export class Strangers {
  readonly #entries = new Map<string, RefusalRecord>();

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /** Counts one refusal at `now` (ms since the epoch). */
  count(source: string, reason: Reason, now: number): void {
    const known = source.slice(0, MAX_SOURCE);
    const key = `${reason} ${known}`;
    const isFull = this.#entries.size >= MAX_ENTRIES && !this.#entries.has(key);
    this.#add(isFull ? `${reason} ${OTHERS}` : key, isFull ? OTHERS : known, reason, now);
  }

  /** Returns what was counted, in the order of first occurrence, and begins anew. */
  take(): readonly RefusalRecord[] {
    const taken = [...this.#entries.values()];
    this.#entries.clear();
    return taken;
  }

  #add(key: string, source: string, reason: Reason, now: number): void {
    const entry = this.#entries.get(key);
    const { count, from } = entry ?? { count: 0, from: now };
    this.#entries.set(key, { source, reason, count: count + 1, from, to: now });
  }
}

/** Returns the JSON text of one entry. */
export const refusalText = (record: RefusalRecord): string => JSON.stringify({ v: 1, ...record });

/** Returns the entry that an authenticated frame carries. Throws on a version that is not known. */
export function readRefusal(text: string): RefusalRecord {
  const value: unknown = JSON.parse(text);
  if (!isRefusalRecord(value)) throw new Error('expected refusals of version 1');
  return value;
}

// The version is enough: the frame's tag proves that this code wrote the rest.
const isRefusalRecord = (value: unknown): value is RefusalRecord =>
  typeof value === 'object' && value !== null && 'v' in value && value.v === 1;
