/** The first command of a newcomer. */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

it('walks through the demo, every step as told, and leaves nothing behind', async () => {
  const demo = ['runtime/run.mjs', 'demo/demo.ts', '--once'];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, demo, { cwd: ROOT, timeout: 55_000 });
  const lines = stdout.split('\n');
  const folder = /folder +(\S+)/.exec(stdout)?.[1] ?? '';

  expect(stderr).toBe('');
  expect(lines.filter((line) => line.startsWith('   ✓ '))).toHaveLength(8);
  expect(folder).toContain('sallyport-demo-');
  expect(existsSync(folder)).toBe(false);
});
