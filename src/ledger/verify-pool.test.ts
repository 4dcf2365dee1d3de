import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { copyOf, memo, ORIGIN, signer } from '../../test/ledger/small-log.ts';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { decodeBundle, encodeBundle } from './bundle.ts';
import { readDirectory } from './directory.ts';
import { encodeLeaf } from './leaf.ts';
import { openLog } from './log.ts';
import type { LogReport } from './report.ts';
import { verifyLog } from './verify.ts';
import { openVerifyPool } from './verify-pool.ts';

const SIZE = 20_000;
const INST = '0123456789abcdef';
const SID = '01jd8z7k3v0000000000000000';
let dir: string;

const leafAt = (iseq: number): Uint8Array => {
  const common = { v: 1, ts: 1_700_000_000_000 + iseq, inst: INST, iseq } as const;
  if (iseq !== 9_000) return encodeLeaf({ ...common, type: iseq === 0 ? 'gateway.start' : 'gateway.stop' });
  return encodeLeaf({ ...common, type: 'session.recovered', sid: SID, frames: 0, total: 0, cts: [] });
};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'ledger-pool-'));
  const log = await openLog({ dir, signer });
  for (let at = 0; at < SIZE; at += 1000) {
    log.append(
      Array.from({ length: 1000 }, (_, n) => leafAt(at + n)),
      memo(''),
    );
    await log.checkpoint();
  }
  await log.close();
  return () => rmSync(dir, { recursive: true, force: true });
}, 60_000);

/** Resolves to what one thread finds, and what several find. */
const both = async (folder: string): Promise<readonly [LogReport, LogReport]> => {
  const ledger = join(folder, 'ledger');
  const pool = openVerifyPool(ledger, 2);
  onTestFinished(() => pool.end());
  const heard: [number[], number[]] = [[], []];
  const run = (check: object, to: number[]): Promise<LogReport> =>
    verifyLog(readDirectory(ledger), {
      keys: [signer.verifier],
      ...check,
      leaf: (index, leaf) => to.push(leaf === null ? -index : (leaf.leaf.iseq ?? 0)),
    });
  const reports = [await run({}, heard[0]), await run({ check: pool.check }, heard[1])] as const;
  expect(heard[1]).toEqual(heard[0]);
  return reports;
};

type Change = (folder: string) => void;

const inBundle =
  (index: number, at: number, change: (leaf: string) => string): Change =>
  (folder) => {
    const file = join(folder, `ledger/tile/entries/${String(index).padStart(3, '0')}`);
    const leaves = decodeBundle(readFileSync(file)).map((leaf, n) =>
      n === at ? Buffer.from(change(Buffer.from(leaf).toString())) : leaf,
    );
    writeFileSync(file, encodeBundle(leaves));
  };

const gone =
  (...paths: readonly string[]): Change =>
  (folder) => {
    for (const path of paths) {
      expect(existsSync(join(folder, 'ledger', path))).toBe(true);
      rmSync(join(folder, 'ledger', path));
    }
  };

describe('a verification on several threads', () => {
  test('finds a whole log whole, with every leaf in order', async () => {
    const [one, many] = await both(dir);
    expect(many).toEqual(one);
    expect(many).toMatchObject({ size: SIZE, origin: ORIGIN, checkpoints: 21 });
    // the session that was recovered without a start
    expect(many.problems).toMatchObject([{ kind: 'session', where: `session ${SID}` }]);
  });

  test.each<readonly [string, Change]>([
    ['a leaf was changed', inBundle(17, 200, (leaf) => leaf.replace('gateway.stop', 'gateway.stoq'))],
    ['a leaf is no JSON', inBundle(40, 3, (leaf) => leaf.replace('{', '['))],
    ['a leaf was given another number', inBundle(0, 5, (leaf) => leaf.replace('"iseq":5', '"iseq":6'))],
    ['a bundle is gone', gone('tile/entries/033')],
    ['a tile is gone', gone('tile/0/016')],
    ['a tile of the second level is gone', (folder) => rmSync(join(folder, 'ledger/tile/1/000.p/78'))],
    ['a bundle and its tile are gone', gone('tile/entries/020', 'tile/0/020')],
    ['the last bundle is gone', gone('tile/entries/078.p/32')],
  ])('finds what one thread finds when %s', async (_, change) => {
    const folder = copyOf(dir);
    change(folder);
    const [one, many] = await both(folder);
    expect(many).toEqual(one);
    expect(one.problemCount).toBeGreaterThan(1);
  });
});
