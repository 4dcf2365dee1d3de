/**
 * Keys for what masking takes away: a chain that only goes forward. Each step gives one key and forgets what it came
 * from, so that whoever takes over a running gateway cannot open what was kept before; the beginning of the chain is
 * wrapped for auditors and nobody else, and never on the disk.
 */

import { createHmac, randomBytes } from 'node:crypto';

const step = (state: Uint8Array, label: string): Buffer =>
  createHmac('sha256', state).update(`sallyport originals v1 ${label}`).digest();

/** A chain of keys. */
export class KeyChain {
  #state: Uint8Array;
  #taken = 0;

  /** `start` is 32 random bytes. It is overwritten with the first step. */
  constructor(start: Uint8Array) {
    this.#state = start;
  }

  /** How many keys were taken. */
  get taken(): number {
    return this.#taken;
  }

  /** Returns the next key, and forgets how to make it. */
  take(): Buffer {
    const key = step(this.#state, 'key');
    const next = step(this.#state, 'next');
    this.#state.fill(0);
    this.#state = next;
    this.#taken++;
    return key;
  }
}

/** What a worker makes keys of: one link of the gateway's chain, which begins a chain of its own. */
export interface OriginalsSeed {
  /** Id of the key that the gateway's chain began with. */
  readonly id: string;
  /** Which of its links. */
  readonly link: number;
  /** 32 bytes. */
  readonly seed: Uint8Array;
}

/** Where a session's key for originals comes from. */
export interface OriginalsPlace {
  readonly id: string;
  readonly link: number;
  readonly n: number;
}

const MAX_STEPS = 2 ** 32;

function nth(start: Uint8Array, n: number): Buffer {
  if (!Number.isSafeInteger(n) || n < 0 || n > MAX_STEPS) throw new Error(`expected a number of keys, found ${n}`);
  const chain = new KeyChain(Uint8Array.from(start));
  for (let taken = 0; taken < n; taken++) chain.take();
  return chain.take();
}

/** Returns the key of a session, from the beginning of the gateway's chain. */
export const originalKey = (start: Uint8Array, { link, n }: OriginalsPlace): Buffer => nth(nth(start, link), n);

/** Returns where a chain begins. */
export const newChainStart = (): Uint8Array => new Uint8Array(randomBytes(32));
