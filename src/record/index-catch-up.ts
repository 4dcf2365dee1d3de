/** Brings index.db to what the ledger says, from the journals: after it was deleted, or lost its last rows. */

import type { IndexWriter } from '../store/sessions.ts';
import { listJournals, type StreamName, streamKey } from './journal-name.ts';
import { type KnownLeaves, knownLeaves } from './known-leaves.ts';
import { AT_START, type Memo, memoText, readMemo, type StreamProgress } from './memo.ts';
import { FrameScanner } from './scan.ts';
import { indexSink } from './seal-sink.ts';
import { StreamTail } from './stream-tail.ts';
import { fileOf, positionOf } from './watermarks.ts';
import type { PageOpener } from './page-keys.ts';

/** What the index is rebuilt from. */
export interface CatchUpOptions {
  /** The data folder. */
  readonly folder: string;
  readonly pageKeys: PageOpener;
  readonly index: IndexWriter;
  /** The ledger's memo, and its size as of a published checkpoint. */
  readonly memo: Memo;
  readonly size: number;
  /** Hears of journals that cannot be read. */
  readonly problem: (message: string) => void;
  /** Hears how many of how many lines of journals are done. */
  readonly progress?: (done: number, all: number) => void;
}

/** One line of journals. */
interface Line {
  readonly stream: StreamName;
  /** Numbers of its files, in order. Where some are missing between them, they were erased. */
  readonly files: readonly number[];
}

/** Writes the rows that the index lacks; does nothing when it is where the ledger is. */
export async function catchUpIndex(options: CatchUpOptions): Promise<void> {
  const { folder, index, memo, size } = options;
  const reached = index.progress();
  if (reached !== null && reached.size === size && reached.memo === memoText(memo)) return;
  const before = reached === null ? NOTHING : readMemo(reached.memo);
  // an index that is ahead lost nothing: what it knows more is sealed again, into the same rows
  const known = await knownLeaves(folder, Math.min(size, reached?.size ?? 0, lowestLeaf(before)), size);
  const lines = listLines(folder).filter(
    ({ stream }) => reached === null || stream.instance in before.open || known.instances.has(stream.instance),
  );
  for (const [done, line] of lines.entries()) {
    options.progress?.(done, lines.length);
    readLine(line, options, known, progressOf(before, line.stream) ?? AT_START);
  }
  for (const { sids, ...erasure } of known.erased) index.erase(erasure, sids);
  index.commit({ size, memo: memoText(memo) });
}

const NOTHING: Memo = { v: 1, inst: '', iseq: 0, open: {} };

/** Returns what a memo says of a line of journals; undefined when it does not name it. */
const progressOf = (memo: Memo, { instance, worker }: StreamName): StreamProgress | undefined =>
  memo.open[instance]?.[String(worker)];

/** Returns the smallest number of a leaf that can be about something open; Infinity when nothing is. */
export const lowestLeaf = (memo: Memo): number =>
  Math.min(...Object.values(memo.open).flatMap((workers) => Object.values(workers).map(({ leaf }) => leaf)));

/** Returns the lines of journals in a data folder. */
export function listLines(folder: string): readonly Line[] {
  const lines = Map.groupBy(listJournals(folder), streamKey);
  return [...lines.values()].flatMap((names) => {
    const [first] = names;
    if (first === undefined) return [];
    return [{ stream: { instance: first.instance, worker: first.worker }, files: names.map(({ n }) => n) }];
  });
}

/** Returns the runs of files in a line between which none is missing, as the first and the last of each. */
const unbroken = (files: readonly number[]): readonly { readonly first: number; readonly last: number }[] => {
  const ends = files.filter((n, at) => files[at + 1] !== n + 1);
  return files.filter((n, at) => files[at - 1] !== n - 1).map((first, at) => ({ first, last: ends[at] ?? first }));
};

/** Reads what is behind `from`; behind a gap, sessions that began before it were erased with what is missing. */
function readLine(line: Line, options: CatchUpOptions, known: KnownLeaves, from: StreamProgress): void {
  for (const { first, last } of unbroken(line.files)) {
    if (last < fileOf(from.low)) continue;
    const start = positionOf(first, 0);
    const behindGap = { ...from, low: start, sealed: Number.MAX_SAFE_INTEGER };
    const run = { stream: line.stream, last, isLast: last === line.files.at(-1) };
    readRun(run, options, known, start <= from.low || first === 0 ? from : behindGap);
  }
}

interface Run {
  readonly stream: StreamName;
  readonly last: number;
  /** False in front of a gap: only what is over is erased, so nothing is open there. */
  readonly isLast: boolean;
}

function readRun(
  { stream, last, isLast }: Run,
  options: CatchUpOptions,
  known: KnownLeaves,
  from: StreamProgress,
): void {
  const { folder, pageKeys, index, memo, problem } = options;
  if (from.closed) return;
  const sink = indexSink(index, known, problem);
  const tail = new StreamTail({ folder, stream, pageKeys, scanner: new FrameScanner(), sink, from });
  const until = progressOf(memo, stream);
  const isOpen = isLast && stream.instance in memo.open && until?.closed !== true;
  try {
    if (!isOpen) tail.finish(last, () => index.commit(null));
    else if (until !== undefined) tail.advance(until.sealed, Number.MAX_SAFE_INTEGER);
    tail.list(Number.MAX_SAFE_INTEGER);
    index.commit(null);
  } catch (error) {
    problem(`${streamKey(stream)}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    tail.release();
  }
}
