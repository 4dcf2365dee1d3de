import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { importsOf } from '../../test/kit/source-imports.ts';

/** Returns every module that `file` imports, directly or not, with what each of them imports. */
const modulesOf = (
  file: string,
  seen = new Map<string, readonly string[]>(),
): ReadonlyMap<string, readonly string[]> => {
  const names = importsOf(readFileSync(file, 'utf8'));
  seen.set(file, names);
  for (const name of names) {
    const path = resolve(dirname(file), name);
    if (name.startsWith('.') && !seen.has(path)) modulesOf(path, seen);
  }
  return seen;
};

test('sallyport/verify imports nothing outside its folder but node:crypto, and that in one file', () => {
  const folder = fileURLToPath(new URL('.', import.meta.url));
  const modules = modulesOf(`${folder}verify.ts`);
  const names = [...modules.keys()].map((file) => relative(folder, file));
  expect(names.length).toBeGreaterThan(15);
  expect(names.filter((name) => name.startsWith('..'))).toEqual([]);
  const outside = [...modules].flatMap(([file, imports]) =>
    imports.filter((name) => !name.startsWith('.')).map((name) => `${relative(folder, file)} ${name}`),
  );
  expect(outside).toEqual(['crypto.ts node:crypto']);
});
