/**
 * The attacks that evidence must survive, on a store that a gateway wrote: each is found by `sallyport ledger verify`, or
 * by the next start, and the message names what. Attacks on the keys of the ledger are in src/cli/ledger-rotate.test.ts,
 * those on a witness in src/ledger/witness.test.ts, those on what was erased in src/record/erase.test.ts.
 */

import { cpSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeBundle, encodeBundle } from '../../src/ledger/bundle.ts';
import { encodeLeaf } from '../../src/ledger/leaf.ts';
import { openLog } from '../../src/ledger/log.ts';
import { readFrame } from '../../src/record/frame.ts';
import { readPlaces } from '../../src/record/places.ts';
import { offsetOf } from '../../src/record/watermarks.ts';
import type { SessionRow } from '../../src/store/sessions.ts';
import { sallyport } from '../kit/command-line.ts';
import { newFolder, oneCall, openHouse, signer } from '../record/house.ts';

/** What an attacker finds, a copy of it from an earlier day, and the checkpoint of then that somebody kept. */
let data: string;
let yesterday: string;
let kept: string;
let rows: readonly SessionRow[];

beforeAll(async () => {
  const first = await openHouse();
  data = first.folder;
  for (let n = 0; n < 3; n++) await oneCall(first.recorder, { at: Date.now() + n });
  await first.close();
  yesterday = newFolder();
  cpSync(data, yesterday, { recursive: true });
  const second = await openHouse({ folder: data });
  for (let n = 0; n < 3; n++) await oneCall(second.recorder, { at: Date.now() + n });
  await second.close();
  kept = join(newFolder(), 'kept');
  cpSync(join(data, 'ledger/checkpoint'), kept);
  const third = await openHouse({ folder: data });
  rows = await third.rows();
  await oneCall(third.recorder, { at: Date.now() + 9 });
  await third.close();
});

const copy = (from = data): string => {
  const folder = newFolder();
  cpSync(from, folder, { recursive: true });
  return folder;
};

/** Resolves to what verifying says, which has to be that something is wrong. */
const convicted = async (dir: string, ...more: string[]): Promise<string> => {
  const { code, stdout } = await sallyport(['ledger', 'verify', dir, '--key', signer.verifier.vkey, ...more]);
  expect(code, stdout).toBe(1);
  return stdout;
};

const bundleOf = (dir: string): string => {
  const folder = join(dir, 'ledger/tile/entries/000.p');
  return join(folder, String(Math.max(...readdirSync(folder).map(Number))));
};

const editLeaves = (dir: string, edit: (leaves: Uint8Array[]) => Uint8Array[]): void => {
  const file = bundleOf(dir);
  writeFileSync(file, encodeBundle(edit([...decodeBundle(readFileSync(file))])));
};

const edited = (leaf: Uint8Array | undefined, from: string, to: string): Uint8Array => {
  const text = Buffer.from(leaf ?? []).toString();
  expect(text).toContain(from);
  return Buffer.from(text.replace(from, to));
};

/** The journal of a session, and where its frames begin and end in it. */
const framesOf = (dir: string, row: SessionRow) => {
  const file = join(dir, 'journal', `${row.stream}-0.spj`);
  const bytes = readFileSync(file);
  const frames = readPlaces(row.places).map((place) => {
    const frame = readFrame(bytes, offsetOf(place));
    if (typeof frame === 'string') throw new Error('expected a frame');
    return frame;
  });
  return { file, bytes, frames };
};

const row = (n: number): SessionRow => {
  const found = rows[n];
  if (found === undefined) throw new Error('expected a row');
  return found;
};

it('is whole before it is attacked', async () => {
  const ran = await sallyport(['ledger', 'verify', copy(), '--key', signer.verifier.vkey, '--checkpoint', kept]);
  expect(ran.stdout).toMatch(/freshness: proven/);
  expect(ran.code).toBe(0);
});

