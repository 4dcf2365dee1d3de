import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Race, Raced } from '../../test/support/counting-racer.ts';
import { keysOf } from './count-key.ts';
import { CELLS_PER_WINDOW, Counts, countsMemory, FULL, OVER } from './counts.ts';

const SECRET = randomBytes(32);
const START = Date.UTC(2026, 0, 5, 12);
const WIDTH = 50;
const WINDOW = WIDTH * CELLS_PER_WINDOW;

const table = (slots = 64): Counts => new Counts(countsMemory(slots));

/** What was taken, one by one: slow and obvious. */
class Ledger {
  readonly #entries: { cell: number; at: number; amount: number }[] = [];

  counted(now: number): number {
    const oldest = Math.floor(now / WIDTH) - CELLS_PER_WINDOW;
    return this.#entries.filter(({ cell }) => cell >= oldest).reduce((sum, { amount }) => sum + amount, 0);
  }

  take(amount: number, most: number, now: number): boolean {
    if (this.counted(now) + amount > most) return false;
    this.#entries.push({ cell: Math.floor(now / WIDTH), at: now, amount });
    return true;
  }

  giveBack(cell: number, amount: number): void {
    for (const entry of this.#entries.filter((each) => each.cell === cell)) {
      const back = Math.min(entry.amount, amount);
      entry.amount -= back;
      amount -= back;
    }
  }

  /** The most that was taken in any span of a window's length. */
  get worst(): number {
    const sums = this.#entries.map(({ at: from }) =>
      this.#entries.filter(({ at }) => at >= from && at < from + WINDOW).reduce((sum, { amount }) => sum + amount, 0),
    );
    return Math.max(0, ...sums);
  }
}

const steps = fc.array(
  fc.record({
    wait: fc.oneof(fc.nat(WIDTH * 2), fc.nat(WINDOW), fc.nat(WINDOW * 3)),
    amount: fc.nat(40),
    back: fc.option(fc.nat(40), { freq: 3 }),
  }),
  { maxLength: 80 },
);

describe('a count over a sliding window', () => {
  it('takes exactly what the slow ledger takes, and never more than the limit in any span of a window', () => {
    let refused = 0;
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 100 }), (list, most) => {
        const counts = table();
        const key = keysOf(SECRET, 'r', WIDTH)('a');
        const ledger = new Ledger();
        let now = START;
        for (const { wait, amount, back } of list) {
          now += wait;
          const cell = counts.take(key, amount, most, now);
          expect(cell >= 0).toBe(ledger.take(amount, most, now));
          expect(cell).not.toBe(FULL);
          if (cell === OVER) refused++;
          if (cell >= 0 && back !== null) {
            counts.giveBack(key, cell, back);
            ledger.giveBack(cell, back);
          }
          expect(counts.read(key, now).taken).toBe(ledger.counted(now));
          expect(ledger.worst).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: 300 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  it('says exactly when it frees: not a millisecond before, and then surely', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 60 }), (list, most) => {
        const counts = table();
        const key = keysOf(SECRET, 'r', WIDTH)('a');
        let now = START;
        for (const { wait, amount } of list) {
          now += wait;
          if (counts.take(key, amount, most, now) !== OVER) continue;
          const at = counts.frees(key, amount, most, now);
          if (amount > most) {
            expect(at).toBe(Infinity);
            continue;
          }
          expect(at).toBeGreaterThan(now);
          expect(at - now).toBeLessThanOrEqual(WINDOW + WIDTH);
          expect(counts.take(key, amount, most, at - 1)).toBe(OVER);
          expect(counts.take(key, amount, most, at)).toBeGreaterThanOrEqual(0);
          now = at;
        }
      }),
    );
  });

  it('charges beyond the limit and says how much it is then', () => {
    const counts = table();
    const key = keysOf(SECRET, 'r', WIDTH)('a');
    expect(counts.charge(key, 90, START)).toBe(90);
    expect(counts.charge(key, 20, START + WIDTH)).toBe(110);
    expect(counts.take(key, 1, 100, START + WIDTH)).toBe(OVER);
  });

  it('forgets nothing when the clock goes back, and recovers when it went back by more than a window', () => {
    const counts = table();
    const key = keysOf(SECRET, 'r', WIDTH)('a');
    counts.take(key, 10, 10, START);
    expect(counts.take(key, 1, 10, START - WINDOW / 2)).toBe(OVER);
    expect(counts.take(key, 1, 10, START - 10 * WINDOW)).toBe(OVER);
    expect(counts.take(key, 1, 10, START - 8 * WINDOW)).toBeGreaterThanOrEqual(0);
  });

  it('counts places until they are given back, however long that takes', () => {
    const counts = table();
    const key = keysOf(SECRET, 'c', 1000)('a');
    expect(counts.takePlace(key, 2, START)).toBe(0);
    expect(counts.takePlace(key, 2, START)).toBe(0);
    expect(counts.takePlace(key, 2, START + 86_400_000)).toBe(OVER);
    counts.givePlace(key);
    expect(counts.takePlace(key, 2, START)).toBe(0);
    counts.givePlace(key);
    counts.givePlace(key);
    counts.givePlace(key);
    expect(counts.read(key, START).places).toBe(0);
  });
});

