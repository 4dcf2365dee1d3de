/** The public folder of a ledger as its one writer sees it. */

import { appendFile, open, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { readDirectory } from './directory.ts';
import { type NewFile, readIfThere, syncFolder, writeDurably } from './durable.ts';
import { sameBytes } from './hash.ts';
import { historyEntry, splitHistory } from './history.ts';
import { CHECKPOINT_PATH, HISTORY_PATH, type LogReader } from './log-reader.ts';
import { Malformed } from './malformed.ts';

// Many times a checkpoint with its signatures: the last two are in it.
const TAIL_BYTES = 64 * 1024;

/** The end of the history: its last two checkpoints, newest first, as the notes that were signed. */
export interface HistoryEnd {
  readonly last: Uint8Array | null;
  readonly previous: Uint8Array | null;
  /** Bytes up to the end of `last`; what follows is torn. */
  readonly end: number;
}

/** Reads and writes the files of one log. */
export class LogFolder {
  readonly #root: string;
  readonly #aside: string;
  readonly reader: LogReader;

  /** `aside` is a folder on the same file system, for files that are not whole yet. */
  constructor(root: string, aside: string) {
    this.#root = root;
    this.#aside = aside;
    this.reader = readDirectory(root);
  }

  /** Returns the note that is published as the checkpoint, or null. */
  checkpoint(): Promise<Uint8Array | null> {
    return readIfThere(join(this.#root, CHECKPOINT_PATH));
  }

  /**
   * Stores tiles and bundles durably. What is there already, left by a crash before its checkpoint, must be the same:
   * another tile in its place would be a second history, and is Malformed.
   */
  async store(files: readonly NewFile[]): Promise<void> {
    const missing: NewFile[] = [];
    for (const file of files) {
      const stored = await readIfThere(join(this.#root, file.path));
      if (stored === null) missing.push(file);
      else if (!sameBytes(stored, Buffer.from(file.bytes)))
        throw new Malformed(`another ${file.path} is stored already`);
    }
    await writeDurably(this.#root, this.#aside, missing);
  }

  /** Adds a signed checkpoint to the history, durably. */
  async remember(note: string): Promise<void> {
    await using file = await open(join(this.#root, HISTORY_PATH), 'a');
    await appendFile(file, historyEntry(note));
    await file.datasync();
  }

  /** Makes `note` the checkpoint, durably. */
  publish(note: Uint8Array | string): Promise<void> {
    return writeDurably(this.#root, this.#aside, [{ path: CHECKPOINT_PATH, bytes: note }]);
  }

  /** Begins the history of a new log. */
  begin(): Promise<void> {
    return writeDurably(this.#root, this.#aside, [{ path: HISTORY_PATH, bytes: '' }]);
  }

  /** Removes folders of partial tiles. A crash may leave some: they do no harm. */
  async remove(folders: readonly string[]): Promise<void> {
    for (const folder of folders) await rm(join(this.#root, folder), { recursive: true, force: true });
  }

  /** Returns the end of the history, whose checkpoints are all of `origin`; null when there is no history. */
  async historyEnd(origin: string): Promise<HistoryEnd | null> {
    let file;
    try {
      file = await open(join(this.#root, HISTORY_PATH), 'r');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
      throw error;
    }
    await using history = file;
    const { size } = await history.stat();
    const from = Math.max(0, size - TAIL_BYTES);
    const { buffer } = await history.read(Buffer.alloc(size - from), { position: from });
    // The tail begins inside a checkpoint; the next one begins with its origin behind an empty line.
    const start = from === 0 ? 0 : buffer.indexOf(`\n\n${origin}\n`) + 2;
    const { notes, end } = splitHistory(buffer.subarray(start));
    return { last: notes.at(-1) ?? null, previous: notes.at(-2) ?? null, end: from + start + end };
  }

  /** Cuts the history off behind its last whole checkpoint. */
  async mend(end: number): Promise<void> {
    await truncate(join(this.#root, HISTORY_PATH), end);
    await using file = await open(join(this.#root, HISTORY_PATH), 'r+');
    await file.sync();
    await syncFolder(this.#root);
  }
}