describe('promise 7: evidence convicts who', () => {
  it('edits a leaf', async () => {
    const dir = copy();
    editLeaves(dir, (leaves) => leaves.with(3, edited(leaves[3], '"decision":"allow"', '"decision":"deny"')));
    expect(await convicted(dir)).toMatch(
      /^problem: leaf 3: is not the one that tile\/0\/000\.p\/\d+ has the hash of$/m,
    );
  });

  it('edits what was recorded', async () => {
    const dir = copy();
    const { file, bytes, frames } = framesOf(dir, row(1));
    const at = (frames[1]?.start ?? 0) + 60;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    expect(await convicted(dir)).toMatch(new RegExp(`^problem: .*${row(1).stream}-0\\.spj`, 'm'));
  });

  it('deletes a leaf', async () => {
    const dir = copy();
    editLeaves(dir, (leaves) => leaves.toSpliced(3, 1));
    expect(await convicted(dir)).toMatch(/^problem: tile\/entries\/000\.p\/\d+: holds \d+ entries, not \d+$/m);
  });

  it('deletes a recording', async () => {
    const dir = copy();
    rmSync(join(dir, 'journal', `${row(0).stream}-0.spj`));
    const said = await convicted(dir);
    expect(said).toMatch(new RegExp(`^problem: ${row(0).stream}-0\\.spj: is missing; leaf \\d+ closed it$`, 'm'));
    expect(said).toMatch(
      new RegExp(`^problem: session ${row(0).id}: no journal holds its opening; leaf \\d+ started it$`, 'm'),
    );
  });

  it('deletes one session out of a journal', async () => {
    const dir = copy();
    const { file, bytes, frames } = framesOf(dir, row(1));
    const [, ...own] = frames;
    const left = own
      .toReversed()
      .reduce((rest, { start, end }) => Buffer.concat([rest.subarray(0, start), rest.subarray(end)]), bytes);
    writeFileSync(file, left);
    expect(await convicted(dir)).toMatch(
      new RegExp(`^problem: session ${row(1).id}: no journal holds its opening`, 'm'),
    );
  });

  it('reorders leaves', async () => {
    const dir = copy();
    editLeaves(dir, (leaves) => leaves.with(2, leaves[3]!).with(3, leaves[2]!));
    const said = await convicted(dir);
    expect(said).toMatch(/^problem: leaf 2: is not the one that/m);
    expect(said).toMatch(/^problem: leaf 2: run \w+ counts 3 where 2 is due$/m);
  });

  it('reorders frames', async () => {
    const dir = copy();
    const { file, bytes, frames } = framesOf(dir, row(1));
    const [, opening, closing] = frames;
    if (opening === undefined || closing === undefined) throw new Error('expected two frames');
    const parts = [
      bytes.subarray(0, opening.start),
      bytes.subarray(closing.start, closing.end),
      bytes.subarray(opening.end, closing.start),
      bytes.subarray(opening.start, opening.end),
      bytes.subarray(closing.end),
    ];
    writeFileSync(file, Buffer.concat(parts));
    expect(await convicted(dir)).toMatch(
      new RegExp(`^problem: session ${row(1).id} .*a frame without its opening$`, 'm'),
    );
  });

  it('truncates a journal', async () => {
    const dir = copy();
    const file = `${row(1).stream}-0.spj`;
    truncateSync(join(dir, 'journal', file), readFileSync(join(dir, 'journal', file)).length - 100);
    expect(await convicted(dir)).toMatch(new RegExp(`^problem: ${file} at \\d+: is cut off: expected \\d+ bytes`, 'm'));
  });

  it('truncates the ledger', async () => {
    const dir = copy();
    rmSync(bundleOf(dir));
    expect(await convicted(dir)).toMatch(/^problem: tile\/entries\/000\.p\/\d+: is missing$/m);
  });

  it('truncates the ledger together with its checkpoints, for who kept one', async () => {
    const dir = copy();
    rmSync(join(dir, 'ledger'), { recursive: true });
    cpSync(join(yesterday, 'ledger'), join(dir, 'ledger'), { recursive: true });
    const said = await convicted(join(dir, 'ledger'), '--checkpoint', kept);
    expect(said).toMatch(
      /^problem: the checkpoint kept elsewhere: is over \d+ leaves, and the log has \d+: leaves were taken away$/m,
    );
  });

  it('swaps the recordings of two sessions', async () => {
    const dir = copy();
    const { file, bytes, frames } = framesOf(dir, row(0));
    const other = framesOf(dir, row(1)).frames;
    const mine = frames[2];
    const theirs = other[2];
    if (mine === undefined || theirs === undefined) throw new Error('expected closings');
    const piece = (from: number, to?: number): Buffer => bytes.subarray(from, to);
    const swapped = Buffer.concat([
      piece(0, mine.start),
      piece(theirs.start, theirs.end),
      piece(mine.end, theirs.start),
      piece(mine.start, mine.end),
      piece(theirs.end),
    ]);
    writeFileSync(file, swapped);
    expect(await convicted(dir)).toMatch(
      new RegExp(`^problem: ${row(0).stream}-0\\.spj: is not what leaf \\d+ closed$`, 'm'),
    );
  });

  it('swaps two journals', async () => {
    const dir = copy();
    const [one, two] = [row(0), row(5)].map(({ stream }) => join(dir, 'journal', `${stream}-0.spj`));
    expect(one).not.toBe(two);
    renameSync(one!, `${one}.aside`);
    renameSync(two!, one!);
    renameSync(`${one}.aside`, two!);
    expect(await convicted(dir)).toMatch(/^problem: .*-0\.spj at 0: does not begin as this journal$/m);
  });

  it('rolls the whole store back, for who kept a checkpoint', async () => {
    const said = await convicted(copy(yesterday), '--checkpoint', kept);
    expect(said).toMatch(/^problem: the checkpoint kept elsewhere: is over \d+ leaves, and the log has \d+/m);
  });

  it('rolls the ledger back under the index and the journals that came later', async () => {
    const dir = copy();
    for (const name of ['ledger', 'ledger-wal']) {
      rmSync(join(dir, name), { recursive: true });
      cpSync(join(yesterday, name), join(dir, name), { recursive: true });
    }
    expect(await convicted(dir)).toMatch(/^problem: .*\.spj: no leaf closes it, and the run that wrote it has ended$/m);
  });

  it('forks the ledger with its own key, for who kept a checkpoint', async () => {
    const dir = copy(yesterday);
    const log = await openLog({ dir, signer });
    const leaves = Array.from({ length: 60 }, (_, iseq) =>
      encodeLeaf({ v: 1, ts: Date.now(), inst: 'f'.repeat(16), iseq, type: 'gateway.start' }),
    );
    log.append(leaves, log.memo ?? new Uint8Array(0));
    await log.checkpoint();
    await log.close();
    const said = await convicted(join(dir, 'ledger'), '--checkpoint', kept);
    expect(said).toMatch(
      /^problem: the checkpoint kept elsewhere: is of another history: the log had another root at \d+ leaves$/m,
    );
  });

  it('changes a time', async () => {
    const dir = copy();
    editLeaves(dir, (leaves) =>
      leaves.with(
        2,
        Buffer.from(
          Buffer.from(leaves[2]!)
            .toString()
            .replace(/"ts":1/, '"ts":2'),
        ),
      ),
    );
    expect(await convicted(dir)).toMatch(/^problem: leaf 2: is not the one that/m);
  });

  it('adds a recording that never was', async () => {
    const dir = copy();
    const [name = ''] = readdirSync(join(dir, 'journal'));
    cpSync(join(dir, 'journal', name), join(dir, 'journal', name.replace(/-0\.spj$/, '-1.spj')));
    expect(await convicted(dir)).toMatch(
      /^problem: .*-1\.spj: no leaf closes it, and the run that wrote it has ended$/m,
    );
  });
});

describe('the next start', () => {
  it.each(['ledger/checkpoint', 'ledger/checkpoints', 'ledger-wal'])(
    'refuses when %s was taken from an earlier day',
    async (name) => {
      const dir = copy();
      rmSync(join(dir, name), { recursive: true });
      cpSync(join(yesterday, name), join(dir, name), { recursive: true });
      await expect(openHouse({ folder: dir })).rejects.toThrow(/^the ledger in .* cannot be opened: /);
    },
  );

  it('refuses journals beside a new ledger', async () => {
    const dir = copy();
    for (const name of ['ledger', 'ledger-wal']) rmSync(join(dir, name), { recursive: true });
    await expect(openHouse({ folder: dir })).rejects.toThrow('holds journals, but the ledger beside it is new');
  });
});
