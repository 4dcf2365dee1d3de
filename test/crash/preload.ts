/** Builds what stands between a program and its disk. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Returns the library made of a C file of this folder, for LD_PRELOAD; null where there is no C compiler or no LD_PRELOAD. */
export function buildPreload(name: string): string | null {
  if (process.platform !== 'linux') return null;
  const library = join(mkdtempSync(join(tmpdir(), 'sallyport-preload-')), `${name}.so`);
  const source = new URL(`${name}.c`, import.meta.url).pathname;
  const flags = ['-Wall', '-Wextra', '-Werror', '-O2', '-shared', '-fPIC'];
  const built = spawnSync('cc', [...flags, '-o', library, source, '-ldl']);
  if (built.error !== undefined) return null;
  if (built.status !== 0) throw new Error(`cc: ${built.stderr.toString()}`);
  return library;
}
