/** Reads recordings for a command. */

import type { LoadedConfig } from '../config/file.ts';
import type { Reading } from '../record/errand.ts';
import { DestroyedKey, MissingKey } from '../record/page-keys.ts';
import { originalsStart } from '../record/key-ring.ts';
import { originalSession, type RecordedSession, readSession } from '../record/read-session.ts';
import { readId } from '../record/session-id.ts';
import { CliError, EXIT } from './exit.ts';
import { identitiesIn, keyRingFor, type WithIdentity } from './identities.ts';
import type { Io } from './io.ts';
import { accountName, runErrand } from './sessions-errand.ts';
import { dataFolder, publishedSize, rowOf } from './sessions-files.ts';

/**
 * Resolves to a session, decrypted with the key that the config names, once the ledger says who reads it. Throws CliError
 * when it cannot be read.
 */
export async function recordedSession(
  io: Io,
  loaded: LoadedConfig,
  id: string,
  how: Reading,
  options: WithIdentity = {},
): Promise<RecordedSession> {
  const folder = dataFolder(loaded);
  const row = await rowOf(folder, id);
  const pageKeys = await keyRingFor(io, loaded, options, row);
  const identities = identitiesIn(io, loaded, options);
  const wantsOriginal = options.original === true;
  await runErrand(io, loaded, { kind: 'read', sid: id, how: wantsOriginal ? 'original' : how, who: accountName() });
  try {
    const session = await readSession(row, { folder, pageKeys, ledgerSize: publishedSize(folder) });
    if (!wantsOriginal) return session;
    const sid = readId(id) ?? Buffer.alloc(0);
    return await originalSession(session, sid, (key) => originalsStart(folder, key, identities));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(EXIT.found, `session ${id} cannot be read: ${message}`, {
      hint: hintFor(cause),
      cause,
    });
  }
}

function hintFor(cause: unknown): string {
  if (cause instanceof DestroyedKey) return '`sallyport keys list` shows which keys are destroyed';
  if (cause instanceof MissingKey)
    return '--identity names somebody that recordings are for: an age identity file, or aws-kms';
  return '`sallyport ledger verify` tells whether its journal was changed';
}
