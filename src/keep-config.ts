/**
 * Keeps the config in force in step with its file and with the files that it names (certificates, keys, credentials): on
 * change and on SIGHUP; what cannot be used changes nothing.
 */

import { createHash } from 'node:crypto';
import { readFileSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { loadConfig, type LoadedConfig } from './config/file.ts';
import type { Log } from './log.ts';

/** What changes only with a new start: sockets, threads and stores are opened once. */
const FIXED = ['listeners', 'control', 'workers', 'store', 'recording', 'ledger'] as const;

/** What of these sections does change at once. */
const HOT = new Set(['keep', 'retention', 'recipients', 'originals', 'witnesses']);

const fixedText = (section: unknown): string =>
  JSON.stringify(section, (key, value: unknown) => (HOT.has(key) ? null : value));

/** Editors write in several steps; this long after the last one the file is read. Milliseconds. */
const SETTLE = 150;

/** The keeper of a config file. */
export interface KeptConfig {
  /** Reads the file again. Resolves to true when it, or nothing new, is in force. */
  reload(): Promise<boolean>;
  close(): void;
}

/** Returns the keeper of the file that `loaded` came from. `apply` puts a config in force, or rejects and changes nothing. */
export function keepConfig(loaded: LoadedConfig, log: Log, apply: (next: LoadedConfig) => Promise<void>): KeptConfig {
  let current = loaded;
  let stamp = stampOf(loaded);
  let last: Promise<boolean> = Promise.resolve(true);
  const reloadNow = async (): Promise<boolean> => {
    try {
      const next = loadConfig(current.file);
      // taken before the files are read for use: what changes in between has a stamp of its own
      const nextStamp = stampOf(next);
      if (nextStamp === stamp) return true;
      const waiting = FIXED.filter((section) => fixedText(next.config[section]) !== fixedText(loaded.config[section]));
      if (waiting.length > 0)
        log.warn({ sections: waiting }, 'these sections of the config take effect at the next start');
      await apply(next);
      current = next;
      stamp = nextStamp;
      watching.follow(next);
      log.info({ hash: next.hash }, 'config reloaded');
      return true;
    } catch (err) {
      log.error({ err, kept: current.hash }, 'the new config cannot be used; the old one stays in force');
      return false;
    }
  };
  // one at a time, in order
  const reload = (): Promise<boolean> => (last = last.then(reloadNow));

  let timer: NodeJS.Timeout | undefined;
  const soon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void reload(), SETTLE);
  };
  const watching = watchFiles(loaded, soon);
  process.on('SIGHUP', soon);
  return {
    reload,
    close() {
      clearTimeout(timer);
      watching.close();
      process.off('SIGHUP', soon);
    },
  };
}

/** What is read once, at the start, and never again. */
const AT_START: ReadonlySet<string> = new Set(['store', 'recording', 'ledger']);

/** Returns the files that a config names, absolute, each once. */
function filesOf({ config, baseDir }: LoadedConfig): readonly string[] {
  const files = new Set<string>();
  const collect = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, member] of Object.entries(value)) {
      if (key === 'file' && typeof member === 'string') files.add(resolve(baseDir, member));
      else collect(member);
    }
  };
  for (const [section, value] of Object.entries(config)) if (!AT_START.has(section)) collect(value);
  return [...files];
}

/** Returns a digest of the config and of what stands in the files that it names. */
function stampOf(loaded: LoadedConfig): string {
  const digest = createHash('sha256').update(loaded.hash);
  for (const file of filesOf(loaded)) digest.update(`\0${file}\0`).update(contentOf(file));
  return digest.digest('hex');
}

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    // whoever needs it says what is wrong with it
    return Buffer.alloc(0);
  }
}

/**
 * Watches the config and the files that it names. Folders are watched, because editors, certificate tools and Kubernetes
 * replace a file by renaming another one over it.
 */
function watchFiles(loaded: LoadedConfig, changed: () => void): { follow(next: LoadedConfig): void; close(): void } {
  const watchers = new Map<string, FSWatcher>();
  let names: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  const follow = (next: LoadedConfig): void => {
    names = byFolder([next.file, ...filesOf(next)]);
    for (const [folder, watcher] of watchers) {
      if (names.has(folder)) continue;
      watcher.close();
      watchers.delete(folder);
    }
    for (const folder of names.keys()) {
      if (watchers.has(folder)) continue;
      const watcher = watch(folder, { persistent: false }, (_event, which) => {
        if (which === null || which === '..data' || names.get(folder)?.has(which) === true) changed();
      });
      // a folder that is taken away is looked for again when the config changes
      watcher.on('error', () => {
        watcher.close();
        watchers.delete(folder);
      });
      watchers.set(folder, watcher);
    }
  };
  follow(loaded);
  return { follow, close: () => watchers.forEach((watcher) => watcher.close()) };
}

function byFolder(files: readonly string[]): ReadonlyMap<string, ReadonlySet<string>> {
  const folders = new Map<string, Set<string>>();
  for (const file of files) {
    const folder = dirname(file);
    folders.set(folder, (folders.get(folder) ?? new Set()).add(basename(file)));
  }
  return folders;
}
