import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sallyport } from '../../test/kit/command-line.ts';
import { newFolder, oneCall, openHouse, signer } from '../../test/record/house.ts';

const KEY = signer.verifier.vkey;

/** The data folder of a gateway that has recorded two calls, and its checkpoint after the first. */
let data: string;
let early: string;

beforeAll(async () => {
  const house = await openHouse({ workers: 1 });
  data = house.folder;
  await oneCall(house.recorder);
  await house.ledger.checkpoint();
  early = readFileSync(join(data, 'ledger/checkpoint'), 'utf8');
  await oneCall(house.recorder);
  await house.close();
});

/** Returns a copy of the evidence that may be attacked. */
const copy = (): string => {
  const folder = newFolder();
  cpSync(data, folder, { recursive: true });
  return folder;
};

const flip = (file: string, at: number): void => {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(file, bytes);
};

const verify = (dir: string, ...more: string[]) => sallyport(['ledger', 'verify', dir, '--key', KEY, ...more]);

describe('sallyport ledger verify', () => {
  it('says that ledger and journals verify, and that freshness was not proven', async () => {
    const { code, stdout, stderr } = await verify(data);
    expect(stdout.split('\n')).toEqual([
      'origin: sallyport.example/test',
      expect.stringMatching(/^root: [A-Za-z0-9+/]{43}=$/),
      expect.stringMatching(/^ledger: \d+ leaves, \d+ checkpoints: verified$/),
      expect.stringMatching(/^journals: 1 files, \d+ frames, 2 sessions, 0 open, 0 frames not sealed yet: verified$/),
      'freshness: not proven',
      '',
    ]);
    expect(stderr).toMatch(/^hint: keep what `sallyport ledger checkpoint` prints/);
    expect(code).toBe(0);
  });

  it('proves freshness with a checkpoint that was kept elsewhere', async () => {
    const kept = join(newFolder(), 'kept');
    writeFileSync(kept, early);
    const { code, stdout, stderr } = await verify(data, '--checkpoint', kept);
    expect(stdout).toMatch(/\nfreshness: proven up to leaf \d+, by the checkpoint that was kept elsewhere\n$/);
    expect([code, stderr]).toEqual([0, '']);
  });

  it('finds a ledger that was rolled back behind that checkpoint', async () => {
    const later = join(newFolder(), 'kept');
    cpSync(join(data, 'ledger/checkpoint'), later);
    const house = await openHouse();
    await house.close();
    const { code, stdout } = await verify(join(house.folder, 'ledger'), '--checkpoint', later);
    expect(stdout).toMatch(
      /^problem: the checkpoint kept elsewhere: is over \d+ leaves, and the log has \d+: leaves were taken away\n/,
    );
    expect(stdout).toMatch(/\nledger: .*: one problem\n/);
    expect(code).toBe(1);
  });

  it('names a leaf that was changed, and ends with 1', async () => {
    const dir = copy();
    const bundles = join(dir, 'ledger/tile/entries/000.p');
    const widest = Math.max(...readdirSync(bundles).map(Number));
    flip(join(bundles, String(widest)), 50);
    const { code, stdout } = await verify(dir);
    expect(stdout).toMatch(/^problem: leaf 0: is not the one that tile\/0\/000\.p\/\d+ has the hash of\n/);
    expect(code).toBe(1);
  });

  it('names a journal and a session whose bytes were changed', async () => {
    const dir = copy();
    const [journal = ''] = readdirSync(join(dir, 'journal'));
    const file = join(dir, 'journal', journal);
    truncateSync(file, readFileSync(file).length - 1);
    const { code, stdout } = await verify(dir);
    expect(stdout).toMatch(new RegExp(`^problem: ${journal} at \\d+: is cut off`, 'm'));
    expect(stdout).toMatch(/^journals: .* problems?$/m);
    expect(code).toBe(1);
  });

  it('finds that the journals are gone', async () => {
    const dir = copy();
    rmSync(join(dir, 'journal'), { recursive: true });
    const { code, stdout } = await verify(dir);
    expect(stdout).toMatch(/^problem: session [0-9a-z]{26}: no journal holds its opening; leaf \d+ started it$/m);
    expect(code).toBe(1);
  });

  it('verifies the public folder alone, and says that it did no more', async () => {
    const { code, stdout } = await verify(join(data, 'ledger'));
    expect(stdout).toContain('\njournals: not checked, only the ledger was given\n');
    expect(code).toBe(0);
  });

  it('prints both reports as JSON', async () => {
    const { code, stdout } = await verify(data, '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      ledger: { ok: true, origin: 'sallyport.example/test', freshness: { kind: 'not-proven' }, problems: [] },
      journals: { sessions: 2, problems: [] },
    });
    expect(code).toBe(0);
  });

  it('shows how far it is on a terminal', async () => {
    const { stderr } = await sallyport(['ledger', 'verify', data, '--key', KEY], { terminal: true });
    expect(stderr).toContain('verifying the ledger: 100 %');
    expect(stderr).toContain('verifying the journals');
  });

  it('takes the key from a file', async () => {
    const dir = newFolder();
    writeFileSync(join(dir, 'ledger.pub'), `# the key of the ledger\n\n${KEY}\n`);
    const { code } = await sallyport(['ledger', 'verify', data, '--key', 'ledger.pub'], { cwd: dir });
    expect(code).toBe(0);
  });

  it('does not verify with another key', async () => {
    const other = `${KEY.slice(0, KEY.indexOf('+'))}+00000000+${KEY.slice(-44)}`;
    const wrong = await sallyport(['ledger', 'verify', data, '--key', other]);
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(wrong.stderr).toMatch(
      /^error: --key is a verifier key whose id is not that of its key\nhint: a public key is NAME\+ID\+BASE64/,
    );
  });

  it.each([
    ['no key', ['ledger', 'verify', '/'], /required option '--key <key>'/],
    [
      'a folder that there is not',
      ['ledger', 'verify', '/no/such', '--key', KEY],
      /there is no folder \/no\/such\nhint: give the data folder/,
    ],
    ['a key file that there is not', ['ledger', 'verify', '/', '--key', 'none.pub'], /none\.pub cannot be read/],
    ['a key file without a key', ['ledger', 'verify', '/', '--key', '/dev/null'], /\/dev\/null holds no key/],
    [
      'a checkpoint that there is not',
      ['ledger', 'verify', '/', '--key', KEY, '--checkpoint', 'none'],
      /none cannot be read/,
    ],
  ])('ends with 2 for %s', async (_, argv, message) => {
    const { code, stdout, stderr } = await sallyport(argv);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, '']);
  });

  it('finds no checkpoint in a folder that is no ledger', async () => {
    const { code, stdout } = await verify(newFolder());
    expect(stdout).toMatch(/^problem: checkpoint: is missing\n/);
    expect(code).toBe(1);
  });
});

describe('sallyport ledger checkpoint', () => {
  it('prints the checkpoint byte for byte, for --checkpoint to take', async () => {
    const { code, stdout } = await sallyport(['ledger', 'checkpoint', data]);
    expect(stdout).toBe(readFileSync(join(data, 'ledger/checkpoint'), 'utf8'));
    expect(code).toBe(0);
  });

  it('prints it as JSON too', async () => {
    const { stdout } = await sallyport(['ledger', 'checkpoint', join(data, 'ledger'), '--json']);
    const { origin, note } = JSON.parse(stdout);
    expect([origin, note]).toEqual(['sallyport.example/test', readFileSync(join(data, 'ledger/checkpoint'), 'utf8')]);
  });

  it('prints none that the key has not signed', async () => {
    const dir = copy();
    flip(join(dir, 'ledger/checkpoint'), 30);
    const { code, stdout, stderr } = await sallyport(['ledger', 'checkpoint', dir, '--key', KEY]);
    expect(stderr).toMatch(/^error: .*checkpoint is no checkpoint to rely on/);
    expect([code, stdout]).toEqual([1, '']);
  });
});
