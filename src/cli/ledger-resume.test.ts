import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { sallyport } from '../../test/kit/command-line.ts';
import { memo, signer } from '../../test/ledger/small-log.ts';
import { decodeBundle, encodeBundle } from '../ledger/bundle.ts';
import { encodeLeaf } from '../ledger/leaf.ts';
import { openLog } from '../ledger/log.ts';

const leafAt = (iseq: number): Uint8Array =>
  encodeLeaf({ v: 1, ts: 1_700_000_000_000 + iseq, inst: '0123456789abcdef', iseq, type: 'gateway.stop' });

async function grow(folder: string, to: number): Promise<void> {
  const log = await openLog({ dir: folder, signer });
  log.append(
    Array.from({ length: to - log.size }, (_, n) => leafAt(log.size + n)),
    memo(''),
  );
  await log.checkpoint();
  await log.close();
}

let cwd: string;
beforeEach(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'sallyport-resume-'));
  await grow(join(cwd, 'data'), 700);
  return () => rmSync(cwd, { recursive: true, force: true });
});

const verify = (...more: string[]) =>
  sallyport(['ledger', 'verify', 'data', '--key', signer.verifier.vkey, ...more], { cwd });
const resume = () => verify('--resume', 'bookmark');
const linesOf = ({ stdout }: { readonly stdout: string }): readonly string[] => stdout.trimEnd().split('\n').slice(2);

const DATE = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;
const notRead = (first: number, last: number) =>
  expect.stringMatching(
    new RegExp(`^not read now: leaves ${first} to ${last}, read in \\S+ledger from ${DATE} to ${DATE}$`),
  );
const WARNING = expect.stringContaining('whether their files still hold them, only a run without --resume tells');
const NO_JOURNALS = 'journals: not checked, with --resume only the ledger is';

describe('sallyport ledger verify --resume', () => {
  it('reads what is new since the run before, and says which leaves it has not read and when they were', async () => {
    const first = await resume();
    expect(linesOf(first)).toEqual([
      'ledger: 700 leaves, 2 checkpoints: verified',
      NO_JOURNALS,
      'freshness: not proven',
    ]);
    await grow(join(cwd, 'data'), 900);
    expect(linesOf(await resume())).toEqual([
      'ledger: leaves 512 to 899 read now, 3 checkpoints: verified',
      notRead(0, 511),
      WARNING,
      NO_JOURNALS,
      'freshness: proven up to leaf 700, by what was verified earlier',
    ]);
    await grow(join(cwd, 'data'), 1024);
    await resume();
    const { code, stdout, stderr } = await resume();
    expect(linesOf({ stdout })).toEqual([
      'ledger: no leaf of 1024 read now, 4 checkpoints: verified',
      notRead(0, 511),
      notRead(512, 767),
      notRead(768, 1023),
      WARNING,
      NO_JOURNALS,
      'freshness: proven up to leaf 1024, by what was verified earlier',
    ]);
    expect(stderr).toContain('goes on at leaf 1024');
    expect(code).toBe(0);
    const report: unknown = JSON.parse((await verify('--resume', 'bookmark', '--json')).stdout);
    expect(report).toMatchObject({ ledger: { ok: true, readFrom: 1024, readEarlier: [{}, {}, { leaves: 1024 }] } });
  });

  it('promise 7: does not say of a leaf that was changed since that it is verified; a run without it finds it', async () => {
    await resume();
    const bundle = join(cwd, 'data/ledger/tile/entries/000');
    const leaves = decodeBundle(readFileSync(bundle));
    writeFileSync(bundle, encodeBundle(leaves.map((leaf, at) => (at === 7 ? leafAt(8) : leaf))));
    const resumed = await resume();
    expect(linesOf(resumed)).toEqual(expect.arrayContaining([notRead(0, 511), WARNING]));
    expect(resumed.stdout).not.toMatch(/700 leaves.*verified/);
    expect(await verify()).toMatchObject({ code: 1, stdout: expect.stringContaining('problem: leaf 7:') });
  });

  it('keeps no bookmark beyond what is wrong, so that the next run finds it again', async () => {
    await grow(join(cwd, 'data'), 900);
    const bundle = join(cwd, 'data/ledger/tile/entries/002');
    const whole = readFileSync(bundle);
    writeFileSync(bundle, encodeBundle(decodeBundle(whole).map((leaf, at) => (at === 7 ? leafAt(8) : leaf))));
    for (let n = 0; n < 2; n++) {
      const { code, stdout } = await resume();
      expect(stdout).toContain('problem: leaf 519:');
      expect(code).toBe(1);
    }
    expect(existsSync(join(cwd, 'bookmark'))).toBe(false);
    writeFileSync(bundle, whole);
    expect((await resume()).code).toBe(0);
  });

  it('finds a log that was cut off behind the bookmark, and tells how much', async () => {
    cpSync(join(cwd, 'data'), join(cwd, 'before'), { recursive: true });
    await grow(join(cwd, 'data'), 900);
    await resume();
    rmSync(join(cwd, 'data'), { recursive: true });
    cpSync(join(cwd, 'before'), join(cwd, 'data'), { recursive: true });
    const { code, stdout } = await resume();
    expect(stdout).toContain(
      'problem: the bookmark: is behind 768 leaves, and the log has 700: leaves were taken away',
    );
    expect(code).toBe(1);
  });

  it('refuses a bookmark that is damaged, of another log, or among the evidence', async () => {
    await resume();
    const text = readFileSync(join(cwd, 'bookmark'), 'utf8');
    writeFileSync(join(cwd, 'bookmark'), text.replace('"size":512', '"size":256'));
    expect(await resume()).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is a bookmark that is not what'),
    });
    writeFileSync(join(cwd, 'bookmark'), text);
    for (const inside of ['data/bookmark', 'data/ledger/bookmark']) {
      const { code, stderr } = await verify('--resume', inside);
      expect([code, stderr]).toEqual([2, expect.stringContaining('beside the evidence can be changed with it')]);
    }
    // a link to one among them is one among them
    writeFileSync(join(cwd, 'data/theirs'), text);
    symlinkSync('data/theirs', join(cwd, 'linked'));
    expect(await verify('--resume', 'linked')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('beside the'),
    });
    const ledger = ['ledger', 'verify', 'data/ledger', '--key', signer.verifier.vkey, '--resume', 'data/bookmark'];
    expect(await sallyport(ledger, { cwd })).toMatchObject({ code: 0 });
    expect(await verify('--resume', 'nowhere/bookmark')).toMatchObject({ code: 2 });
  });
});
