import {
  closeSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { naiveRoot, someLeaves } from '../../test/ledger/naive-tree.ts';
import { copyOf, filesOf, memo, newFolder, open, ORIGIN, signer } from '../../test/ledger/small-log.ts';
import { Failure } from '../reasons.ts';
import { decodeBundle } from './bundle.ts';
import { checkpointText, openCheckpoint } from './checkpoint.ts';
import { refuseFork } from './fork.ts';
import type { Log } from './log.ts';
import { LogFolder } from './log-folder.ts';
import { Malformed } from './malformed.ts';

const leaves = someLeaves(1200);
const rootOf = (size: number): string => naiveRoot(leaves.slice(0, size)).toHex();
const checkpointIn = (dir: string) =>
  openCheckpoint(readFileSync(join(dir, 'ledger/checkpoint')), [signer.verifier], ORIGIN);
const textOf = (bytes: Uint8Array | null): string => new TextDecoder().decode(bytes ?? new Uint8Array(0));

/** Appends the leaves up to `size` in one batch. */
const grow = (log: Log, size: number): number => log.append(leaves.slice(log.size, size), memo(`at ${size}`));

/** Takes the descriptor of the write-ahead log away, so that the kernel itself refuses what comes next. */
const breakWal = (dir: string): void => {
  const wal = join(dir, 'ledger-wal');
  const isWal = (fd: string): boolean =>
    existsSync(`/proc/self/fd/${fd}`) && readlinkSync(`/proc/self/fd/${fd}`).startsWith(wal);
  readdirSync('/proc/self/fd')
    .filter(isWal)
    .forEach((fd) => closeSync(Number(fd)));
};

describe('a new log', () => {
  test('has signed that it is empty', async () => {
    const dir = newFolder();
    const log = await open(dir);
    expect(log).toMatchObject({ size: 0, memo: null, head: { origin: ORIGIN, size: 0 } });
    expect(checkpointText(checkpointIn(dir))).toBe(checkpointText(log.head));
    expect(filesOf(join(dir, 'ledger'))).toEqual(['checkpoint', 'checkpoints']);
  });
});

describe('a growing log', () => {
  test('publishes the tiles and bundles of C2SP tlog-tiles, and keeps partial ones until they are full', async () => {
    const dir = newFolder();
    const log = await open(dir);
    const tiles = (): readonly string[] => filesOf(join(dir, 'ledger/tile'));
    expect(grow(log, 5)).toBe(0);
    await log.checkpoint();
    expect(grow(log, 7)).toBe(5);
    await log.checkpoint();
    expect(tiles()).toEqual(['0/000.p/5', '0/000.p/7', 'entries/000.p/5', 'entries/000.p/7']);
    grow(log, 700);
    await log.checkpoint();
    expect(tiles()).toEqual([
      '0/000',
      '0/001',
      '0/002.p/188',
      '1/000.p/2',
      'entries/000',
      'entries/001',
      'entries/002.p/188',
    ]);
    const stored = decodeBundle(readFileSync(join(dir, 'ledger/tile/entries/001')));
    expect(stored.map(textOf)).toEqual(leaves.slice(256, 512).map(textOf));
  });

  test('signs the root that RFC 9162 defines, at every size', async () => {
    const dir = newFolder();
    const log = await open(dir);
    for (const size of [1, 2, 3, 4, 7, 8, 255, 256, 257, 511, 512, 513, 1024, 1200]) {
      grow(log, size);
      const head = await log.checkpoint();
      expect([head.size, head.root.toHex()], `size ${size}`).toEqual([size, rootOf(size)]);
      expect(checkpointText(checkpointIn(dir))).toBe(checkpointText(head));
    }
  });

  test('keeps every checkpoint that it has signed, in order', async () => {
    const dir = newFolder();
    const log = await open(dir);
    for (const size of [3, 4, 300]) {
      grow(log, size);
      await log.checkpoint();
      await log.checkpoint();
    }
    const history = readFileSync(join(dir, 'ledger/checkpoints'), 'utf8');
    expect(history.match(/(?<=^gateway\.example\/ledger\n)\d+/gm)).toEqual(['0', '3', '4', '300']);
    expect(history.endsWith(`${readFileSync(join(dir, 'ledger/checkpoint'), 'utf8')}\n`)).toBe(true);
  });

  test('covers with a checkpoint all that was appended before it was asked for', async () => {
    const log = await open(newFolder());
    grow(log, 10);
    const first = log.checkpoint();
    grow(log, 20);
    const second = log.checkpoint();
    await log.sync();
    expect([(await first).size, (await second).size]).toEqual([20, 20]);
    const third = log.checkpoint();
    await Promise.resolve();
    await Promise.resolve();
    grow(log, 30);
    expect((await third).size).toBe(20);
    expect((await log.checkpoint()).root.toHex()).toBe(rootOf(30));
  });

  test('takes leaves while it publishes, without a mark on the checkpoint under way', async () => {
    const dir = newFolder();
    const log = await open(dir);
    const heads: string[] = [];
    let publishing: Promise<void> = Promise.resolve();
    for (let size = 10; size <= 1200; size += 10) {
      grow(log, size);
      if (size % 170 === 0) {
        publishing = log.checkpoint().then(({ size, root }) => void heads.push(`${size} ${root.toHex()}`));
        await log.sync();
      }
    }
    await publishing;
    await log.checkpoint();
    expect(heads.length).toBeGreaterThan(3);
    expect(heads).toEqual(heads.map((head) => `${head.split(' ')[0]} ${rootOf(Number(head.split(' ')[0]))}`));
    expect((await open(copyOf(dir))).size).toBe(1200);
  });

  test('does not mind what the caller does with its buffers afterwards', async () => {
    const dir = newFolder();
    const log = await open(dir);
    const [leaf, note] = [leaves[0]!.slice(), memo('kept')];
    log.append([leaf], note);
    leaf.fill(0);
    note.fill(0);
    expect((await log.checkpoint()).root.toHex()).toBe(rootOf(1));
    const stored = readFileSync(join(dir, 'ledger/tile/entries/000.p/1'));
    expect(decodeBundle(stored).map(textOf)).toEqual(['leaf 0']);
    expect(textOf(log.memo)).toBe('kept');
  });

  test('refuses a leaf that no bundle can hold, and goes on', async () => {
    const log = await open(newFolder());
    expect(() => log.append([leaves[0]!, new Uint8Array(0)], memo('no'))).toThrow(Malformed);
    expect(() => log.append([new Uint8Array(65_536)], memo('no'))).toThrow(Malformed);
    expect(log).toMatchObject({ size: 0, memo: null });
    grow(log, 1);
    expect((await log.checkpoint()).root.toHex()).toBe(rootOf(1));
  });

  test('holds at most 64 MiB until a checkpoint is taken', async () => {
    const log = await open(newFolder());
    const batch = Array.from({ length: 256 }, () => new Uint8Array(65_535));
    const fill = (): void => {
      while (log.size < 3000) log.append(batch, memo(''));
    };
    expect(fill).toThrow(expect.objectContaining({ reason: 'overloaded' }));
    expect(log.size).toBe(1280);
    await log.checkpoint();
    expect(log.append(batch, memo(''))).toBe(1280);
  });
});

describe('a log that is opened again', () => {
  test('goes on where it was, after a crash at any time', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('append' as const), leaves: fc.integer({ min: 0, max: 300 }) }),
      fc.constant({ do: 'sync' as const }),
      fc.constant({ do: 'checkpoint' as const }),
      fc.constant({ do: 'crash' as const }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 12 }),
        fc.constantFrom(200, 3000, 1_000_000),
        async (steps, bytes) => {
          let dir = newFolder();
          let log = await open(dir, bytes);
          let last = '';
          for (const one of steps) {
            if (one.do === 'append') {
              last = `batch of ${one.leaves} at ${log.size}`;
              log.append(leaves.slice(log.size, Math.min(log.size + one.leaves, 1200)), memo(last));
            }
            if (one.do === 'sync') await log.sync();
            if (one.do === 'checkpoint') await log.checkpoint();
            if (one.do === 'crash') {
              const size = log.size;
              dir = copyOf(dir);
              log = await open(dir, bytes);
              expect([log.size, textOf(log.memo)]).toEqual([size, last]);
            }
          }
          expect((await log.checkpoint()).root.toHex()).toBe(rootOf(log.size));
        },
      ),
      { numRuns: 40 },
    );
  });

  test('keeps its memo through a change of segments, and only the segments it needs', async () => {
    const dir = newFolder();
    const log = await open(dir, 1000);
    for (const size of [100, 200, 300, 400]) {
      grow(log, size);
      await log.checkpoint();
    }
    await log.checkpoint();
    expect(filesOf(join(dir, 'ledger-wal'))).toEqual(['000003.wal', '000004.wal']);
    const again = await open(copyOf(dir));
    expect([again.size, textOf(again.memo)]).toEqual([400, 'at 400']);
    grow(again, 401);
    expect((await again.checkpoint()).root.toHex()).toBe(rootOf(401));
  });

  test('takes a batch without leaves for what it is: another memo', async () => {
    const dir = newFolder();
    const log = await open(dir);
    grow(log, 3);
    expect(log.append([], memo('moved'))).toBe(3);
    const again = await open(copyOf(dir));
    expect([again.size, textOf(again.memo)]).toEqual([3, 'moved']);
  });
});

