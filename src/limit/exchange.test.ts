import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { openEmbeddedRows } from '../store/embedded-rows.ts';
import type { SharedRows } from '../store/shared-rows.ts';
import { keysOf } from './count-key.ts';
import { CELLS_PER_WINDOW, Counts, countsMemory, OVER } from './counts.ts';
import { DistinctCounts, distinctMemory } from './distinct.ts';
import { Exchange } from './exchange.ts';

const SECRET = randomBytes(32);
const START = Date.UTC(2026, 0, 5, 12);
const WIDTH = 1_000;
const WINDOW = WIDTH * CELLS_PER_WINDOW;

const folders: string[] = [];
const stores: SharedRows[] = [];
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'sallyport-limits-'));
  folders.push(made);
  return made;
};

/** A process: its own memory, its own connection to the store, its own keys made from the one secret. */
const processOn = (path: string, slots = 64) => {
  const store = openEmbeddedRows(path);
  stores.push(store);
  const tables = { counts: new Counts(countsMemory(slots)), distinct: new DistinctCounts(distinctMemory(16)) };
  const keyOf = keysOf(SECRET, 'r', WIDTH);
  return { ...tables, keyOf, exchange: new Exchange(tables, store) };
};

describe('two processes on one store', () => {
  it('know of one another after one exchange each', async () => {
    const path = folder();
    const [one, other] = [processOn(path), processOn(path)];
    expect(one.counts.take(one.keyOf('a'), 7, 10, START)).toBeGreaterThan(0);
    expect(other.counts.take(other.keyOf('a'), 2, 10, START)).toBeGreaterThan(0);
    await one.exchange.run(START);
    await other.exchange.run(START);
    expect(other.counts.take(other.keyOf('a'), 2, 10, START)).toBe(OVER);
    await one.exchange.run(START);
    expect(one.counts.read(one.keyOf('a'), START).taken).toBe(9);
  });

  it('count distinct inputs together: the same input in both is one', async () => {
    const path = folder();
    const [one, other] = [processOn(path), processOn(path)];
    for (let input = 0; input < 40; input++) {
      one.distinct.see(one.keyOf('a'), input, input * 7919, 1000, START);
      if (input % 2 === 0) other.distinct.see(other.keyOf('a'), input, input * 7919, 1000, START);
    }
    for (const each of [one, other, one]) await each.exchange.run(START);
    expect(other.distinct.read(other.keyOf('a'), START)).toBe(one.distinct.read(one.keyOf('a'), START));
    expect(one.distinct.read(one.keyOf('a'), START)).toBeGreaterThan(38);
    expect(one.distinct.read(one.keyOf('a'), START)).toBeLessThan(42);
  });

  it('agree with the sum of all that was taken and given back, whatever happens in what order', async () => {
    const names = ['a', 'b', 'c'] as const;
    const steps = fc.array(
      fc.record({
        process: fc.nat(2),
        name: fc.constantFrom(...names),
        amount: fc.nat(20),
        back: fc.nat(20),
        wait: fc.nat(WIDTH * 3),
        exchanges: fc.boolean(),
      }),
      { maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const path = folder();
        const all = [processOn(path), processOn(path), processOn(path)];
        const taken: { cell: number; name: string; amount: number }[] = [];
        let now = START;
        for (const { process, name, amount, back, wait, exchanges } of list) {
          now += wait;
          const { counts, keyOf, exchange } = all[process]!;
          const cell = counts.take(keyOf(name), amount, 1e9, now);
          const given = Math.min(back, amount);
          counts.giveBack(keyOf(name), cell, given);
          taken.push({ cell, name, amount: amount - given });
          if (exchanges) await exchange.run(now);
        }
        for (const { exchange } of [...all, ...all]) await exchange.run(now);
        const oldest = Math.floor(now / WIDTH) - CELLS_PER_WINDOW;
        for (const name of names) {
          const sum = taken.filter((each) => each.name === name && each.cell >= oldest);
          const expected = sum.reduce((total, { amount }) => total + amount, 0);
          for (const { counts, keyOf } of all) expect(counts.read(keyOf(name), now).taken).toBe(expected);
        }
        for (const store of stores.splice(0)) await store.close();
      }),
      { numRuns: 25 },
    );
  });
});

