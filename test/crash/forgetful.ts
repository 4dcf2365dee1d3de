/** Crashes with loss of everything that was not synced: runs programs on the disk that forgets (forgetful.c). */

import {
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { buildPreload } from './preload.ts';

/** The disk that forgets, built. */
export interface Forgetful {
  /**
   * Returns the environment of a program whose `folder` forgets what is not synced. Everything in it now is durable.
   * With `lies`, syncs do nothing.
   */
  environment(folder: string, image: string, lies?: boolean): Record<string, string>;
}

/** One call of the disk that fails. */
export interface Fault {
  readonly call: 'write' | 'sync';
  /** Which one in the folder, from 1. */
  readonly at: number;
  /** With ENOSPC all later writes fail too. */
  readonly error: 'ENOSPC' | 'EIO';
}

/** Returns the environment in which a fault comes about; the file `mark` is made when it does, with the path that failed. */
export const faultEnvironment = ({ call, at, error }: Fault, mark: string): Record<string, string> => ({
  FORGETFUL_FAIL: `${call} ${at} ${constants.errno[error]}`,
  FORGETFUL_FAILED: mark,
});

/** Returns the environment in which a program is killed in place of its `at`-th step that changes the disk, from 1. */
export const killEnvironment = (at: number): Record<string, string> => ({ FORGETFUL_KILL: String(at) });

/** Returns the disk that forgets, or null where there is no C compiler or no LD_PRELOAD: nothing can be tested there. */
export function buildForgetful(): Forgetful | null {
  const library = buildPreload('forgetful');
  if (library === null) return null;
  return {
    environment(folder, image, lies = false) {
      rmSync(image, { recursive: true, force: true });
      mkdirSync(image, { recursive: true });
      const paths = { FORGETFUL_FOLDER: realpathSync(folder), FORGETFUL_IMAGE: realpathSync(image) };
      return { LD_PRELOAD: library, ...paths, ...(lies ? { FORGETFUL_LIE: '1' } : {}) };
    },
  };
}

/** Returns a whole number from 0 up to `below`, which is not in it. */
export type Random = (below: number) => number;

/** How a folder is rebuilt. */
export interface Rebuild {
  readonly image: string;
  /** What the killed program left; its unsynced bytes are forgotten, or torn. */
  readonly folder: string;
  /** Where the rebuilt folder goes; must not exist. */
  readonly target: string;
  /** A disk may have written some of what was never synced: decides how much of what files grew by. Absent: nothing. */
  readonly torn?: Random;
}

/** Builds what the power cut left. */
export function rebuild({ image, folder, target, torn }: Rebuild): void {
  // killed before its first step, while the image was still being made: what was there is what is left
  if (!existsSync(join(image, 'begun'))) return cpSync(folder, target, { recursive: true });
  const build = (id: string, from: string, to: string): void => {
    mkdirSync(to, { mode: 0o700 });
    const list = join(image, 'folders', id);
    // a folder that was never synced is empty
    const names = existsSync(list)
      ? readFileSync(list, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
      : [];
    for (const line of names) {
      const [, child = '', type = '', inode = '', name = ''] = /^(\d+) ([fd]) (\d+) (.*)$/.exec(line) ?? [];
      const left = join(from, name);
      if (type === 'd') build(child, left, join(to, name));
      // another file that was renamed to this name is not what the durable one grew to
      else buildFile(join(image, 'files', child), left, join(to, name), isInode(left, inode) ? torn : undefined);
    }
  };
  build('1', folder, target);
}

const isInode = (path: string, inode: string): boolean =>
  String(lstatSync(path, { throwIfNoEntry: false })?.ino ?? '') === inode;

function buildFile(kept: string, left: string, to: string, torn: Random | undefined): void {
  // a socket has no bytes to lose; who listens makes it anew
  if (lstatSync(left, { throwIfNoEntry: false })?.isSocket() === true) return;
  if (existsSync(kept)) copyFileSync(kept, to);
  else writeFileSync(to, '', { mode: 0o600 });
  if (torn === undefined || !existsSync(left) || torn(2) === 0) return;
  const durable = readFileSync(to);
  const written = readFileSync(left);
  if (written.length <= durable.length) return;
  writeFileSync(to, written.subarray(durable.length, durable.length + torn(written.length - durable.length)), {
    flag: 'a',
  });
}
