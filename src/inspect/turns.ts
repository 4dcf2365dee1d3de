/**
 * Long inspections in turns: a body of many megabytes may take a second of the thread that carries all calls, and one made
 * to be slow some seconds. The call waits; the others do not, and what takes too long altogether is refused.
 */

import { setImmediate } from 'node:timers/promises';
import { Failure } from '../reasons.ts';

/** How long one turn is, in milliseconds: what another call may wait beside its own work. */
const TURN = 8;

const tooLong = (limit: number): Failure =>
  new Failure('inspection-limit', `inspection took more than ${limit} ms`, {
    detail: `The gateway spends at most ${limit} ms of work on the inspection of one body.`,
  });

/** Returns what the work comes to, done in one go. Throws Failure `inspection-limit` when it takes more than `limit` milliseconds. */
export const atOnce = <T>(work: Generator<void, T>, limit = Infinity): T => {
  const end = performance.now() + limit;
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    if (performance.now() > end) throw tooLong(limit);
  }
};

/**
 * Resolves to what the work comes to; between turns, others have theirs, and only the work's own time counts. Rejects with
 * Failure `inspection-limit` when it takes more than `limit` milliseconds of it.
 */
export const inTurns = async <T>(work: Generator<void, T>, limit: number): Promise<T> => {
  let left = limit;
  for (;;) {
    const began = performance.now();
    for (;;) {
      const step = work.next();
      if (step.done === true) return step.value;
      const spent = performance.now() - began;
      if (spent > left) throw tooLong(limit);
      if (spent > TURN) break;
    }
    left -= performance.now() - began;
    await setImmediate();
  }
};
