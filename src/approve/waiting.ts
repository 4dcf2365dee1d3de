/** Who waits for an approval to be decided. */

/** Calls that wait, by approval. */
export interface Waiting {
  /** Resolves when `wake` is called for `id`, and after `ms` at the latest. */
  until(id: string, ms: number): { readonly woken: Promise<void>; readonly give: () => void };
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
      const timer = setTimeout(() => give(), Math.min(ms, LONGEST));
      const give = (): void => {
        clearTimeout(timer);
        leave(id, give);
        resolve();
      };
      const beside = waiting.get(id) ?? new Set();
      waiting.set(id, beside.add(give));
      return { woken: promise, give };
    },
    wake(id) {
      for (const give of waiting.get(id) ?? []) give();
    },
  };
}
