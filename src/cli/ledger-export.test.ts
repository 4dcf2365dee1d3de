import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sallyport } from '../../test/kit/command-line.ts';
import { newFolder, oneCall, openHouse, signer } from '../../test/record/house.ts';

const KEY = signer.verifier.vkey;

it('exports a log that verifies by itself, and later what is new', async () => {
  const out = join(newFolder(), 'public');
  const house = await openHouse();
  await oneCall(house.recorder);
  await house.ledger.checkpoint();
  expect(await sallyport(['ledger', 'export', house.folder, out, '--key', KEY])).toMatchObject({ code: 0 });
  expect((await sallyport(['ledger', 'verify', out, '--key', KEY])).code).toBe(0);
  for (let n = 0; n < 200; n++) await oneCall(house.recorder);
  await house.close();
  expect((await sallyport(['ledger', 'export', house.folder, out])).stdout).toMatch(
    /^\d+ leaves in .*, \d+ files new\n$/,
  );
  const { code, stdout } = await sallyport(['ledger', 'verify', out, '--key', KEY]);
  expect(stdout).toMatch(/^ledger: 4\d\d leaves, .*: verified$/m);
  expect(code).toBe(0);
  expect((await sallyport(['ledger', 'export', house.folder, out])).stdout).toMatch(/, 0 files new\n$/);
  expect(readdirSync(out).toSorted()).toEqual(['checkpoint', 'checkpoints', 'tile']);
});

it('never writes one log over another, nor one that the key has not signed', async () => {
  const out = join(newFolder(), 'public');
  const [one, other] = [await openHouse(), await openHouse()];
  await Promise.all([one.close(), other.close()]);
  await sallyport(['ledger', 'export', one.folder, out]);
  const mixed = await sallyport(['ledger', 'export', other.folder, out]);
  expect(mixed.stderr).toMatch(/is there already: it is of another log$/m);
  expect(mixed.code).toBe(1);
  expect((await sallyport(['ledger', 'verify', out, '--key', KEY])).code).toBe(0);
  const file = join(other.folder, 'ledger/checkpoint');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/\n(\d+)\n/, '\n1\n'));
  expect((await sallyport(['ledger', 'export', other.folder, join(newFolder(), 'x'), '--key', KEY])).code).toBe(1);
});
