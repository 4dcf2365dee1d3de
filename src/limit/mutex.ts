/** A lock in memory that threads share. (Ulrich Drepper, "Futexes Are Tricky", mutex 2) */

import { Failure } from '../reasons.ts';

const FREE = 0;
const HELD = 1;
/** Held, and somebody waits. */
const CONTENDED = 2;

/** What is done under a lock takes less than a microsecond: a holder at work is soon done, one that was preempted is not. */
const SPINS = 100;
/** Milliseconds until a waiting thread looks again by itself. */
const LOOK_MS = 10;
/** A holder that takes longer than this is dead, and the gateway about to end. Milliseconds. */
const DEAD_MS = 2_000;

/** Locks of any number, one cell each. All zeros is all free. */
export type Locks = Int32Array<SharedArrayBuffer>;

/** Takes the lock at `at`, waiting while another thread holds it. Throws Failure `overloaded` when its holder is dead. */
export function lock(locks: Locks, at: number): void {
  for (let spin = 0; spin < SPINS; spin++) {
    if (Atomics.compareExchange(locks, at, FREE, HELD) === FREE) return;
  }
  const until = performance.now() + DEAD_MS;
  while (Atomics.exchange(locks, at, CONTENDED) !== FREE) {
    Atomics.wait(locks, at, CONTENDED, LOOK_MS);
    if (performance.now() > until) throw new Failure('overloaded', 'a count stays locked');
  }
}

/** Gives back the lock at `at`, which this thread holds. */
export function unlock(locks: Locks, at: number): void {
  if (Atomics.exchange(locks, at, FREE) === CONTENDED) Atomics.notify(locks, at, 1);
}
