import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { naiveRoot, someLeaves } from '../../test/ledger/naive-tree.ts';
import { contentOf, copyOf, filesOf, memo, newFolder, open, ORIGIN, signer } from '../../test/ledger/small-log.ts';
import { readDirectory } from './directory.ts';
import { openLog } from './log.ts';
import { generateSigner, parseSigner } from './note-key.ts';
import { verifyLog } from './verify.ts';

const leaves = someLeaves(1000);
const rootOf = (size: number): string => naiveRoot(leaves.slice(0, size)).toHex();
const textOf = (bytes: Uint8Array | null): string => new TextDecoder().decode(bytes ?? new Uint8Array(0));
const wal = (dir: string): string => join(dir, 'ledger-wal/000001.wal');
const refusal = (message: RegExp | string) =>
  expect.objectContaining({ reason: 'evidence-unavailable', message: expect.stringMatching(message) });

/** Makes a log in `dir` with a checkpoint at each size, and one more batch behind the last. */
const write = async (dir: string, sizes: readonly number[], behind: number): Promise<void> => {
  const log = await openLog({ dir, signer });
  for (const size of sizes) {
    log.append(leaves.slice(log.size, size), memo(`at ${size}`));
    await log.checkpoint();
  }
  log.append(leaves.slice(log.size, log.size + behind), memo('behind'));
  await log.close();
};

/** The log in `dir` must go on from `size` leaves as if nothing had happened. */
const expectGoesOn = async (dir: string, size: number, at: string): Promise<void> => {
  const log = await open(dir);
  expect(log.size, at).toBe(size);
  log.append(leaves.slice(size, size + 3), memo('on'));
  const { root } = await log.checkpoint();
  expect(root.toHex(), at).toBe(rootOf(size + 3));
  await log.close();
  const { problems } = await verifyLog(readDirectory(join(dir, 'ledger')), { keys: [signer.verifier] });
  // The leaves of these tests are not JSON; nothing else may be wrong.
  expect(
    problems.filter(({ message }) => message !== 'bytes that are not JSON'),
    at,
  ).toEqual([]);
  const sizes =
    readFileSync(join(dir, 'ledger/checkpoints'), 'utf8').match(/(?<=^gateway\.example\/ledger\n)\d+/gm) ?? [];
  expect(sizes.map(Number), at).toEqual([...new Set(sizes.map(Number))].sort((a, b) => a - b));
};

const isTile = (path: string): boolean => path.startsWith('ledger/tile');

describe('a crash', () => {
  test('that tears the last batch at any byte loses this batch and its memo, and nothing else', async () => {
    const dir = newFolder();
    await write(dir, [4], 3);
    const whole = readFileSync(wal(dir));
    // Of the segment, the second batch is what comes after the first is durable.
    const second = whole.lastIndexOf('behind') - 29;
    for (let end = second; end < whole.length; end++) {
      const torn = copyOf(dir);
      truncateSync(wal(torn), end);
      const log = await open(torn);
      expect([log.size, textOf(log.memo)], `cut at ${end}`).toEqual([4, 'at 4']);
      await log.close();
      rmSync(torn, { recursive: true });
    }
    await expectGoesOn(dir, 7, 'whole');
  });

  test('that leaves zeros or noise behind the last batch loses nothing', async () => {
    for (const tail of [new Uint8Array(4096), Uint8Array.of(1), new Uint8Array(64).fill(0xff), memo('behind')]) {
      const dir = newFolder();
      await write(dir, [4], 3);
      appendFileSync(wal(dir), tail);
      await expectGoesOn(dir, 7, `${tail.length} bytes`);
      await expectGoesOn(dir, 10, `${tail.length} bytes, again`);
    }
  });

  test('between any two steps of a checkpoint leaves a log that goes on', async () => {
    const before = newFolder();
    await write(before, [200, 250], 10);
    const after = copyOf(before);
    const log = await open(after);
    log.append(leaves.slice(260, 600), memo('more'));
    await log.checkpoint();
    await log.close();
    // The order of publishing: log, tiles, history, checkpoint.
    const tiles = filesOf(after).filter((path) => isTile(path) && !filesOf(before).includes(path));
    const steps = ['ledger-wal/000001.wal', ...tiles, 'ledger/checkpoints', 'ledger/checkpoint'];
    expect(steps.length).toBe(10);
    const state = copyOf(before);
    for (const step of steps) {
      mkdirSync(dirname(join(state, step)), { recursive: true });
      cpSync(join(after, step), join(state, step));
      await expectGoesOn(copyOf(state), 600, `after ${step}`);
    }
    for (const outgrown of filesOf(state).filter((path) => isTile(path) && !filesOf(after).includes(path))) {
      rmSync(join(state, outgrown));
      await expectGoesOn(copyOf(state), 600, `without ${outgrown}`);
    }
    expect(Object.keys(contentOf(state))).toEqual(Object.keys(contentOf(after)));
  });

  test('in the middle of a line of the history leaves a log that goes on', async () => {
    const dir = newFolder();
    await write(dir, [3], 0);
    const whole = readFileSync(join(dir, 'ledger/checkpoints'));
    const longer = copyOf(dir);
    await write(longer, [3, 5], 0);
    const next = readFileSync(join(longer, 'ledger/checkpoints')).subarray(whole.length);
    for (let end = 0; end < next.length; end += 7) {
      const torn = copyOf(dir);
      appendFileSync(join(torn, 'ledger/checkpoints'), next.subarray(0, end));
      await expectGoesOn(torn, 3, `torn at ${end}`);
    }
  });

  test('at the very beginning leaves a log that begins again', async () => {
    const whole = newFolder();
    await (await openLog({ dir: whole, signer })).close();
    for (const gone of [['ledger/checkpoint'], ['ledger/checkpoint', 'ledger/checkpoints'], ['ledger', 'ledger-wal']]) {
      const dir = copyOf(whole);
      for (const path of gone) rmSync(join(dir, path), { recursive: true });
      await expectGoesOn(dir, 0, `without ${gone.join(', ')}`);
    }
  });

  test('leaves nothing in the way of the next start', async () => {
    const dir = newFolder();
    await write(dir, [3], 0);
    writeFileSync(join(dir, 'ledger-wal/aside/file'), 'half');
    await expectGoesOn(dir, 3, 'with a file put aside');
  });
});