describe('an error of the disk', () => {
  const refusal = expect.objectContaining({ reason: 'evidence-unavailable' });

  const expectDead = async (log: Log): Promise<void> => {
    expect(() => log.append([leaves[0]!], memo(''))).toThrow(refusal);
    await expect(log.sync()).rejects.toThrow(refusal);
    await expect(log.checkpoint()).rejects.toThrow(refusal);
  };

  test('in a write ends the log for good', async () => {
    const dir = newFolder();
    const log = await open(dir);
    breakWal(dir);
    expect(() => grow(log, 1)).toThrow(/^the ledger has stopped: EBADF/);
    expect(log.size).toBe(0);
    await expectDead(log);
  });

  test('in a sync ends the log for good', async () => {
    const dir = newFolder();
    const log = await open(dir);
    grow(log, 1);
    breakWal(dir);
    await expect(Promise.all([log.sync(), log.sync()])).rejects.toThrow(refusal);
    await expectDead(log);
  });

  test('in a tile ends the log for good, with the checkpoint as it was', async () => {
    const dir = newFolder();
    const log = await open(dir);
    writeFileSync(join(dir, 'ledger/tile'), 'in the way');
    grow(log, 1);
    await expect(log.checkpoint()).rejects.toThrow(refusal);
    await expectDead(log);
    expect(checkpointIn(dir).size).toBe(0);
  });

  test('in the history ends the log for good, with the checkpoint as it was', async () => {
    const dir = newFolder();
    const log = await open(dir);
    rmSync(join(dir, 'ledger/checkpoints'));
    mkdirSync(join(dir, 'ledger/checkpoints'));
    grow(log, 1);
    await expect(log.checkpoint()).rejects.toThrow(refusal);
    await expectDead(log);
    expect(checkpointIn(dir).size).toBe(0);
  });

  test('is not the only end: a closed log takes nothing either', async () => {
    const log = await open(newFolder());
    grow(log, 1);
    await log.close();
    await expectDead(log);
  });
});

