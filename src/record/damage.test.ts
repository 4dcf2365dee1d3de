import { closeSync, mkdtempSync, openSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DamageSearch, MOST_LOOKS } from './damage.ts';
import { writePageFrame } from './frame.ts';

/** A whole frame of so many bytes inside. */
const frameOf = (length: number): Buffer => {
  const bytes = Buffer.alloc(length + 128);
  return bytes.subarray(0, writePageFrame(bytes, 0, 1, Buffer.alloc(length, 'x')));
};

const searching = <T>(bytes: Buffer, then: (search: DamageSearch) => T): T => {
  const path = join(mkdtempSync(join(tmpdir(), 'sallyport-damage-')), 'journal');
  writeFileSync(path, bytes);
  const fd = openSync(path, 'r');
  try {
    return then(new DamageSearch(fd, bytes.length));
  } finally {
    closeSync(fd);
  }
};

describe('a search behind damage', () => {
  it('finds the next whole frame, however far it is', () => {
    const junk = Buffer.alloc(3_000_000, 0xff);
    expect(searching(Buffer.concat([junk, frameOf(100)]), (search) => search.look(0))).toEqual({
      frame: null,
      next: junk.length,
    });
  });

  it('ends after so many places of one journal, whatever stands behind them', () => {
    const frame = frameOf(40);
    const damaged = Buffer.from(frame);
    damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
    const pair = Buffer.concat([damaged, frame]);
    const journal = Buffer.concat(Array.from({ length: MOST_LOOKS + 1 }, () => pair));
    searching(journal, (search) => {
      for (let look = 0; look < MOST_LOOKS; look++) {
        expect(search.look(look * pair.length).next).toBe(look * pair.length + damaged.length);
      }
      expect(search.look(MOST_LOOKS * pair.length)).toEqual({ frame: null, next: null });
    });
  });

  it('ends after so many bytes of false frames, counted over all places', () => {
    // heads of the longest frames, whose checksums are wrong, behind one another
    const head = Buffer.from(frameOf(200_000).subarray(0, 40));
    head.writeUInt32LE(0, 4);
    const falsehoods = Buffer.concat([...Array.from({ length: 300 }, () => head), Buffer.alloc(300_000), frameOf(40)]);
    const two = Buffer.concat([falsehoods, falsehoods]);
    searching(two, (search) => {
      const found = [search.look(0), search.look(falsehoods.length)];
      expect(found.filter(({ next }) => next !== null).length).toBeLessThan(2);
    });
  });
});
