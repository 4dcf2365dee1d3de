/**
 * The recorder thread's side of recordings: recovers what an earlier run left, then keeps the journals of the data
 * workers durable, sealed and indexed (live-recording.ts).
 */

import type { Clock } from '../clock.ts';
import { makeFolderDurably } from '../ledger/durable.ts';
import type { LeafBody } from '../ledger/leaf.ts';
import type { Log as Ledger } from '../ledger/log.ts';
import type { Log } from '../log.ts';
import { type IndexTables, indexWriter } from '../store/sessions.ts';
import type { Store } from '../store/sqlite.ts';
import { finishErasing } from './erase-intent.ts';
import { catchUpIndex } from './index-catch-up.ts';
import { journalFolder, listJournals } from './journal-name.ts';
import { LiveRecording } from './live-recording.ts';
import { prepareAside } from './make-journal.ts';
import { type Memo, memoText, readMemo } from './memo.ts';
import type { LinkEnd } from './messages.ts';
import { recoverStreams } from './recover.ts';
import type { PageOpener } from './page-keys.ts';
import { SealBatch } from './seal-batch.ts';
import type { KeyHand } from './writing-keys.ts';

/** What a recording is made of. */
export interface RecordingOptions {
  /** The data folder; its lock is held. */
  readonly folder: string;
  /** This run of the gateway, new each time: 16 characters of the ids' alphabet. */
  readonly instance: string;
  /** Opens the pages of earlier runs that are to be sealed, and gives workers what they write with. */
  readonly pageKeys: PageOpener & KeyHand;
  /** The recorder's ends of the lines to the data workers. */
  readonly links: readonly LinkEnd[];
  /** Open, and written to by nobody else; stays open when the recording closes. */
  readonly ledger: Ledger;
  /** index.db; stays open when the recording closes. */
  readonly index: Store<IndexTables>;
  readonly clock: Clock;
  readonly log: Log;
  /** How often a checkpoint is signed while there is something new, in ms. */
  readonly checkpointEvery: number;
  /** How many bytes of leaves a recovery adds before it takes a checkpoint; 8 MiB when not given. */
  readonly roomBytes?: number;
}

/** Keeps the evidence of all data workers. */
export interface Recording {
  /** Adds a leaf of another part of the gateway; resolves to its number when it is on the disk. */
  append(body: LeafBody): Promise<number>;
  /** Ends the recording for good: no call passes any more. */
  fail(cause: Error): void;
  /** Has every worker begin a new journal, so that the ones before are closed. */
  rotate(): void;
  /** Ids (their first bytes, hex) of recording keys that are still needed: calls that are not sealed have theirs under them. */
  readonly keysInUse: ReadonlySet<string>;
  /** Resolves when everything up to here is on the disk, in the ledger and in the index: a crash reads nothing before it. */
  settle(): Promise<void>;
  /** Resolves with a failure when evidence cannot be kept any more; every worker has heard of it then. */
  readonly failure: Promise<Error>;
  readonly failed: boolean;
  /** Totals since the start, for metrics. */
  readonly totals: RecordingTotals;
  /**
   * Seals everything, closes the journals and signs a last checkpoint, over `last` too. The workers' recorders are
   * closed before it.
   */
  close(last?: readonly LeafBody[]): Promise<void>;
}

/** What a recording has done since its start. */
export interface RecordingTotals {
  readonly syncs: number;
  /** Leaves in the ledger that this run wrote. */
  readonly leaves: number;
  /** Bytes of journals that are written and not durable, durable and not sealed. */
  readonly undurable: number;
  readonly unsealed: number;
}

/**
 * Resolves to the recording of a gateway once all earlier runs are sealed and each worker has a journal. Rejects when
 * journals, ledger and memo do not fit one another: nobody guesses then.
 */
export async function startRecording(options: RecordingOptions): Promise<Recording> {
  const { folder, instance, ledger, clock, log } = options;
  await makeFolderDurably(journalFolder(folder));
  await prepareAside(folder);
  // leaves are read back by their numbers out of published tiles
  await ledger.checkpoint();
  const erased = await finishErasing(folder, ledger.size);
  const memo = lastMemo(ledger, folder);
  const { size } = ledger;
  const index = indexWriter(options.index.raw);
  for (const { sids, ...erasure } of erased) index.erase(erasure, sids);
  const batch = new SealBatch(ledger, clock, instance);
  const problem = (message: string): void => log.error({ problem: message }, 'a journal is not what it should be');
  const { pageKeys } = options;
  await catchUpIndex({ folder, pageKeys, index, memo, size, problem });

  const commit = (open: Memo['open']): void => {
    const text = memoText({ v: 1, inst: instance, iseq: batch.iseq, open: { ...open, [instance]: {} } });
    batch.commit(text);
    index.commit({ size: ledger.size, memo: text });
  };
  batch.add({ type: 'gateway.start' });
  commit(memo.open);
  const room = roomIn(ledger, batch, options.roomBytes ?? ROOM_BYTES);
  const recovered = await recoverStreams({ folder, pageKeys, index, batch, memo, size, problem, commit, room });
  if (recovered > 0) log.warn({ journals: recovered }, 'sealed what an earlier run left unsealed');
  commit({});
  // durable before the first journal of this run exists: a journal of a run that no memo knows is taken as sealed
  await ledger.checkpoint();
  return LiveRecording.start({ ...options, index, batch });
}

/** Leaves are held in memory up to a checkpoint, and the ledger refuses more than 64 MiB: a recovery may have more to say. */
const ROOM_BYTES = 8 * 1024 ** 2;

/** Returns what takes a checkpoint whenever so many bytes of leaves were added since the last one. */
function roomIn(ledger: Ledger, batch: SealBatch, bytes: number): () => Promise<void> {
  let settled = batch.bytes;
  return async () => {
    if (batch.bytes - settled < bytes) return;
    await ledger.checkpoint();
    settled = batch.bytes;
  };
}

function lastMemo(ledger: Ledger, folder: string): Memo {
  if (ledger.memo !== null) return readMemo(Buffer.from(ledger.memo).toString());
  if (listJournals(folder).length > 0) {
    throw new Error(
      `${journalFolder(folder)} holds journals, but the ledger beside it is new: one of them was replaced`,
    );
  }
  return { v: 1, inst: '', iseq: 0, open: {} };
}
