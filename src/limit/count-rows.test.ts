import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SharedRow } from '../store/shared-rows.ts';
import { countRow, packPlaces, readPlaces, readRow, registersRow } from './count-rows.ts';
import { CELLS } from './counts.ts';
import { REGISTERS } from './distinct.ts';

const NOW = Date.UTC(2026, 0, 5, 12);
const WIDTH = 3_000;
const HEAD = Math.floor(NOW / WIDTH);
const words = Int32Array.of(1, -2, 3, -4);
const cells = Float64Array.from({ length: CELLS }, (_, at) => at);
const COUNT = countRow({ words, width: WIDTH, head: HEAD, cells });
const registers = new Uint8Array(REGISTERS).fill(7);
const GENERATION = Math.floor(NOW / 30_000);
const INPUTS = registersRow({ words, width: 30_000, generation: GENERATION, registers });

/** Returns the row with another number in its body. */
const withNumber = (row: SharedRow, at: number, value: number): SharedRow => {
  const body = row.body.slice();
  new DataView(body.buffer).setFloat64(at, value);
  return { ...row, body };
};

describe('rows of counts', () => {
  it('are read as they were written', () => {
    expect(readRow(COUNT, NOW)).toEqual({ kind: 'count', key: { words, width: WIDTH, at: 0 }, head: HEAD, cells });
    expect(readRow(INPUTS, NOW)).toMatchObject({ kind: 'registers', generation: GENERATION, registers });
    expect(COUNT.until).toBe((HEAD + CELLS) * WIDTH);
  });

  it('are read from a piece of larger memory, with a name of their own', () => {
    const memory = Buffer.concat([randomBytes(3), COUNT.name, COUNT.body, randomBytes(5)]);
    const row = { ...COUNT, name: memory.subarray(3, 19), body: memory.subarray(19, -5) };
    expect(readRow(row, NOW)).toEqual(readRow(COUNT, NOW));
  });

  it.each([
    ['a negative amount', withNumber(COUNT, 16, -1)],
    ['no number', withNumber(COUNT, 24, Number.NaN)],
    ['an infinite amount', withNumber(COUNT, 24, Infinity)],
    ['more than can be counted', withNumber(COUNT, 24, 2 ** 60)],
    ['a cell of tomorrow', withNumber(COUNT, 8, HEAD + 86_400_000 / WIDTH)],
    ['a cell before all time', withNumber(COUNT, 8, -1)],
    ['a cell and a half', withNumber(COUNT, 8, HEAD - 0.5)],
    ['a width of nothing', withNumber(COUNT, 0, 0)],
    ['a negative width', withNumber(COUNT, 0, -WIDTH)],
    ['a width that no window has', withNumber(COUNT, 0, 1)],
    ['a width without end', withNumber(COUNT, 0, Infinity)],
    ['a width that is no number', withNumber(COUNT, 0, Number.NaN)],
    ['a short name', { ...COUNT, name: COUNT.name.subarray(1) }],
    ['a huge name', { ...COUNT, name: new Uint8Array(1_000_000) }],
    ['an empty body', { ...COUNT, body: new Uint8Array() }],
    ['a body that ends early', { ...COUNT, body: COUNT.body.subarray(0, -1) }],
    ['a body that goes on', { ...COUNT, body: Buffer.concat([COUNT.body, Buffer.alloc(8)]) }],
    ['registers beyond the highest', { ...INPUTS, body: INPUTS.body.slice().fill(34, 16, 17) }],
    ['registers of another generation than they say', { ...INPUTS, part: GENERATION - 1 }],
    ['registers of tomorrow', { ...withNumber(INPUTS, 8, GENERATION + 2880), part: GENERATION + 2880 }],
    ['registers that are too few', { ...INPUTS, body: INPUTS.body.subarray(0, -1) }],
  ])('are not believed with %s', (_what, row) => {
    expect(readRow(row, NOW)).toBeNull();
  });

  it('are not believed, and nothing breaks, whatever bytes they are of', () => {
    const bytes = fc.uint8Array({ maxLength: 1100 });
    fc.assert(
      fc.property(bytes, bytes, fc.integer(), (name, body, part) => {
        const read = readRow({ name, part, body, until: NOW }, NOW);
        expect(read === null || read.key.words.length === 4).toBe(true);
        readPlaces(body);
      }),
    );
  });
});

describe('places', () => {
  const places = [{ words, width: 1_000, taken: 3 }];

  it('are read as they were written', () => {
    expect(readPlaces(packPlaces(places))).toEqual([{ key: { words, width: 1_000, at: 0 }, taken: 3 }]);
    expect(readPlaces(packPlaces([]))).toEqual([]);
  });

  it.each([
    ['more than any gateway has', packPlaces([{ words, width: 1_000, taken: 2 ** 31 }])],
    ['a width of nothing', packPlaces([{ words, width: 0, taken: 1 }])],
    ['half a place', packPlaces(places).subarray(1)],
  ])('are not believed with %s', (_what, packed) => {
    expect(readPlaces(packed)).toBeNull();
  });
});
