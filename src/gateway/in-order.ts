/** Steps of one stream of bytes, in their order: while one waits for long work that is done in turns, those behind it wait too. */

import type { AnswerMask } from '../mask/answer-mask.ts';
import type { WorkRoom } from './work-room.ts';
import { inTurns, type Steps, type TimeLimit } from '../turns.ts';

/** More bytes than this are looked at in turns with other calls; fewer take no longer than what one call may. */
export const LONG = 128 * 1024;

/** Returns how many bytes a mask has to look at, with this chunk or with null at the end, where that takes turns; else 0. */
export const longBytes = (mask: AnswerMask, chunk: Buffer | null): number => {
  // what is masked whole is looked at when all of it is there
  if (chunk !== null && mask.kind === 'whole') return 0;
  const bytes = (mask.held ?? 0) + (chunk?.length ?? 0);
  return bytes > LONG ? bytes : 0;
};

/** How long work is done. */
export interface LongWork {
  readonly limit: TimeLimit;
  /** Shared by all that is long on this thread. */
  readonly room: WorkRoom;
  /** Whether nobody waits for it any more. */
  readonly left: () => boolean;
  /** Runs what comes behind it; what it throws is the stream's end. */
  readonly guarded: (step: () => void) => void;
  /** The work has failed. */
  readonly fail: (cause: unknown) => void;
  /** The work is done, and so is all that waited behind it. */
  readonly done: () => void;
}

/** The steps of one stream. */
export class InOrder {
  readonly #how: LongWork;
  #waiting: (() => void)[] = [];
  #busy = false;
  /** Leaves the room for long work, or the line for it. */
  #leave: () => void = () => {};

  constructor(how: LongWork) {
    this.#how = how;
  }

  /** Whether long work is under way: who sends should be held. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Runs the step once all before it are done. */
  run(step: () => void): void {
    if (this.#busy || this.#waiting.length > 0) this.#waiting.push(step);
    else step();
  }

  /** Does long work on so many bytes in turns, and then what follows from it, ahead of the steps that wait. Called by a step, as its last word. */
  inTurns<T>(work: Steps<T>, bytes: number, then: (result: T) => void): void {
    const { room, limit, left } = this.#how;
    this.#busy = true;
    this.#leave = room.enter(bytes, () => void this.#do(inTurns(work, limit, left), then));
  }

  /** As `inTurns`, with work that somebody else does. */
  later<T>(work: Promise<T>, then: (result: T) => void): void {
    this.#busy = true;
    void this.#do(work, then);
  }

  /** Forgets what waits. What is being done ends at its next turn. */
  drop(): void {
    this.#waiting = [];
    this.#leave();
  }

  async #do<T>(work: Promise<T>, then: (result: T) => void): Promise<void> {
    const { guarded, fail } = this.#how;
    try {
      const result = await work;
      this.#leave();
      this.#busy = false;
      guarded(() => then(result));
      this.#goOn();
    } catch (cause) {
      // nothing is waited for any more: whoever leaves now has left
      this.#busy = false;
      this.drop();
      fail(cause);
    }
  }

  #goOn(): void {
    for (let [step] = this.#waiting; step !== undefined && !this.#busy; [step] = this.#waiting) {
      this.#waiting.shift();
      this.#how.guarded(step);
    }
    if (!this.#busy) this.#how.done();
  }
}
