/** Time as the house reads it; tests inject their own. */
export interface Clock {
  /** Milliseconds since the Unix epoch, wall clock. */
  now(): number;
  /** Microseconds on a monotonic clock with an arbitrary origin; only differences mean anything. */
  mono(): number;
}

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  mono: () => Math.round(performance.now() * 1000),
};
