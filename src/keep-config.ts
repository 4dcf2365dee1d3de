/** Keeps the config in force in step with its file: on change and on SIGHUP; a bad file changes nothing. */

import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import { loadConfig, type LoadedConfig } from './config-file.ts';
import type { Log } from './log.ts';

/** What changes only with a new start: sockets, threads and stores are opened once. */
const FIXED = ['listeners', 'control', 'workers', 'store', 'recording', 'ledger'] as const;

/** What of these sections does change at once. */
const HOT = new Set(['keep', 'retention', 'recipients', 'originals']);

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
  let last: Promise<boolean> = Promise.resolve(true);
  const reloadNow = async (): Promise<boolean> => {
    try {
      const next = loadConfig(current.file);
      if (next.hash === current.hash) return true;
      const waiting = FIXED.filter((section) => fixedText(next.config[section]) !== fixedText(loaded.config[section]));
      if (waiting.length > 0)
        log.warn({ sections: waiting }, 'these sections of the config take effect at the next start');
      await apply(next);
      current = next;
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
  const watcher = watchFile(loaded.file, soon);
  process.on('SIGHUP', soon);
  return {
    reload,
    close() {
      clearTimeout(timer);
      watcher.close();
      process.off('SIGHUP', soon);
    },
  };
}

/** The folder is watched, because editors and Kubernetes replace the file by renaming another one over it. */
function watchFile(file: string, changed: () => void): FSWatcher {
  const name = basename(file);
  return watch(dirname(file), { persistent: false }, (_event, which) => {
    if (which === null || which === name || which === '..data') changed();
  });
}