describe('a table that is full', () => {
  it('takes no new count while all of them count, and keeps every one of them', () => {
    const counts = table(64);
    const keyOf = keysOf(SECRET, 'r', WIDTH);
    for (let n = 0; n < counts.slots; n++) expect(counts.take(keyOf(`k${n}`), 1, 1, START)).toBeGreaterThanOrEqual(0);
    expect(counts.take(keyOf('another'), 1, 1, START)).toBe(FULL);
    expect(counts.charge(keyOf('another'), 1, START)).toBe(Infinity);
    expect(counts.takePlace(keyOf('another'), 1, START)).toBe(FULL);
    for (let n = 0; n < counts.slots; n++) expect(counts.take(keyOf(`k${n}`), 1, 1, START)).toBe(OVER);
  });

  it('has room again once windows are over, but never in a slot with places taken', () => {
    const counts = table(64);
    const keyOf = keysOf(SECRET, 'r', WIDTH);
    const holder = keyOf('holder');
    expect(counts.takePlace(holder, 1, START)).toBe(0);
    for (let n = 1; n < counts.slots; n++) counts.take(keyOf(`k${n}`), 1, 1, START);
    const later = START + WINDOW + WIDTH;
    for (let n = 1; n < counts.slots; n++) expect(counts.take(keyOf(`new${n}`), 1, 1, later)).toBeGreaterThanOrEqual(0);
    expect(counts.take(keyOf('one more'), 1, 1, later)).toBe(FULL);
    expect(counts.takePlace(holder, 1, later)).toBe(OVER);
  });

  it('keeps counts apart whose names share a set, and those of different rules', () => {
    const counts = table(64);
    expect(counts.slots).toBe(64);
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { maxLength: 20 }), (names) => {
        const memory = table(64);
        for (const [at, name] of names.entries()) memory.charge(keysOf(SECRET, 'a', WIDTH)(name), at + 1, START);
        for (const [at, name] of names.entries()) {
          expect(memory.read(keysOf(SECRET, 'a', WIDTH)(name), START).taken).toBe(at + 1);
          expect(memory.read(keysOf(SECRET, 'b', WIDTH)(name), START).taken).toBe(0);
        }
      }),
    );
  });
});

describe('the exchange of counts', () => {
  it('drains what changed once, and merges without showing it again', () => {
    const [here, there] = [table(), table()];
    const key = keysOf(SECRET, 'r', WIDTH)('a');
    here.take(key, 3, 100, START);
    here.take(key, 4, 100, START + WIDTH);
    const drained = here.drain();
    const cells = drained.flatMap(({ head, cells: amounts }) =>
      Array.from(amounts, (amount, at) => ({ cell: head - amounts.length + 1 + at, amount })),
    );
    const taken = cells.filter(({ amount }) => amount > 0);
    expect(taken.map(({ amount }) => amount)).toEqual([3, 4]);
    expect(here.drain()).toEqual([]);
    for (const { cell, amount } of taken) there.merge(key, cell, amount, START + WIDTH);
    expect(there.read(key, START + WIDTH).taken).toBe(7);
    expect(there.drain()).toEqual([]);
    expect(there.take(key, 94, 100, START + WIDTH)).toBe(OVER);
  });
});

async function race(threads: number, more: Partial<Race>): Promise<{ raced: readonly Raced[]; counts: Counts }> {
  const memory = countsMemory(1024);
  const start = new SharedArrayBuffer(16);
  const cells = new Int32Array(start);
  const plan: Race = {
    memory,
    start,
    secret: SECRET,
    id: 'race',
    names: ['a'],
    width: 3_600_000,
    most: 1000,
    attempts: 4000,
    now: START,
    givesBack: 0,
    ...more,
  };
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL('../../test/support/counting-racer.ts', import.meta.url), { workerData: plan }),
  );
  const told = workers.map(async (worker): Promise<Raced> => {
    const [message] = await once(worker, 'message');
    return message;
  });
  while (Atomics.load(cells, 1) < threads) await new Promise((resolve) => setTimeout(resolve, 5));
  Atomics.store(cells, 0, 1);
  Atomics.notify(cells, 0);
  return { raced: await Promise.all(told), counts: new Counts(memory) };
}

describe('threads that take from the same counts', () => {
  it('take exactly the limit together, and hold no more places than there are', async () => {
    const { raced } = await race(4, {});
    expect(raced.reduce((sum, { kept }) => sum + (kept['a'] ?? 0), 0)).toBe(1000);
    expect(Math.max(...raced.map(({ places }) => places))).toBeLessThanOrEqual(3);
    expect(Math.max(...raced.map(({ places }) => places))).toBeGreaterThan(0);
  });

  it('count many names at once, each exactly, with some given back', async () => {
    const names = Array.from({ length: 50 }, (_, n) => `name-${n}`);
    const { raced, counts } = await race(3, { names, most: 60, attempts: 20_000, givesBack: 3 });
    const keyOf = keysOf(SECRET, 'race', 3_600_000);
    for (const name of names) {
      const kept = raced.reduce((sum, each) => sum + (each.kept[name] ?? 0), 0);
      expect(counts.read(keyOf(name), START).taken).toBe(kept);
      expect(kept).toBe(60);
    }
    expect(raced.every(({ full }) => full === 0)).toBe(true);
  });
});
