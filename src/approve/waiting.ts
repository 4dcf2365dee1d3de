/** Who waits for an approval to be decided. */

/** Calls that wait, by approval. */
export interface Waiting {
  /** `woken` resolves when `wake` is called for `id`, after `ms`, or when the one who waits gives up. */
  until(id: string, ms: number): { readonly woken: Promise<void>; readonly giveUp: () => void };
  wake(id: string): void;
}

/** What a timer can count, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

/** Returns a place to wait. */
export function createWaiting(): Waiting {
  const waiting = new Map<string, Set<() => void>>();

  const leave = (id: string, done: () => void): void => {
    const beside = waiting.get(id);
    beside?.delete(done);
    if (beside?.size === 0) waiting.delete(id);
  };

  return {
    until(id, ms) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(() => giveUp(), Math.min(ms, LONGEST));
      const giveUp = (): void => {
        clearTimeout(timer);
        leave(id, giveUp);
        resolve();
      };
      const beside = waiting.get(id) ?? new Set();
      waiting.set(id, beside.add(giveUp));
      return { woken: promise, giveUp };
    },
    wake(id) {
      for (const giveUp of waiting.get(id) ?? []) giveUp();
    },
  };
}
