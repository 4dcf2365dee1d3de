import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pieces } from './pieces.ts';

const piece = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.integer({ min: 4_000, max: 40_000 }).map((length) => new Uint8Array(length).fill(length)),
);

describe('Pieces', () => {
  it('joins what came, however it came, and begins anew', () => {
    const pieces = new Pieces();
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (list) => {
        for (const one of list) pieces.add(Buffer.from(one));
        expect(pieces.length).toBe(list.reduce((sum, { length }) => sum + length, 0));
        expect(pieces.take().equals(Buffer.concat(list))).toBe(true);
        expect(pieces.length).toBe(0);
      }),
    );
  });

  it('copies nothing that came in one piece', () => {
    const pieces = new Pieces();
    const bytes = Buffer.from('x');
    pieces.add(bytes);
    expect(pieces.take()).toBe(bytes);
  });

  it('keeps single bytes for little more than their size', () => {
    setFlagsFromString('--expose-gc');
    const collect: unknown = runInNewContext('gc');
    if (typeof collect !== 'function') throw new Error('expected a garbage collector');
    const block = Buffer.alloc(1000, 'x');
    const pieces = new Pieces();
    collect();
    const before = process.memoryUsage();
    for (let n = 0; n < 300_000; n++) pieces.add(block.subarray(n % 1000, (n % 1000) + 1));
    collect();
    const after = process.memoryUsage();
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(10_000_000);
    expect(pieces.take().length).toBe(300_000);
  });
});
