import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Files, filesIn, readMemory, withFile } from '../../test/ledger/memory-log.ts';
import { memo, newFolder, open, ORIGIN, signer } from '../../test/ledger/small-log.ts';
import { readDirectory } from './directory.ts';
import { encodeLeaf } from './leaf.ts';
import type { Log } from './log.ts';
import type { LogReader } from './log-reader.ts';
import { generateSigner, parseSigner } from './note-key.ts';
import type { LogReport } from './report.ts';
import { verifyLog, type VerifyOptions } from './verify.ts';

const KEYS = [signer.verifier];
const INST = '0123456789abcdef';

/** Returns leaves `from` to `to` of one run of the gateway. */
const plain = (
  from: number,
  to: number,
  type: 'gateway.start' | 'gateway.stop' = 'gateway.start',
): readonly Uint8Array[] =>
  Array.from({ length: to - from }, (_, at) =>
    encodeLeaf({ v: 1, ts: 1_700_000_000_000, inst: INST, iseq: from + at, type }),
  );

/** Makes a log with a checkpoint at each of `sizes`. */
const logOf = async (...sizes: readonly number[]): Promise<{ dir: string; log: Log }> => {
  const dir = newFolder();
  const log = await open(dir);
  for (const size of sizes) await grow(log, size);
  return { dir, log };
};
const grow = async (log: Log, size: number): Promise<void> => {
  log.append(plain(log.size, size), memo(''));
  await log.checkpoint();
};
const ledgerOf = (dir: string): string => join(dir, 'ledger');
const checkpointOf = (dir: string): Uint8Array => readFileSync(join(ledgerOf(dir), 'checkpoint'));

const verify = (files: Files | string, options: Partial<VerifyOptions> = {}): Promise<LogReport> =>
  verifyLog(typeof files === 'string' ? readDirectory(ledgerOf(files)) : readMemory(files), { keys: KEYS, ...options });
const told = ({ problems }: LogReport): readonly string[] =>
  problems.map(({ kind, where, message }) => `${kind}: ${where} ${message}`);

describe('a whole log', () => {
  test('verifies, and says what was not proven', async () => {
    const { dir } = await logOf(1, 3, 300, 520);
    const report = await verify(dir);
    expect(told(report)).toEqual([]);
    expect(report).toMatchObject({
      ok: true,
      origin: ORIGIN,
      size: 520,
      checkpoints: 5,
      freshness: { kind: 'not-proven' },
      findingCount: 0,
    });
  });

  test('verifies at every size around the edges of tiles', async () => {
    const { dir, log } = await logOf();
    for (const size of [0, 1, 255, 256, 257, 511, 512, 513, 1024]) {
      await grow(log, size);
      expect(told(await verify(dir)), `size ${size}`).toEqual([]);
    }
  });

  test('verifies with two levels of tiles above the leaves', async () => {
    const dir = newFolder();
    const log = await open(dir);
    for (const size of [65_536, 65_800]) {
      while (log.size < size) log.append(plain(log.size, Math.min(size, log.size + 4096)), memo(''));
      await log.checkpoint();
    }
    const seen: number[] = [];
    const report = await verify(dir, { progress: (done, all) => seen.push(done / all) });
    expect(told(report)).toEqual([]);
    expect(report.size).toBe(65_800);
    expect([seen.length, seen.at(-1)]).toEqual([258, 1]);
    const changed = filesIn(ledgerOf(dir));
    const tile = changed.get('tile/1/000')!.slice();
    tile[100]! ^= 1;
    expect(told(await verify(withFile(changed, 'tile/1/000', tile)))).toEqual([
      'tile: tile/1/000 holds other hashes than the leaves lead to',
    ]);
  });

  test('extends every checkpoint that was kept elsewhere, and says how far that proves it', async () => {
    const { dir, log } = await logOf();
    const kept = [checkpointOf(dir)];
    for (const size of [1, 2, 255, 256, 300]) {
      await grow(log, size);
      kept.push(checkpointOf(dir));
    }
    const proven = await Promise.all(kept.map((checkpoint) => verify(dir, { checkpoint })));
    expect(proven.map(told)).toEqual(kept.map(() => []));
    expect(proven.map(({ freshness }) => freshness)).toEqual(
      [0, 1, 2, 255, 256, 300].map((size) => ({ kind: 'extends', size })),
    );
  });

  test('hands out its leaves in order', async () => {
    const { dir } = await logOf(300);
    const seen: unknown[] = [];
    await verify(dir, { leaf: (index, leaf) => seen.push([index, leaf?.leaf.iseq]) });
    expect(seen).toEqual(Array.from({ length: 300 }, (_, at) => [at, at]));
  });

  test('verifies while it grows, up to where it was', async () => {
    const { dir, log } = await logOf(3, 250);
    const files = readDirectory(ledgerOf(dir));
    let reads = 0;
    const growing: LogReader = {
      ...files,
      read: async (path, limit) => {
        const bytes = await files.read(path, limit);
        if (path === 'checkpoint' && ++reads === 1) for (const size of [252, 300, 310]) await grow(log, size);
        return bytes;
      },
    };
    const report = await verifyLog(growing, { keys: KEYS });
    expect(told(report)).toEqual([]);
    expect(report).toMatchObject({ ok: true, size: 250, checkpoints: 3 });
    expect(report.findings.map(({ kind }) => kind)).toEqual(['growing', 'growing']);
    expect((await verify(dir)).size).toBe(310);
  });

  test('verifies with partial tiles that a crash left behind, if they are what they were', async () => {
    const { dir } = await logOf(3, 200, 300);
    const files = filesIn(ledgerOf(dir));
    const left = withFile(files, 'tile/0/000.p/9', files.get('tile/0/000')!.slice(0, 288));
    expect(told(await verify(left))).toEqual([]);
    const other = files.get('tile/0/000')!.slice(32, 320);
    expect(told(await verify(withFile(files, 'tile/0/000.p/9', other)))).toEqual([
      'file: tile/0/000.p/9 is not the beginning of tile/0/000',
    ]);
    expect(told(await verify(withFile(files, 'tile/entries/000.p/3', new Uint8Array(9))))).toHaveLength(1);
  });
});

