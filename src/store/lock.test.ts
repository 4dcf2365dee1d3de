import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lockFolder } from './lock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A program that takes the lock, says so, and keeps it for as long as it lives. */
const holder = (): [string, string[]] => {
  const lock = new URL('lock.ts', import.meta.url).href;
  const program = `const { lockFolder } = await import(${JSON.stringify(lock)});
    globalThis.kept = lockFolder(${JSON.stringify(folder)});
    console.log('held');
    setInterval(() => {}, 1000);`;
  return [process.execPath, ['--input-type=module', '-e', program]];
};

it('refuses a folder that another process holds, naming it', async () => {
  const other = spawn(...holder(), { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(other.stdout, 'data');
  expect(() => lockFolder(folder)).toThrow(`${folder} is in use by another sallyport process`);
  other.kill('SIGKILL');
  await once(other, 'exit');
});

it('has the folder free again after the holder was killed', async () => {
  const other = spawn(...holder(), { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(other.stdout, 'data');
  other.kill('SIGKILL');
  await once(other, 'exit');
  lockFolder(folder).release();
});

it('keeps another process out until it is released', () => {
  const lock = lockFolder(folder);
  const [command, args] = holder();
  const refused = spawnSync(command, args, { timeout: 10_000 });
  expect(refused.stderr.toString()).toContain('is in use by another sallyport process');
  lock.release();
});

it('keeps a second part of the same process out too', () => {
  const lock = lockFolder(folder);
  expect(() => lockFolder(folder)).toThrow('is in use');
  lock.release();
  lockFolder(folder).release();
});
