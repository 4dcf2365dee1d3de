/** What the commands about sessions read: the index, the journals and the key, with the gateway up or down. */

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseCheckpoint } from '../ledger/checkpoint.ts';
import { CHECKPOINT_PATH } from '../ledger/log-reader.ts';
import { parseNote } from '../ledger/note.ts';
import { ledgerFolder } from '../record/ledger-leaves.ts';
import { type RecordedSession, readSession } from '../record/read-session.ts';
import { readId } from '../record/session-id.ts';
import { readRecordingKey } from '../secrets.ts';
import { findSession } from '../store/list-sessions.ts';
import type { IndexTables, SessionRow } from '../store/sessions.ts';
import { readIndex, type Store } from '../store/sqlite.ts';
import type { LoadedConfig } from '../config-file.ts';
import { CliError, EXIT } from './exit.ts';

/** Returns the data folder that a config names. */
export const dataFolder = ({ config, baseDir }: LoadedConfig): string => resolve(baseDir, config.store.path);

/** Resolves to what `read` makes of the index of a data folder. Throws CliError when there is none. */
export async function withIndex<T>(folder: string, read: (index: Store<IndexTables>) => Promise<T>): Promise<T> {
  const index = readIndex<IndexTables>(folder);
  if (index === null) {
    throw new CliError(EXIT.usage, `there is no index in ${folder}`, {
      hint: 'a gateway makes one when it starts; `sallyport reindex` makes one from the journals',
    });
  }
  try {
    return await read(index);
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError(EXIT.usage, `the index in ${folder} cannot be read: ${String(cause)}`, {
      hint: '`sallyport reindex` makes a new one from the journals',
      cause,
    });
  } finally {
    await index.close();
  }
}

/** Resolves to the row of a session. Throws CliError when there is no such session. */
export async function rowOf(folder: string, id: string): Promise<SessionRow> {
  if (readId(id) === null) {
    throw new CliError(EXIT.usage, `${id} is no session id`, { hint: '`sallyport sessions list` shows the ids' });
  }
  const row = await withIndex(folder, ({ db }) => findSession(db, id));
  if (row === null) throw new CliError(EXIT.found, `there is no session ${id}`);
  return row;
}

/** Resolves to a session, decrypted with the key that the config names. Throws CliError when it cannot be read. */
export async function recordedSession(
  loaded: LoadedConfig,
  id: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<RecordedSession> {
  const folder = dataFolder(loaded);
  const row = await rowOf(folder, id);
  const recordingKey = readRecordingKey(loaded.config.recording.key, loaded.baseDir, { env });
  try {
    return await readSession(row, { folder, recordingKey, ledgerSize: publishedSize(folder) });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(EXIT.found, `session ${id} cannot be read: ${message}`, {
      hint: '`sallyport ledger verify` tells whether its journal was changed',
      cause,
    });
  }
}

/** Returns the size of the published checkpoint, which is not verified here; 0 when there is none. */
function publishedSize(folder: string): number {
  try {
    return parseCheckpoint(parseNote(readFileSync(join(ledgerFolder(folder), CHECKPOINT_PATH))).text).size;
  } catch {
    // without one, nothing is said to be sealed
    return 0;
  }
}