describe('promise 7: any change is found', () => {
  test('a history that ends early, though the checkpoint changes while it is read', async () => {
    const { dir, log } = await logOf(3);
    const early = readFileSync(join(ledgerOf(dir), 'checkpoints'));
    await grow(log, 5);
    const files = readMemory(withFile(filesIn(ledgerOf(dir)), 'checkpoints', early));
    await grow(log, 6);
    const changed = checkpointOf(dir);
    let reads = 0;
    const read: LogReader['read'] = async (path, limit) =>
      path === 'checkpoint' && ++reads > 1 ? changed : files.read(path, limit);
    const report = await verifyLog({ ...files, read }, { keys: KEYS });
    expect(reads).toBe(2);
    expect(told(report)[0]).toMatch(/^history: checkpoints does not end with the checkpoint of size 5, but at size 3/);
  });

  test('every byte of every file, changed in any of three ways', async () => {
    const { dir } = await logOf(1, 3);
    const files = filesIn(ledgerOf(dir));
    let changes = 0;
    for (const [path, bytes] of files) {
      for (let at = 0; at < bytes.length; at++) {
        for (const mask of [0x01, 0x20, 0xff]) {
          const changed = bytes.slice();
          changed[at]! ^= mask;
          const { ok } = await verify(withFile(files, path, changed));
          expect(ok, `${path} byte ${at} with ${mask}`).toBe(false);
          changes += 1;
        }
      }
    }
    expect(changes).toBeGreaterThan(3000);
  }, 60_000);

  test('any byte of a log with full tiles', async () => {
    const { dir } = await logOf(100, 300, 520);
    const files = filesIn(ledgerOf(dir));
    const paths = [...files.keys()];
    const place = fc.tuple(fc.constantFrom(...paths), fc.nat(), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(place, async ([path, where, mask]) => {
        const changed = files.get(path)!.slice();
        changed[where % changed.length]! ^= mask;
        expect((await verify(withFile(files, path, changed))).ok).toBe(false);
      }),
      { numRuns: 150 },
    );
  });

  test('every file, deleted, emptied, cut short, made longer or renamed', async () => {
    const { dir } = await logOf(1, 100, 300, 301, 520);
    const files = filesIn(ledgerOf(dir));
    expect(files.size).toBe(10);
    for (const [path, bytes] of files) {
      const changes: Readonly<Record<string, Files>> = {
        deleted: withFile(files, path, null),
        emptied: withFile(files, path, new Uint8Array(0)),
        'cut short': withFile(files, path, bytes.slice(0, -1)),
        'cut by half': withFile(files, path, bytes.slice(0, bytes.length / 2)),
        'made longer': withFile(files, path, Uint8Array.of(...bytes, 0)),
        'made longer by a line': withFile(files, path, Uint8Array.of(...bytes, 10)),
        doubled: withFile(files, path, Uint8Array.of(...bytes, ...bytes)),
        renamed: withFile(withFile(files, path, null), `${path}0`, bytes),
        'put aside': withFile(withFile(files, path, null), `tile/0/009`, bytes),
      };
      for (const [how, changed] of Object.entries(changes)) {
        expect((await verify(changed)).ok, `${path} ${how}`).toBe(false);
      }
    }
  });

  test('every two files, one in the place of the other', async () => {
    const { dir } = await logOf(1, 100, 300, 301, 520);
    const files = filesIn(ledgerOf(dir));
    for (const [one, bytes] of files) {
      for (const [other, others] of files) {
        if (one === other) continue;
        expect((await verify(withFile(files, one, others))).ok, `${other} copied to ${one}`).toBe(false);
        const swapped = withFile(withFile(files, one, others), other, bytes);
        expect((await verify(swapped)).ok, `${one} and ${other} swapped`).toBe(false);
      }
    }
  });

  test('a file or a folder that does not belong there', async () => {
    const { dir } = await logOf(3);
    writeFileSync(join(ledgerOf(dir), 'tile/0/000.bak'), 'x');
    expect(told(await verify(dir))).toEqual(['file: tile/0/000.bak tile/0/000.bak is not the path of a tile']);
    rmSync(join(ledgerOf(dir), 'tile/0/000.bak'));
    rmSync(join(ledgerOf(dir), 'tile/0/000.p/3'));
    mkdirSync(join(ledgerOf(dir), 'tile/0/000.p/3'));
    expect(told(await verify(dir))).toEqual(['tile: tile/0/000.p/3 tile/0/000.p/3 is not a regular file']);
  });

  test('a leaf that was changed together with its tile', async () => {
    const { dir } = await logOf(3, 5);
    const forged = await open(newFolder());
    const other = newFolder();
    const log = await open(other);
    log.append([...plain(0, 1), ...plain(1, 2, 'gateway.stop'), ...plain(2, 5)], memo(''));
    await log.checkpoint();
    await forged.close();
    for (const path of ['tile/0/000.p/5', 'tile/entries/000.p/5']) {
      copyFileSync(join(ledgerOf(other), path), join(ledgerOf(dir), path));
    }
    expect(told(await verify(dir))).toEqual([
      'root: checkpoint of size 3 the leaves lead to another root than was signed',
      'bundle: tile/entries/000.p/3 holds other leaves than the wider one',
      'tile: tile/0/000.p/3 holds other hashes than the leaves lead to',
    ]);
  });

  test('a rollback of everything, given a checkpoint that was kept elsewhere', async () => {
    const { dir, log } = await logOf(3, 100);
    const before = newFolder();
    cpSync(dir, before, { recursive: true });
    await grow(log, 101);
    const kept = checkpointOf(dir);
    expect(await verify(before)).toMatchObject({ ok: true, freshness: { kind: 'not-proven' } });
    const report = await verify(before, { checkpoint: kept });
    expect(report).toMatchObject({ ok: false, freshness: { kind: 'not-proven' } });
    expect(told(report)).toEqual([
      'rollback: the checkpoint kept elsewhere is over 101 leaves, and the log has 100: leaves were taken away',
    ]);
  });

  test('a second history under the same key, given a checkpoint that was kept elsewhere', async () => {
    const { dir } = await logOf(3, 100);
    const other = newFolder();
    const log = await open(other);
    log.append(plain(0, 200, 'gateway.stop'), memo(''));
    await log.checkpoint();
    expect((await verify(other)).ok).toBe(true);
    expect(told(await verify(other, { checkpoint: checkpointOf(dir) }))).toEqual([
      'rollback: the checkpoint kept elsewhere is of another history: the log had another root at 100 leaves',
    ]);
  });

  test('a checkpoint kept elsewhere that is none', async () => {
    const { dir } = await logOf(3);
    const stranger = await open(newFolder());
    await grow(stranger, 3);
    const checkpoint = checkpointOf(dir).with(3, 0x21);
    expect(told(await verify(dir, { checkpoint }))[0]).toMatch(
      /^rollback: the checkpoint kept elsewhere cannot be used/,
    );
  });
});