/** Puts the first checkpoint of the history in the place of the last. */
const firstCheckpoint = (dir: string): void => {
  const [text = '', signature = ''] = readFileSync(join(dir, 'ledger/checkpoints'), 'utf8').split('\n\n');
  writeFileSync(join(dir, 'ledger/checkpoint'), `${text}\n\n${signature}\n`);
};

const copy = (from: string, to: string, path: string): void => {
  rmSync(join(to, path), { recursive: true });
  cpSync(join(from, path), join(to, path), { recursive: true });
};

const without = (dir: string, ...paths: readonly string[]): void =>
  paths.forEach((path) => rmSync(join(dir, 'ledger', path), { recursive: true }));

const flip = (path: string, at: number): void => {
  const bytes = readFileSync(path);
  bytes[at < 0 ? bytes.length + at : at]! ^= 1;
  writeFileSync(path, bytes);
};

/** Changes one leaf in the write-ahead log, with the CRC that goes with it. */
const anotherLog = (dir: string): void => {
  const bytes = readFileSync(wal(dir));
  const at = bytes.indexOf('leaf 50');
  const start = bytes.indexOf('at 100') - 29;
  bytes.write('LEAF', at);
  bytes.writeUInt32LE(crc32(bytes.subarray(start + 8, start + 8 + bytes.readUInt32LE(start))), start + 4);
  writeFileSync(wal(dir), bytes);
};

/** A log with checkpoints at 100, 200 and 300 and ten leaves behind them, and the same log at 200. */
const story = async (): Promise<{ whole: string; earlier: string }> => {
  const earlier = newFolder();
  await write(earlier, [100, 200], 0);
  const whole = copyOf(earlier);
  await write(whole, [300], 10);
  return { whole, earlier };
};

