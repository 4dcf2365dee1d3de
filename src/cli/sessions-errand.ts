/** What commands do to recordings goes through whoever holds the ledger, so that each deed leaves a leaf. */

import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { systemClock } from '../clock.ts';
import type { LoadedConfig } from '../config/file.ts';
import type { LeafBody } from '../ledger/leaf.ts';
import { parseWitness } from '../ledger/cosignature.ts';
import { sendErrand } from '../record/errand-line.ts';
import type { Errand, Outcome } from '../record/errand.ts';
import { openDesk } from '../record/evidence-desk.ts';
import { finishWrapping } from '../record/envelope-change.ts';
import { finishErasing } from '../record/erase-intent.ts';
import { openDeeds } from '../record/deed.ts';
import { changeKeys, GATEWAY, tellMade } from '../record/key-change.ts';
import { KeyRing } from '../record/key-ring.ts';
import { openLedger } from '../record/ledger-key.ts';
import { untoldKeys } from '../record/made-keys.ts';
import { keyPolicyOf } from '../record/recipients.ts';
import { SealBatch } from '../record/seal-batch.ts';
import { showId } from '../record/session-id.ts';
import { readRecordingKey } from '../config/secrets.ts';
import { type FolderLock, lockFolder } from '../store/lock.ts';
import { type IndexTables, indexWriter } from '../store/sessions.ts';
import { openIndex, openState } from '../store/sqlite.ts';
import { CliError, EXIT } from './exit.ts';
import type { Io } from './io.ts';
import { ledgerKeyOf } from './ledger-keys.ts';
import { dataFolder } from './sessions-files.ts';

/** Returns the account that runs the command: what the ledger says of who did it. */
export const accountName = (): string => {
  try {
    return userInfo().username;
  } catch {
    // an id without a name, as in many containers
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
};

const lock = (folder: string): FolderLock => {
  try {
    return lockFolder(folder);
  } catch (cause) {
    throw new CliError(EXIT.unreachable, 'the gateway that holds the ledger cannot be asked', {
      hint: 'every look into a recording is sealed in the ledger; run this where the gateway runs, as its user',
      cause,
    });
  }
};

const now = (): number => systemClock.now();

/** Does an errand while no gateway runs. */
async function runAlone(io: Io, loaded: LoadedConfig, folder: string, errand: Errand): Promise<Outcome> {
  const { config, baseDir } = loaded;
  const around = { env: io.env };
  const recordingKey = readRecordingKey(config.recording.key, baseDir, around);
  const ledgerKey = ledgerKeyOf(io, loaded);
  const held = lock(folder);
  try {
    const witnesses = config.ledger.witnesses.map(({ url, key }) => ({ url, witness: parseWitness(key) }));
    const absent = (name: string, why: string): void => io.say(`warning: the witness ${name} did not cosign: ${why}`);
    const ledger = await openLedger(ledgerKey, { dir: folder, witnesses, absent });
    const state = openState<unknown>(folder);
    const index = openIndex<IndexTables>(folder);
    try {
      await ledger.checkpoint();
      await finishWrapping(folder, ledger.size);
      const ring = await KeyRing.open(folder, recordingKey);
      const batch = new SealBatch(ledger, systemClock, showId(randomBytes(16)).slice(-16));
      const append = async (body: LeafBody): Promise<number> => {
        const number = batch.add(body);
        batch.commit(Buffer.from(ledger.memo ?? []).toString());
        await ledger.sync();
        return number;
      };
      const writer = indexWriter(index.raw);
      for (const { sids, ...erasure } of await finishErasing(folder, ledger.size)) writer.erase(erasure, sids);
      const deeds = openDeeds(recordingKey);
      await tellMade({ ring, deeds, append }, await untoldKeys(folder, ledger), GATEWAY);
      const rotateKey = (by: string): Promise<number> =>
        changeKeys({ ring, deeds, append, now }, keyPolicyOf(config.recording, ledger.head.origin), by);
      const desk = openDesk({ folder, recordingKey, append, ledger, index, writer, state, now, rotateKey, ring });
      const outcome = await desk.run(errand);
      await ledger.checkpoint();
      return outcome;
    } finally {
      await ledger.close();
      await state.close();
      await index.close();
    }
  } finally {
    held.release();
  }
}

/** Resolves to what came of an errand; asks the gateway when one runs. Throws CliError when nobody could do it. */
export async function runErrand(
  io: Io,
  loaded: LoadedConfig,
  errand: Errand,
): Promise<Outcome & { kind: 'done' | 'later' }> {
  const folder = dataFolder(loaded);
  let outcome: Outcome;
  try {
    outcome = (await sendErrand(folder, errand)) ?? (await runAlone(io, loaded, folder, errand));
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(EXIT.unreachable, `the ledger cannot be written: ${message}`, {
      hint: 'no recording is read without a leaf that says so',
      cause,
    });
  }
  if (outcome.kind === 'refused') throw new CliError(EXIT.refused, outcome.why);
  return outcome;
}