test('a reader that fails is no problem of the log', async () => {
  const { dir } = await logOf(3);
  const files = readDirectory(ledgerOf(dir));
  const read: LogReader['read'] = async (path, limit) => {
    if (path.startsWith('tile/0')) throw new TypeError('a defect');
    return files.read(path, limit);
  };
  await expect(verifyLog({ ...files, read }, { keys: KEYS })).rejects.toThrow(TypeError);
});

describe('what was changed is named', () => {
  test.each([0, 1, 77, 255, 256, 519])('leaf %i', async (index) => {
    const { dir } = await logOf(520);
    const path = `tile/entries/00${Math.floor(index / 256)}`;
    const files = filesIn(ledgerOf(dir));
    const place = files.has(path) ? path : `tile/entries/002.p/8`;
    const bytes = files.get(place)!.slice();
    let at = 0;
    for (let skip = index % 256; skip > 0; skip--) at += 2 + ((bytes[at]! << 8) | bytes[at + 1]!);
    bytes[at + 40]! ^= 1;
    const report = await verify(withFile(files, place, bytes));
    expect(
      report.problems.filter(({ kind }) => kind === 'leaf' || kind === 'root').map(({ where }) => where),
    ).toContain(`leaf ${index}`);
    expect(report.problems.map(({ kind }) => kind)).not.toContain('root');
  });

  test('a missing bundle, which hides no other change', async () => {
    const { dir } = await logOf(520);
    const files = withFile(filesIn(ledgerOf(dir)), 'tile/entries/000', null);
    expect(told(await verify(files))).toEqual([
      'bundle: tile/entries/000 is missing',
      `sequence: leaf 256 run ${INST} counts 256 where 0 is due`,
    ]);
    const tile = files.get('tile/0/001')!.with(9, 1);
    expect(told(await verify(withFile(files, 'tile/0/001', tile)))).toContain(
      'root: checkpoint of size 520 the leaves lead to another root than was signed',
    );
  });

  test('a bundle and its tile that are both missing end the walk', async () => {
    const { dir } = await logOf(520);
    const files = withFile(withFile(filesIn(ledgerOf(dir)), 'tile/entries/001', null), 'tile/0/001', null);
    expect(told(await verify(files, { checkpoint: checkpointOf(dir) }))).toEqual([
      'bundle: tile/entries/001 is missing',
      'tile: tile/0/001 is missing',
      'root: checkpoint of size 520 cannot be compared: leaves and their hashes are missing',
      'rollback: the checkpoint kept elsewhere cannot be compared: the log cannot be read as far as leaf 520',
    ]);
  });

  test('the key, the name and the signature of the checkpoint', async () => {
    const { dir } = await logOf(3);
    const other = parseSigner(generateSigner(ORIGIN)).verifier;
    expect(told(await verify(dir, { keys: [other] }))).toEqual(['checkpoint: checkpoint no signature by a known key']);
    expect((await verify(dir, { keys: [other, signer.verifier] })).ok).toBe(true);
    expect(told(await verify(dir, { origin: 'another.example' }))[0]).toMatch(
      /a checkpoint of the log "gateway.example/,
    );
    rmSync(join(ledgerOf(dir), 'checkpoint'));
    expect(told(await verify(dir))).toEqual(['checkpoint: checkpoint is missing']);
    expect(told(await verify(newFolder()))).toEqual(['checkpoint: checkpoint is missing']);
  });

  test('a history with a line taken out, doubled, moved or added', async () => {
    const { dir, log } = await logOf(3, 5);
    const files = filesIn(ledgerOf(dir));
    const lines = new TextDecoder().decode(files.get('checkpoints')).split(/(?<=== *\n\n|=\n\n)(?=gateway)/);
    expect(lines).toHaveLength(3);
    const withLines = (...order: readonly number[]): Files =>
      withFile(files, 'checkpoints', new TextEncoder().encode(order.map((at) => lines[at]).join('')));
    expect((await verify(withLines(0, 1, 2))).ok).toBe(true);
    for (const order of [[1, 2], [0, 1], [0, 1, 1, 2], [0, 2, 1], [1, 0, 2], [2], [], [0, 1, 2, 2]]) {
      expect((await verify(withLines(...order))).ok, order.join(' ')).toBe(false);
    }
    const broken = new TextEncoder().encode(`${lines[0]}${lines[1]}`.slice(0, -5));
    expect(told(await verify(withFile(files, 'checkpoints', broken)))).toEqual([
      'history: checkpoints behind the checkpoint of size 0: its last checkpoint is cut off',
    ]);
    await grow(log, 9);
    const later = withFile(files, 'checkpoints', readFileSync(join(ledgerOf(dir), 'checkpoints')));
    expect(told(await verify(later))[0]).toMatch(/does not end with the checkpoint of size 5, but at size 9/);
  });

  test('at most a hundred problems, with all of them told and counted', async () => {
    const { dir } = await logOf(256);
    const files = filesIn(ledgerOf(dir));
    let told = 0;
    const report = await verify(withFile(files, 'tile/0/000', new Uint8Array(8192)), { problem: () => told++ });
    expect([report.problems.length, report.problemCount, told]).toEqual([100, 258, 258]);
  });
});
