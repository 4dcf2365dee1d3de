/** Seals what runs of the gateway left unsealed when they died. Killed in the middle, it goes on at the next start. */

import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../ledger/durable.ts';
import type { IndexWriter } from '../store/sessions.ts';
import { listLines, lowestLeaf } from './index-catch-up.ts';
import { journalFile, journalFolder, type StreamName, streamKey } from './journal-name.ts';
import { knownLeaves } from './known-leaves.ts';
import { AT_START, type Memo, type StreamProgress } from './memo.ts';
import { FrameScanner } from './scan.ts';
import type { SealBatch } from './seal-batch.ts';
import { recoverySink } from './seal-sink.ts';
import { StreamTail } from './stream-tail.ts';
import type { PageOpener } from './page-keys.ts';

/** What recovery works with. */
export interface RecoverOptions {
  /** The data folder. */
  readonly folder: string;
  readonly pageKeys: PageOpener;
  readonly index: IndexWriter;
  readonly batch: SealBatch;
  /** What the last run remembered, and the size of the ledger then, as of a published checkpoint. */
  readonly memo: Memo;
  readonly size: number;
  /** Hears of journals that cannot be what a gateway wrote; they are left as they are. */
  readonly problem: (message: string) => void;
  /** Takes how far the runs that are being recovered have come, and commits the batch. */
  readonly commit: (open: Memo['open']) => void;
  /** Resolves when the ledger has room for what is committed next. */
  readonly room: () => Promise<void>;
}

/** Resolves to how many lines of journals were sealed to their end. */
export async function recoverStreams(options: RecoverOptions): Promise<number> {
  const { folder, memo, size, commit } = options;
  const open = structuredClone(memo.open);
  const lines = listLines(folder).filter(({ stream }) => stream.instance in open);
  if (lines.length > 0) await syncFolder(journalFolder(folder));
  const known = await knownLeaves(folder, Math.min(size, lowestLeaf(memo)), size);
  for (const { stream, files } of lines) {
    const last = files.at(-1) ?? 0;
    const workers = open[stream.instance] ?? {};
    const from = workers[stream.worker] ?? AT_START;
    if (from.closed) continue;
    await syncFiles(folder, stream, last);
    const sink = recoverySink(options.batch, options.index, known, from.sealed, options.problem);
    const { pageKeys } = options;
    const tail = new StreamTail({ folder, stream, pageKeys, scanner: new FrameScanner(), sink, from });
    const keep = (): void => {
      workers[stream.worker] = furthest(from, tail.progress(options.batch.next));
      commit(open);
    };
    try {
      for (const _ of tail.finishing(last)) {
        keep();
        await options.room();
      }
    } catch (cause) {
      throw new Error(`the journals ${streamKey(stream)} cannot be recovered`, { cause });
    } finally {
      tail.release();
    }
  }
  return lines.length;
}

/** Reading begins before what is sealed: until it has passed that, the old progress stands. */
const furthest = (from: StreamProgress, now: StreamProgress): StreamProgress =>
  now.closed || now.sealed > from.sealed ? now : from;

/** What a dead process wrote may be in memory only; it must be on the disk before a leaf speaks of it. */
async function syncFiles(folder: string, stream: StreamName, last: number): Promise<void> {
  for (let n = 0; n <= last; n++) {
    try {
      await using file = await open(join(journalFolder(folder), journalFile({ ...stream, n })), 'r+');
      await file.datasync();
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
}
