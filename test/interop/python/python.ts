/** Python with the packages that a test needs: `SALLYPORT_PYTHON` names one that has them, else one is made once. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

/** A Python, or why there is none. */
export type Python =
  | { readonly kind: 'python'; readonly command: string }
  | { readonly kind: 'none'; readonly why: string };

/** MLServer runs on these only. */
const VERSIONS = ['python3.12', 'python3.11', 'python3.10'];

const ran = (command: string, args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** Returns a Python that can import `modules`, made of `packages` in a folder of its own if it must be. */
export const pythonWith = (packages: readonly string[], modules: readonly string[]): Python => {
  // Looked for, not imported: some of them cannot live in one process.
  const imports = ['-c', 'import sys, importlib.util as u; assert all(map(u.find_spec, sys.argv[1:]))', ...modules];
  const given = process.env['SALLYPORT_PYTHON'];
  if (given !== undefined)
    return ran(given, imports)
      ? { kind: 'python', command: given }
      : { kind: 'none', why: `${given} cannot import ${modules.join(', ')}` };
  const base = VERSIONS.find((version) => ran(version, ['-c', 'import venv']));
  if (base === undefined) return { kind: 'none', why: `needs one of ${VERSIONS.join(', ')}` };
  const id = createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 12);
  const folder = join(tmpdir(), `sallyport-python-${id}`);
  const command = join(folder, 'bin/python');
  const done = join(folder, 'done');
  if (!existsSync(done)) {
    if (!ran(base, ['-m', 'venv', folder])) return { kind: 'none', why: `${base} makes no virtual environment` };
    const pip = spawnSync(command, ['-m', 'pip', 'install', '-q', ...packages], { encoding: 'utf8' });
    if (pip.status !== 0) return { kind: 'none', why: `pip: ${pip.stderr.trim().split('\n').at(-1) ?? 'failed'}` };
    writeFileSync(done, '');
  }
  return ran(command, imports) ? { kind: 'python', command } : { kind: 'none', why: 'its packages cannot be imported' };
};
