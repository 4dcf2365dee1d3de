/**
 * The key that signs the ledger, in its file, and how another takes its place. The next key is in `KEY.next`, durably,
 * before anything speaks of it; then the leaf, the checkpoint that both sign, and only then the file. Whoever opens the
 * ledger looks for `KEY.next` first: a handover that was cut off is finished before anything else is signed.
 */

import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemClock } from '../clock.ts';
import { replaceDurablySync, syncFolderSync } from '../ledger/durable.ts';
import { handOver } from '../ledger/key-epochs.ts';
import { type Log as Ledger, type LogOptions, openLog } from '../ledger/log.ts';
import { generateSigner, type NoteSigner, parseSigner } from '../ledger/note-key.ts';
import { noteRotations } from './prove-session.ts';
import { SealBatch } from './seal-batch.ts';
import { showId } from './session-id.ts';

/** The key that the config names. */
export interface LedgerKey {
  /** The private key as text. */
  readonly text: string;
  /** Absolute path of its file; null when it is in none, and nothing can come in its place. */
  readonly file: string | null;
}

const nextFile = (file: string): string => `${file}.next`;

/** Returns the key that comes next, where an attempt to hand over has made one. */
const readNext = ({ file }: LedgerKey): NoteSigner | null =>
  file !== null && existsSync(nextFile(file)) ? parseSigner(readFileSync(nextFile(file), 'utf8').trim()) : null;

/** Tells auditors of a key, behind those that they have. */
function publish(folder: string, vkey: string): void {
  const pub = join(folder, 'ledger.pub');
  if (!existsSync(pub)) return;
  const keys = readFileSync(pub, 'utf8');
  if (keys.includes(vkey)) return;
  const lines = keys === '' || keys.endsWith('\n') ? keys : `${keys}\n`;
  replaceDurablySync(pub, `${lines}${vkey}\n`, statSync(pub).mode & 0o777);
}

/** Puts the key that signs now in the place of the one that is done with: nothing can be signed with that any more. */
async function replace(file: string, folder: string, next: NoteSigner): Promise<void> {
  await noteRotations(folder);
  publish(dirname(file), next.verifier.vkey);
  renameSync(nextFile(file), file);
  syncFolderSync(dirname(file));
}

/** How to open a ledger, without its keys. */
export type LedgerOptions = Omit<LogOptions, 'signer' | 'successor'>;

/**
 * Resolves to the ledger of a data folder, opened with its key, after finishing what an attempt to replace that was cut
 * off in. Rejects as `openLog` does, and with Malformed when a key is none.
 */
export async function openLedger(key: LedgerKey, options: LedgerOptions): Promise<Ledger> {
  const signer = parseSigner(key.text);
  const successor = readNext(key);
  const ledger = await openLog({ ...options, signer, successor });
  if (key.file === null || successor === null || ledger.key.vkey !== successor.verifier.vkey) return ledger;
  try {
    await replace(key.file, options.dir, successor);
  } catch (error) {
    await ledger.close();
    throw error;
  }
  return ledger;
}

/** Resolves to the public key that signs from here on: a new one, or that of an attempt that was cut off. */
export async function replaceLedgerKey(
  key: LedgerKey & { readonly file: string },
  options: LedgerOptions,
): Promise<string> {
  const signer = parseSigner(key.text);
  const ledger = await openLedger(key, options);
  try {
    if (ledger.key.vkey !== signer.verifier.vkey) return ledger.key.vkey;
    const { name } = signer.verifier;
    if (!existsSync(nextFile(key.file))) replaceDurablySync(nextFile(key.file), `${generateSigner(name)}\n`);
    const next = parseSigner(readFileSync(nextFile(key.file), 'utf8').trim());
    const batch = new SealBatch(ledger, systemClock, showId(randomBytes(16)).slice(-16));
    batch.add(handOver(signer, next.verifier));
    batch.commit(Buffer.from(ledger.memo ?? []).toString());
    await ledger.succeed(next);
    await replace(key.file, options.dir, next);
    return next.verifier.vkey;
  } finally {
    await ledger.close();
  }
}