describe('a checkpoint', () => {
  test('is not signed when another hand has changed the last one', async () => {
    const dir = newFolder();
    const log = await open(dir);
    grow(log, 2);
    await log.checkpoint();
    const other = await open(copyOf(dir));
    grow(other, 3);
    await other.checkpoint();
    grow(log, 4);
    writeFileSync(join(dir, 'ledger/checkpoint'), 'something else');
    await expect(log.checkpoint()).rejects.toThrow('the checkpoint was changed by another hand');
    await expect(log.checkpoint()).rejects.toThrow(Failure);
    expect(readFileSync(join(dir, 'ledger/checkpoints'), 'utf8')).not.toContain('\n4\n');
  });

  test('is not signed over a tree that the last one is no part of', async () => {
    const [dir, otherDir] = [newFolder(), newFolder()];
    const [log, other] = [await open(dir), await open(otherDir)];
    grow(log, 300);
    other.append(leaves.slice(1, 601), memo(''));
    const [before, next] = [await log.checkpoint(), await other.checkpoint()];
    const published = { checkpoint: before, note: readFileSync(join(otherDir, 'ledger/checkpoint')) };
    const folder = new LogFolder(join(otherDir, 'ledger'), join(otherDir, 'ledger-wal/aside'));
    await expect(refuseFork(folder, published, next)).rejects.toThrow('does not extend the checkpoint of size 300');
    grow(log, 600);
    const own = new LogFolder(join(dir, 'ledger'), join(dir, 'ledger-wal/aside'));
    const head = await log.checkpoint();
    const note = readFileSync(join(dir, 'ledger/checkpoint'));
    await expect(refuseFork(own, { checkpoint: before, note }, head)).resolves.toBeUndefined();
  });

  test('is not signed over a tile that was stored with other bytes before', async () => {
    const dir = newFolder();
    const log = await open(dir);
    grow(log, 3);
    await log.checkpoint();
    writeFileSync(join(dir, 'ledger/tile/0/000.p/5'), new Uint8Array(160));
    grow(log, 5);
    await expect(log.checkpoint()).rejects.toThrow('another tile/0/000.p/5 is stored already');
  });
});