describe('a log whose parts do not fit one another', () => {
  test('goes on while they do', async () => {
    const { whole } = await story();
    await expectGoesOn(whole, 310, 'whole');
  });

  test.each<[string, (dir: string, earlier: string) => void, RegExp]>([
    ['a changed checkpoint', (dir) => flip(join(dir, 'ledger/checkpoint'), 25), /replaced or rolled back/],
    ['a checkpoint from long before', (dir) => firstCheckpoint(dir), /replaced or rolled back/],
    ['no checkpoint', (dir) => rmSync(join(dir, 'ledger/checkpoint')), /replaced or rolled back/],
    ['no history', (dir) => rmSync(join(dir, 'ledger/checkpoints')), /no history/],
    ['an earlier history', (dir, earlier) => copy(earlier, dir, 'ledger/checkpoints'), /replaced or rolled back/],
    ['a changed end of the history', (dir) => flip(join(dir, 'ledger/checkpoints'), -60), /replaced or rolled back/],
    [
      'leaves but no checkpoint',
      (dir) => without(dir, 'checkpoint', 'checkpoints', 'tile'),
      /leaves but no checkpoint/,
    ],
    [
      'nothing but tiles',
      (dir) => without(dir, 'checkpoint', 'checkpoints', '../ledger-wal'),
      /no checkpoint, but tile/,
    ],
    ['no write-ahead log', (dir) => without(dir, '../ledger-wal'), /write-ahead log is missing/],
    [
      'an earlier write-ahead log',
      (dir, earlier) => copy(earlier, dir, 'ledger-wal'),
      /leaves 0 to 200, the checkpoint 300/,
    ],
    ['another magic in it', (dir) => flip(wal(dir), 3), /does not begin as a write-ahead log does/],
    ['a damaged base in it', (dir) => flip(wal(dir), 40), /does not begin as a write-ahead log does/],
    ['damage in it that was on disk', (dir) => flip(wal(dir), 1500), /damaged at \d+, where it had been on disk/],
    ['damage in it just before the end', (dir) => flip(wal(dir), -200), /damaged at \d+, where it had been on disk/],
    ['a tile less', (dir) => without(dir, 'tile/0/001.p/44'), /tile\/0\/001\.p\/44 is missing/],
    ['a tile changed', (dir) => flip(join(dir, 'ledger/tile/0/001.p/44'), 700), /not what its tile says/],
    ['a tile above changed', (dir) => flip(join(dir, 'ledger/tile/1/000.p/1'), 5), /another root than the checkpoint/],
    ['a short tile', (dir) => truncateSync(join(dir, 'ledger/tile/1/000.p/1'), 31), /has 31 bytes, not 32/],
    ['a bundle less', (dir) => without(dir, 'tile/entries/001.p/44'), /entries\/001\.p\/44 is missing/],
    ['a bundle changed', (dir) => flip(join(dir, 'ledger/tile/entries/001.p/44'), 5), /not what its tile says/],
    ['a bundle cut off', (dir) => truncateSync(join(dir, 'ledger/tile/entries/001.p/44'), 25), /is cut off/],
    [
      'a bundle of one leaf less',
      (dir) => truncateSync(join(dir, 'ledger/tile/entries/001.p/44'), 430),
      /not what its tile says/,
    ],
    ['another history in the log', (dir) => anotherLog(dir), /log has another root than the checkpoint of size 300/],
  ])('is not opened with %s, and nothing is written', async (_, change, message) => {
    const { whole, earlier } = await story();
    change(whole, earlier);
    const files = contentOf(join(whole, 'ledger'));
    await expect(openLog({ dir: whole, signer })).rejects.toThrow(refusal(message));
    expect(contentOf(join(whole, 'ledger'))).toEqual(files);
  });

  test('is published again up to the end of its history, when the checkpoint is the one before', async () => {
    const { whole, earlier } = await story();
    copy(earlier, whole, 'ledger/checkpoint');
    await expectGoesOn(whole, 310, 'one behind');
  });

  test('is not opened with another key of the same name', async () => {
    const other = parseSigner(generateSigner(ORIGIN));
    const { whole } = await story();
    await expect(openLog({ dir: whole, signer: other })).rejects.toThrow(refusal(/no signature by a known key/));
  });

  test('is not opened when it was rolled back to before its write-ahead log begins', async () => {
    const dir = newFolder();
    const log = await openLog({ dir, signer, segmentBytes: 500 });
    let earlier = '';
    for (const size of [100, 200, 300]) {
      log.append(leaves.slice(log.size, size), memo(''));
      await log.checkpoint();
      if (size === 100) earlier = copyOf(dir);
    }
    await log.close();
    copy(earlier, dir, 'ledger');
    await expect(openLog({ dir, signer })).rejects.toThrow(refusal(/holds leaves 200 to 300, the checkpoint 100/));
  });

  test('is not opened with a segment missing between two', async () => {
    const dir = newFolder();
    const log = await openLog({ dir, signer, segmentBytes: 500 });
    for (const size of [100, 200, 300]) {
      log.append(leaves.slice(log.size, size), memo(''));
      await log.checkpoint();
    }
    log.append(leaves.slice(300, 400), memo(''));
    await log.close();
    const [older = '', newer = ''] = filesOf(join(dir, 'ledger-wal'));
    const swapped = copyOf(dir);
    renameSync(join(swapped, 'ledger-wal', older), join(swapped, 'ledger-wal/000009.wal'));
    await expect(openLog({ dir: swapped, signer })).rejects.toThrow(refusal(/does not follow the one before/));
    const short = copyOf(dir);
    truncateSync(join(short, 'ledger-wal', older), readFileSync(join(short, 'ledger-wal', older)).length - 1);
    await expect(openLog({ dir: short, signer })).rejects.toThrow(refusal(/is cut off/));
    const trailed = copyOf(dir);
    appendFileSync(join(trailed, 'ledger-wal', older), 'x');
    await expect(openLog({ dir: trailed, signer })).rejects.toThrow(refusal(/is cut off/));
    rmSync(join(dir, 'ledger-wal', newer));
    const again = await open(dir);
    expect(again.size, 'the newest segment held only what no checkpoint covers').toBe(300);
  });
});
