import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { keepPolicy, readPolicy } from './policy-files.ts';

const newFolder = (): string => mkdtempSync(join(tmpdir(), 'sallyport-policies-'));

const policyOf = (text: string) => ({ text, hash: createHash('sha256').update(text).digest('hex') });

it('keeps what was in force under its hash, once, and finds it by the beginning of that', async () => {
  const folder = newFolder();
  const [one, other] = [policyOf('{"a":1}'), policyOf('{"a":2}')];
  expect(await readPolicy(folder, one.hash)).toBeNull();
  for (const each of [one, other, one]) await keepPolicy(folder, each);
  expect(readdirSync(join(folder, 'policies')).toSorted()).toEqual(
    [`${one.hash}.json`, `${other.hash}.json`].toSorted(),
  );
  expect(await readPolicy(folder, one.hash)).toEqual(one);
  expect(await readPolicy(folder, other.hash.slice(0, 12))).toEqual(other);
  expect(await readPolicy(folder, '')).toBeNull();
});

it('says so when what is kept was changed', async () => {
  const folder = newFolder();
  const one = policyOf('{"a":1}');
  await keepPolicy(folder, one);
  writeFileSync(join(folder, 'policies', `${one.hash}.json`), '{"a":2}');
  await expect(readPolicy(folder, one.hash)).rejects.toThrow('was changed');
});
