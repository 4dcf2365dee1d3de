/** `sallyport ledger verify --resume FILE`: the bookmark of whoever verifies. */

import { existsSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { systemClock } from '../clock.ts';
import { replaceDurablySync } from '../ledger/durable.ts';
import { type Bookmark, encodeBookmark, Malformed, parseBookmark, type Resume } from '../ledger/verify.ts';
import { CliError, EXIT } from './exit.ts';
import type { Io } from './io.ts';
import { readInput } from './ledger-keys.ts';

/** Where the evidence is. */
export interface Evidence {
  /** The public folder of the log. */
  readonly log: string;
  /** The data folder with the journals; null when only the log was given. */
  readonly data: string | null;
}

/** The option that names it. */
export const RESUME_OPTION = [
  '--resume <file>',
  'go on where the run before came to, which this file says, and keep in it how far this one comes; the ledger only',
] as const;

/** Returns the error that ends a run whose bookmark is of no use to it. */
export const notToGoOnFrom = (file: string, cause: Malformed): CliError =>
  new CliError(EXIT.usage, `${file} is ${cause.message}`, {
    hint: 'without the file, everything is verified from the first leaf on',
    cause,
  });

/** A bookmark among the evidence is written by whoever may change that: it would pass over what they like. */
function refuseInside(file: string, evidence: string): void {
  const folder = dirname(file);
  if (!existsSync(folder)) throw new CliError(EXIT.usage, `there is no folder ${folder} for the bookmark`);
  // a link among one's own files may lead there too
  const way = relative(realpathSync(evidence), existsSync(file) ? dirname(realpathSync(file)) : realpathSync(folder));
  if (way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)) return;
  throw new CliError(EXIT.usage, 'a bookmark beside the evidence can be changed with it', {
    hint: 'keep it where only whoever verifies can write',
  });
}

/** Returns where a verification of the log in a folder goes on, and keeps how far it comes. Throws CliError. */
export function resumeWith(io: Io, name: string, { log, data }: Evidence): Resume {
  const file = resolve(io.cwd, name);
  refuseInside(file, data ?? log);
  let bookmark: Bookmark | null = null;
  if (existsSync(file)) {
    try {
      bookmark = parseBookmark(readInput(io, name).toString('utf8'));
    } catch (cause) {
      if (!(cause instanceof Malformed)) throw cause;
      throw notToGoOnFrom(name, cause);
    }
    io.say(`goes on at leaf ${bookmark.size}`);
  }
  return {
    bookmark,
    where: log,
    now: () => systemClock.now(),
    keep: (next) => replaceDurablySync(file, encodeBookmark(next)),
  };
}
