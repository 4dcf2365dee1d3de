/** How the pure part of the ledger gets at stored files: a folder, an archive or a web server can stand behind it. */

/** Reads the files of one log. Paths are relative to the root of the log, with `/` between their elements. */
export interface LogReader {
  /** Returns the bytes of a file, or null when there is none. Throws Malformed when it has more than `limit` bytes. */
  read(path: string, limit: number): Promise<Uint8Array | null>;
  /** Returns the bytes of a file piece by piece; nothing when there is none. */
  stream(path: string): AsyncIterable<Uint8Array>;
  /** Returns the paths of all files, in any order. */
  list(): AsyncIterable<string>;
}

/** Where the latest checkpoint is (C2SP tlog-tiles "Checkpoints"). */
export const CHECKPOINT_PATH = 'checkpoint';
/** Where every signed checkpoint is kept, oldest first (docs/adr/0005-ledger-format.md). */
export const HISTORY_PATH = 'checkpoints';
