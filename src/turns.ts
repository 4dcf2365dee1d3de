/**
 * Long work in turns: a body of many megabytes may take a second of the thread that carries all calls, and one made to be
 * slow some seconds. The call waits; the others do not, and what takes too long altogether is refused.
 */

import { Failure } from './reasons.ts';

/** How long one turn is, in milliseconds: what another call may wait beside its own work. */
export const TURN = 8;

/** Work that rests now and then: whoever takes the steps decides when to go on. */
export type Steps<T> = Generator<void, T>;

/** How much of a thread's time a piece of work may take, and what it fails with beyond. */
export interface TimeLimit {
  /** Milliseconds of its own time. */
  readonly most: number;
  readonly exceeded: () => Failure;
}

/** Returns the limit on looking into one body or message of a caller. */
export const inspectionLimit = (most: number): TimeLimit => ({
  most,
  exceeded: () =>
    new Failure('inspection-limit', `inspection took more than ${most} ms`, {
      detail: `The gateway spends at most ${most} ms of work on the inspection of one body.`,
    }),
});

/** Returns the limit on masking one answer, or one event of it. */
export const answerLimit = (most: number): TimeLimit => ({
  most,
  exceeded: () => new Failure('answer-unreadable', `expected an answer that is masked in ${most} ms`),
});

const NO_LIMIT: TimeLimit = { most: Infinity, exceeded: () => new Failure('internal', 'no limit has an end') };

/** Lets the work say last words, and returns what it failed with. */
const stopped = <T>(work: Steps<T>, limit: TimeLimit): Failure => {
  const failure = limit.exceeded();
  try {
    work.throw(failure);
  } catch (cause) {
    if (cause instanceof Failure) return cause;
  }
  return failure;
};

/** Returns what the work comes to, done in one go. Throws the limit's Failure when it takes longer. */
export const atOnce = <T>(work: Steps<T>, limit: TimeLimit = NO_LIMIT): T => {
  const end = limit.most === Infinity ? Infinity : performance.now() + limit.most;
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    if (end !== Infinity && performance.now() > end) throw stopped(work, limit);
  }
};

/** Work that waits for its next turn, in order: one turn in each round of the event loop, however many bodies are long. */
const waiting: (() => void)[] = [];

const next = (): void => {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(next);
};

const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(next);
  });

/** Nobody waits for the work any more. */
const LEFT = new Failure('caller-left', 'nobody waits for what was being looked into');

/**
 * Resolves to what the work comes to; between turns, others have theirs, and only the work's own time counts. Rejects with
 * the limit's Failure when it takes longer, and with Failure `caller-left` at its next turn once `left` says so.
 */
export const inTurns = async <T>(work: Steps<T>, limit: TimeLimit, left = (): boolean => false): Promise<T> => {
  let rest = limit.most;
  for (;;) {
    if (left()) throw LEFT;
    const began = performance.now();
    for (;;) {
      const step = work.next();
      if (step.done === true) return step.value;
      const spent = performance.now() - began;
      if (spent > rest) throw stopped(work, limit);
      if (spent > TURN) break;
    }
    rest -= performance.now() - began;
    await nextTurn();
  }
};
