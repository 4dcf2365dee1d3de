import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { newFolder } from '../../test/ledger/small-log.ts';
import { readDirectory } from './directory.ts';

describe('a folder as a log', () => {
  test('lists the files in all its folders, and reads them', async () => {
    const dir = newFolder();
    mkdirSync(join(dir, 'tile/0/000.p'), { recursive: true });
    writeFileSync(join(dir, 'tile/0/000.p/1'), 'one');
    writeFileSync(join(dir, 'checkpoint'), 'two');
    const files = readDirectory(dir);
    expect((await Array.fromAsync(files.list())).sort()).toEqual(['checkpoint', 'tile/0/000.p/1']);
    expect(Buffer.from((await files.read('tile/0/000.p/1', 3)) ?? []).toString()).toBe('one');
    expect(Buffer.concat(await Array.fromAsync(files.stream('checkpoint'))).toString()).toBe('two');
  });

  test('has no file where there is none, or where a file is in the way', async () => {
    const dir = newFolder();
    writeFileSync(join(dir, 'tile'), '');
    const files = readDirectory(dir);
    expect(await files.read('checkpoint', 10)).toBeNull();
    expect(await files.read('tile/0/000', 10)).toBeNull();
    expect(await Array.fromAsync(files.stream('checkpoints'))).toEqual([]);
  });

  test('does not read a file that is longer than it may be', async () => {
    const dir = newFolder();
    writeFileSync(join(dir, 'checkpoint'), 'four');
    await expect(readDirectory(dir).read('checkpoint', 3)).rejects.toThrow('checkpoint has 4 bytes, more than 3');
  });

  test('does not wait for what is no file', async () => {
    const dir = newFolder();
    mkdirSync(join(dir, 'folder'));
    execFileSync('mkfifo', [join(dir, 'pipe')]);
    symlinkSync('/dev/zero', join(dir, 'device'));
    for (const name of ['folder', 'pipe', 'device']) {
      await expect(readDirectory(dir).read(name, 10), name).rejects.toThrow(`${name} is not a regular file`);
      await expect(Array.fromAsync(readDirectory(dir).stream(name)), name).rejects.toThrow('not a regular file');
    }
  });
});
