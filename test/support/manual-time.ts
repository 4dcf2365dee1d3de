/** Time that stands still until a test moves it. */

import type { Clock } from '../../src/clock.ts';
import type { Later } from '../../src/identify/issuer-keys.ts';

/** A clock and timers that a test moves by hand. */
export interface ManualTime {
  readonly clock: Clock;
  readonly later: Later;
  /** Delays of the timers that are set and have not run, in milliseconds from now. */
  readonly due: readonly number[];
  /** Lets time pass: both clocks move and the timers that come due run. */
  advance(ms: number): void;
  /** Moves the wall clock alone, as an administrator or a time server does. */
  setWall(ms: number): void;
}

/** Returns time that begins at `start`, on 1 January 2027 when absent. */
export function manualTime(start = Date.UTC(2027, 0, 1)): ManualTime {
  let wall = start;
  let mono = 5_000;
  const timers = new Map<() => void, number>();
  return {
    clock: { now: () => wall, mono: () => mono * 1000 },
    later: (ms, run) => {
      timers.set(run, mono + ms);
      return () => timers.delete(run);
    },
    get due() {
      return [...timers.values()].map((at) => at - mono);
    },
    advance(ms) {
      wall += ms;
      mono += ms;
      for (const [run, at] of timers) {
        if (at > mono) continue;
        timers.delete(run);
        run();
      }
    },
    setWall(ms) {
      wall = ms;
    },
  };
}
