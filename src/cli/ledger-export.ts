/** `sallyport ledger export`: the public log, for a web server or an auditor. It holds no content and no names. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { MAX_BUNDLE_BYTES } from '../ledger/bundle.ts';
import { openCheckpoint, parseCheckpoint } from '../ledger/checkpoint.ts';
import { readDirectory } from '../ledger/directory.ts';
import { sameBytes } from '../ledger/hash.ts';
import { historyEntry, readHistory } from '../ledger/history.ts';
import { CHECKPOINT_PATH, HISTORY_PATH, type LogReader } from '../ledger/log-reader.ts';
import { Malformed } from '../ledger/malformed.ts';
import { parseNote } from '../ledger/note.ts';
import { parseTilePath, widthAt } from '../ledger/tile.ts';
import { CliError, EXIT } from './exit.ts';
import type { Io } from './io.ts';
import { KEY_OPTION, keysOf } from './ledger-keys.ts';

interface ExportOptions {
  readonly key?: string;
}

/** Returns the history up to a checkpoint. Throws Malformed when that is not in it. */
async function historyUpTo(files: LogReader, note: Uint8Array): Promise<string> {
  let text = '';
  for await (const each of readHistory(files.stream(HISTORY_PATH))) {
    text += historyEntry(Buffer.from(each).toString('utf8'));
    if (sameBytes(each, note)) return text;
  }
  throw new Malformed('the history does not hold the checkpoint');
}

/** Writes a file that never changes: one that is there must be the same. */
function put(file: string, bytes: Uint8Array): boolean {
  if (existsSync(file)) {
    if (sameBytes(readFileSync(file), bytes)) return false;
    throw new Malformed(`another ${file} is there already: it is of another log`);
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes, { flag: 'wx' });
  return true;
}

/** Resolves to how many leaves were exported, in how many new files. */
async function copyLog(io: Io, log: string, out: string, { key }: ExportOptions) {
  const files = readDirectory(log);
  const note = await files.read(CHECKPOINT_PATH, MAX_BUNDLE_BYTES);
  if (note === null) throw new Malformed('there is no checkpoint');
  const plain = parseCheckpoint(parseNote(note).text);
  const { size } = key === undefined ? plain : openCheckpoint(note, keysOf(io, key), plain.origin);
  let written = 0;
  for await (const path of files.list()) {
    if (path === CHECKPOINT_PATH || path === HISTORY_PATH) continue;
    const tile = parseTilePath(path);
    // the log may grow meanwhile: what is beyond the checkpoint is for the next export
    if (widthAt(tile, size) < tile.width) continue;
    const bytes = await files.read(path, MAX_BUNDLE_BYTES);
    if (bytes !== null && put(join(out, path), bytes)) written += 1;
    io.progress(`exporting the ledger: ${written} files`);
  }
  // last, so that whoever reads meanwhile finds all that they speak of
  writeFileSync(join(out, HISTORY_PATH), await historyUpTo(files, note));
  writeFileSync(join(out, CHECKPOINT_PATH), note);
  return { size, files: written };
}

async function exportLog(io: Io, dir: string, out: string, options: ExportOptions): Promise<void> {
  const path = resolve(io.cwd, dir);
  const log = existsSync(join(path, 'ledger')) ? join(path, 'ledger') : path;
  const target = resolve(io.cwd, out);
  try {
    mkdirSync(target, { recursive: true });
    const done = await copyLog(io, log, target, options);
    io.print(done, [`${done.size} leaves in ${out}, ${done.files} files new`]);
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(EXIT.found, `the ledger in ${dir} cannot be exported: ${message}`, { cause });
  }
}

/** Returns `sallyport ledger export`. */
export const exportCommand = (io: Io): Command =>
  new Command('export')
    .description(
      'copy the public log (C2SP tlog-tiles) to a folder that can be served or handed over; adds what is new',
    )
    .argument('<dir>', 'the data folder of a gateway, or the `ledger` folder in it')
    .argument('<out>', 'the folder to export to')
    .option(...KEY_OPTION)
    .action((dir: string, out: string, options: ExportOptions) => exportLog(io, dir, out, options));
