/** Keeps the keys of one issuer at hand: refreshed in the background, good through an outage, asked for sparingly. */

import type { KeyObject } from 'node:crypto';
import type { Dispatcher } from 'undici';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Algorithm } from './algorithms.ts';
import type { FetchedKeys, FetchKeys } from './discovery.ts';
import { type KeySet, selectKey } from './key-set.ts';
import { UnknownKids } from './unknown-kids.ts';

/** A key at hand, with the generation of the set that it was found in. */
interface FoundKey {
  readonly key: KeyObject;
  readonly generation: number;
}

/** What is known about a key: `unavailable` when the issuer should be asked and cannot. */
export type Found = FoundKey | 'unknown' | 'unavailable';

/** Runs `run` once after `ms` milliseconds, unless the returned function is called before. */
export type Later = (ms: number, run: () => void) => () => void;

/** What the keys of an issuer are kept with. */
export interface KeepingParts {
  readonly fetch: FetchKeys;
  readonly dispatcher: Dispatcher;
  /** How long known keys stay good while the issuer cannot be reached, in milliseconds; never less than their own time. */
  readonly staleFor: number;
  readonly clock: Clock;
  readonly later: Later;
  /** Carries the issuer's name. */
  readonly log: Log;
}

const DEFAULT_TTL = 10 * 60_000;
/** An issuer's own max-age counts between these: neither hammering it nor missing its rotation. */
const MIN_TTL = 5 * 60_000;
const MAX_TTL = 60 * 60_000;
/** Both requests of one fetch together. */
const FETCH_TIMEOUT = 5000;
const FIRST_BACKOFF = 1000;
const MAX_BACKOFF = 60_000;

const ttlOf = (maxAge: number | null): number => Math.min(MAX_TTL, Math.max(MIN_TTL, maxAge ?? DEFAULT_TTL));
/** Jitter keeps many gateways from asking in step. */
const between = (low: number, high: number): number => low + Math.random() * (high - low);

/** A timer that does not keep the process alive. */
export const timer: Later = (ms, run) => {
  const handle = setTimeout(run, ms).unref();
  return () => clearTimeout(handle);
};

interface Kept {
  readonly set: KeySet;
  readonly ttl: number;
  /** Milliseconds on the wall clock and microseconds on the monotonic one. */
  readonly wall: number;
  readonly mono: number;
}

/** The keys of one issuer. Nothing that it does throws or rejects: what cannot be had is `unavailable`. */
export class IssuerKeys {
  readonly #parts: KeepingParts;
  readonly #closing = new AbortController();
  readonly #unknown: UnknownKids;
  #kept: Kept | null = null;
  #generation = 0;
  #failures = 0;
  #fetching: Promise<void> | null = null;
  #cancel = (): void => {};

  /** Begins to fetch at once; the first calls wait for it. */
  constructor(parts: KeepingParts) {
    this.#parts = parts;
    this.#unknown = new UnknownKids(this.#mono());
    void this.#refresh();
  }

  /** Changes whenever the set of usable keys does: what was verified under another generation has to be verified again. */
  get generation(): number {
    return this.#generation;
  }

  /** Milliseconds for which the keys at hand are good without hearing from the issuer again; 0 when they are not. */
  get goodFor(): number {
    if (this.#kept === null) return 0;
    return Math.max(0, Math.max(this.#parts.staleFor, this.#kept.ttl) - this.#age(this.#kept));
  }

  /** Returns the key, at once where that is known. A call waits only when its answer depends on a fetch. */
  find(kid: string, alg: Algorithm): Found | Promise<Found> {
    if (this.#mustWait()) return this.#refresh().then(() => this.#choose(kid, alg, false));
    return this.#choose(kid, alg, true);
  }

  /** Stops refreshing and ends a fetch under way. */
  close(): void {
    this.#cancel();
    this.#closing.abort();
  }

  #choose(kid: string, alg: Algorithm, mayAsk: boolean): Found | Promise<Found> {
    if (this.#kept === null || this.goodFor === 0) return 'unavailable';
    const key = selectKey(this.#kept.set, kid, alg);
    if (key !== null) return { key: key.key, generation: this.#generation };
    // the id is known: it is the algorithm that does not fit, or two keys have the id
    if (this.#kept.set.keys.some((known) => known.kid === kid)) return 'unknown';
    return mayAsk ? this.#ask(kid, alg) : this.#conclude(kid);
  }

  /** The issuer may have begun to sign with a new key. */
  #ask(kid: string, alg: Algorithm): Found | Promise<Found> {
    const now = this.#mono();
    if (this.#unknown.isAnswered(kid, now)) return 'unknown';
    // the breaker is open: while the issuer fails, only the timer of #failed asks it
    if (this.#failures > 0) return 'unavailable';
    if (this.#fetching === null && !this.#unknown.mayAsk(now)) return 'unavailable';
    return this.#refresh().then(() => this.#choose(kid, alg, false));
  }

  #conclude(kid: string): Found {
    if (this.#failures > 0) return 'unavailable';
    this.#unknown.answer(kid, this.#mono());
    return 'unknown';
  }

  /**
   * True when there is nothing to answer with, or only keys that should have been refreshed and were not even tried
   * (the machine slept). In an outage nobody waits as long as the keys at hand serve.
   */
  #mustWait(): boolean {
    if (this.#kept === null || this.goodFor === 0) return this.#fetching !== null || this.#failures === 0;
    return this.#failures === 0 && this.#age(this.#kept) > this.#kept.ttl;
  }

  /** The older of two ages: the wall clock sees that the machine slept, the monotonic one that the wall clock was set back. */
  #age({ wall, mono }: Kept): number {
    return Math.max(this.#parts.clock.now() - wall, this.#mono() - mono / 1000);
  }

  #mono(): number {
    return this.#parts.clock.mono() / 1000;
  }

  /** Single flight: whoever asks while a fetch is under way gets its outcome. */
  #refresh(): Promise<void> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  async #fetch(): Promise<void> {
    this.#cancel();
    const { fetch, dispatcher } = this.#parts;
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(FETCH_TIMEOUT)]);
    try {
      this.#accept(await fetch({ dispatcher, signal }));
    } catch (error) {
      this.#failed(error);
    }
  }

  #accept({ set, maxAge }: FetchedKeys): void {
    const { clock, log } = this.#parts;
    const changed = set.fingerprint !== this.#kept?.set.fingerprint;
    const ttl = ttlOf(maxAge);
    this.#kept = { set, ttl, wall: clock.now(), mono: clock.mono() };
    if (changed) {
      this.#generation++;
      // an issuer that publishes no usable key means it: nothing of it verifies from now on
      log.info({ usable: set.keys.length, ignored: set.ignored }, 'the keys of an issuer have changed');
    }
    if (this.#failures > 0) log.info({ failures: this.#failures }, 'the keys of an issuer can be fetched again');
    this.#failures = 0;
    this.#schedule(between(0.5, 0.8) * ttl);
  }

  #failed(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    this.#failures++;
    const backoff = Math.min(MAX_BACKOFF, FIRST_BACKOFF * 2 ** Math.min(this.#failures - 1, 16));
    this.#parts.log.warn(
      { err: error, failures: this.#failures, good_for_ms: this.goodFor },
      'the keys of an issuer cannot be fetched',
    );
    this.#schedule(between(0.5, 1) * backoff);
  }

  #schedule(ms: number): void {
    if (!this.#closing.signal.aborted) this.#cancel = this.#parts.later(ms, () => void this.#refresh());
  }
}