describe('a store', () => {
  it('gives a later run what an earlier one has counted, and nothing that has left its window', async () => {
    const path = folder();
    const earlier = processOn(path);
    earlier.counts.take(earlier.keyOf('old'), 5, 5, START);
    earlier.counts.take(earlier.keyOf('young'), 5, 5, START + WINDOW);
    await earlier.exchange.run(START + WINDOW);
    const later = processOn(path);
    const now = START + WINDOW + 2 * WIDTH;
    await later.exchange.run(now);
    expect(later.counts.read(later.keyOf('old'), now).taken).toBe(0);
    expect(later.counts.take(later.keyOf('young'), 1, 5, now)).toBe(OVER);
  });

  it('that fails loses nothing: the next exchange brings what this one could not', async () => {
    const path = folder();
    const real = openEmbeddedRows(path);
    stores.push(real);
    let broken = true;
    const flaky: SharedRows = {
      ahead: 0,
      async exchange(saying, take) {
        if (broken) throw new Error('the disk is full');
        return real.exchange(saying, take);
      },
      close: () => real.close(),
    };
    const mine = processOn(path);
    const exchange = new Exchange(mine, flaky);
    mine.counts.take(mine.keyOf('a'), 3, 10, START);
    await expect(exchange.run(START)).rejects.toThrow('the disk is full');
    mine.counts.take(mine.keyOf('b'), 4, 10, START);
    await expect(exchange.run(START)).rejects.toThrow('the disk is full');
    broken = false;
    await exchange.run(START);
    const other = processOn(path);
    await other.exchange.run(START);
    expect(other.counts.read(other.keyOf('a'), START).taken).toBe(3);
    expect(other.counts.read(other.keyOf('b'), START).taken).toBe(4);
  });

  it('has what found no room come in as soon as there is some: nothing begins unused', async () => {
    const path = folder();
    const [large, small] = [processOn(path, 1024), processOn(path, 64)];
    const later = START + 3_000;
    // a window that is over by then, in every slot of the small table
    const brief = keysOf(SECRET, 'brief', 100);
    for (let n = 0; n < 64; n++) small.counts.take(brief(`b${n}`), 1, 10, START);
    for (let n = 0; n < 16; n++) small.distinct.see(brief(`b${n}`), n, n, 10, START);
    large.counts.take(large.keyOf('a'), 10, 10, START);
    for (let input = 0; input < 40; input++) large.distinct.see(large.keyOf('a'), input, input * 7919, 1000, START);
    await large.exchange.run(START);
    expect(await small.exchange.run(START)).toMatchObject({ homeless: 2 });
    await small.exchange.run(later);
    expect(small.counts.take(small.keyOf('a'), 1, 10, later)).toBe(OVER);
    expect(small.distinct.read(small.keyOf('a'), later)).toBe(large.distinct.read(large.keyOf('a'), later));
    // and it is still theirs: what goes out is what was taken here
    large.counts.giveBack(large.keyOf('a'), Math.floor(START / WIDTH), 4);
    for (const each of [small, large, small]) await each.exchange.run(later);
    expect(small.counts.read(small.keyOf('a'), later).taken).toBe(6);
    expect(large.counts.read(large.keyOf('a'), later).taken).toBe(6);
  });

  it('says how many counts of others find no room', async () => {
    const path = folder();
    const large = processOn(path, 1024);
    for (let n = 0; n < 100; n++) large.counts.take(large.keyOf(`k${n}`), 1, 10, START);
    await large.exchange.run(START);
    const small = processOn(path, 64);
    expect((await small.exchange.run(START)).homeless).toBeGreaterThanOrEqual(100 - 64);
  });
});
