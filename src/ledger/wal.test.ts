import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { newFolder } from '../../test/ledger/small-log.ts';
import { Malformed } from './malformed.ts';
import { readSegments, Wal } from './wal.ts';
import { encodeBase, encodeBatch, readSegment } from './wal-format.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const leaf = bytes('leaf');

const begin = (): { folder: string; aside: string; wal: Wal } => {
  const folder = newFolder();
  const aside = join(folder, 'aside');
  mkdirSync(aside);
  return { folder, aside, wal: Wal.create(folder, aside) };
};

/** Returns where the batch with this memo begins, and how much it says was durable when it was written. */
const batchOf = (segment: Buffer, memo: string): { start: number; durable: number } => {
  const start = segment.indexOf(memo) - 29;
  return { start, durable: Number(segment.readBigUInt64LE(start + 17)) };
};

describe('a write-ahead log', () => {
  test('knows what is on disk: all before a sync, and nothing that came during it', async () => {
    const { folder, wal } = begin();
    wal.append({ first: 0, leaves: [leaf], memo: bytes('memo a') });
    const first = wal.sync();
    wal.append({ first: 1, leaves: [leaf], memo: bytes('memo b') });
    await first;
    wal.append({ first: 2, leaves: [leaf], memo: bytes('memo c') });
    const second = wal.sync();
    wal.append({ first: 3, leaves: [leaf], memo: bytes('memo d') });
    await Promise.all([second, wal.sync()]);
    wal.append({ first: 4, leaves: [leaf], memo: bytes('memo e') });
    await wal.close();
    const segment = readFileSync(join(folder, '000001.wal'));
    const start = (memo: string): number => batchOf(segment, memo).start;
    const durable = (memo: string): number => batchOf(segment, memo).durable;
    expect([durable('memo a'), durable('memo b')]).toEqual([start('memo a'), start('memo a')]);
    expect(durable('memo c')).toBe(start('memo b'));
    expect(durable('memo e')).toBe(start('memo e'));
  });

  test('cuts off what a crash has torn', async () => {
    const { folder, aside, wal } = begin();
    wal.append({ first: 0, leaves: [leaf], memo: bytes('memo') });
    await wal.close();
    const path = join(folder, '000001.wal');
    const whole = readFileSync(path);
    writeFileSync(path, Buffer.concat([whole, bytes('torn')]));
    await Wal.resume(folder, aside, await readSegments(folder)).close();
    expect(readFileSync(path).toHex()).toBe(whole.toHex());
  });

  test('refuses a leaf that no bundle can hold, before anything is written', async () => {
    const { folder, wal } = begin();
    const { length } = wal;
    expect(() => wal.append({ first: 0, leaves: [leaf, Buffer.alloc(0)], memo: leaf })).toThrow(Malformed);
    expect(wal.length).toBe(length);
    await wal.close();
    expect((await readSegments(folder))[0]?.batches).toEqual([]);
  });
});

describe('a segment', () => {
  const base = encodeBase({ size: 0, nodes: [], memo: null });
  const [a, b, c] = [0, 1, 2].map((first) =>
    encodeBatch({ first, leaves: [leaf], memo: bytes(`memo ${first}`) }, base.length),
  );
  if (a === undefined || b === undefined || c === undefined) throw new Error('expected three batches');

  test('with a batch taken out is refused', () => {
    expect(readSegment(Buffer.concat([base, a, b, c])).batches).toHaveLength(3);
    expect(() => readSegment(Buffer.concat([base, a, c]))).toThrow('does not follow the one before');
    expect(() => readSegment(Buffer.concat([base, a, a]))).toThrow('does not follow the one before');
    expect(() => readSegment(Buffer.concat([base, base.subarray(23)]))).toThrow('does not follow the one before');
  });

  test('may be torn in a batch that no sync had covered, though a later one is whole', () => {
    const damaged = Buffer.from(a);
    damaged[a.length - 1]! ^= 1;
    expect(readSegment(Buffer.concat([base, damaged, b]))).toMatchObject({ batches: [], end: base.length });
    const later = encodeBatch({ first: 1, leaves: [leaf], memo: bytes('later') }, base.length + a.length);
    expect(() => readSegment(Buffer.concat([base, damaged, later]))).toThrow(`is damaged at ${base.length}`);
  });

  test('whose base holds no tree of its size is refused, though its CRC is right', () => {
    const wrong = Buffer.from(base);
    wrong.writeBigUInt64LE(3n, 23 + 8 + 1);
    wrong.writeUInt32LE(crc32(wrong.subarray(31)), 27);
    expect(() => readSegment(wrong)).toThrow('holds no tree of its size');
  });

  test('that is empty, or begins in another way, is refused', () => {
    for (const other of [Buffer.alloc(0), base.subarray(0, -1), Buffer.concat([a, b]), Buffer.alloc(100)]) {
      expect(() => readSegment(other)).toThrow('does not begin as a write-ahead log does');
    }
  });
});
