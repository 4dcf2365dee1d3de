/**
 * Crypto-shredding: the keys of sessions are taken out of their page, and nobody can read what was recorded of them. The
 * ciphertext stays until its whole journal goes, so that everything else can still be verified.
 */

import type { LeafBody } from '../ledger/leaf.ts';
import type { IndexWriter, SessionRow } from '../store/sessions.ts';
import type { Deeds } from './deed.ts';
import { fulfil, writeIntent } from './erase-intent.ts';
import { FRAME } from './frame.ts';
import { JournalFiles } from './journal-files.ts';
import { journalFile, type StreamName } from './journal-name.ts';
import { type PagePlace, pageWithout, readPage } from './key-page-file.ts';
import type { Memo } from './memo.ts';
import { readPlaces } from './places.ts';
import { showId } from './session-id.ts';
import { fileOf, offsetOf, type Position } from './watermarks.ts';

/** What erasing needs. */
export interface EraseParts {
  /** The data folder. */
  readonly folder: string;
  /** Adds a leaf; resolves to its number when it is on the disk. */
  readonly append: (body: LeafBody) => Promise<number>;
  /** Leaves so far. */
  readonly size: () => number;
  /** How far journals are sealed, as of the last leaf. */
  readonly memo: () => Memo;
  readonly index: IndexWriter;
  readonly deeds: Deeds;
  readonly now: () => number;
}

/** Why sessions are erased. */
export interface ErasedFor {
  readonly rule: string;
  readonly who: string;
}

/** Returns the stream that a row of the index names. Throws when it names none. */
function streamOf({ stream }: Pick<SessionRow, 'stream'>): StreamName {
  const [, instance, worker] = /^(.*)-w(\d+)$/.exec(stream) ?? [];
  if (instance === undefined) throw new Error(`${stream} is no line of journals`);
  return { instance, worker: Number(worker) };
}

/** Returns where the key page of a session begins. */
const pagePlaceOf = ({ places }: SessionRow): Position => readPlaces(places)[0] ?? 0;

/** Returns true when the journal that holds a session's keys is closed in the ledger: only then its pages may change. */
export function isClosed(row: SessionRow, memo: Memo): boolean {
  const { instance, worker } = streamOf(row);
  const progress = memo.open[instance]?.[String(worker)];
  if (memo.open[instance] === undefined || progress?.closed === true) return true;
  return progress !== undefined && fileOf(pagePlaceOf(row)) < fileOf(progress.sealed);
}

/** Destroys keys. There is one: two that change a page at once would bring back what the other destroyed. */
export interface Eraser {
  /**
   * Destroys the keys of sessions that have ended and whose journals are closed. Those of one page go together, with one
   * leaf.
   */
  sessions(rows: readonly SessionRow[], reason: ErasedFor): Promise<void>;
  /** Removes a closed journal in which every session was erased. */
  journal(file: string): Promise<void>;
  /** Sessions and journals since it was made. */
  readonly totals: { readonly sessions: number; readonly journals: number };
}

/** Returns the eraser of a data folder. */
export function createEraser(parts: EraseParts): Eraser {
  const totals = { sessions: 0, journals: 0 };
  let last: Promise<unknown> = Promise.resolve();
  /** What leaves speak of and the disk has refused: nothing else is erased before it. */
  const unfinished: (() => Promise<void>)[] = [];
  const finish = async (): Promise<void> => {
    for (let next = unfinished[0]; next !== undefined; next = unfinished[0]) {
      await next();
      unfinished.shift();
    }
  };
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = last.then(finish).then(work);
    last = done.catch(() => {});
    return done;
  };
  return {
    totals,
    sessions: (rows, reason) =>
      inTurn(async () => {
        for (const together of Map.groupBy(rows, (row) => `${row.stream} ${pagePlaceOf(row)}`).values()) {
          unfinished.push(await erasePage(parts, together, reason));
          await finish();
          totals.sessions += together.length;
        }
      }),
    journal: (file) =>
      inTurn(async () => {
        const intent = { kind: 'journal', file, from: parts.size() } as const;
        await writeIntent(parts.folder, intent);
        await parts.append({ type: 'journal.erased', file });
        unfinished.push(() => fulfil(parts.folder, intent));
        await finish();
        totals.journals += 1;
      }),
  };
}

/** Resolves to what is left to do once the leaf is on the disk. */
async function erasePage(
  parts: EraseParts,
  rows: readonly SessionRow[],
  { rule, who }: ErasedFor,
): Promise<() => Promise<void>> {
  const [first] = rows;
  if (first === undefined) return async () => {};
  const { folder, deeds, index } = parts;
  const stream = streamOf(first);
  const at = pagePlaceOf(first);
  const file = journalFile({ ...stream, n: fileOf(at) });
  const place: PagePlace = { folder, stream, file, offset: offsetOf(at) };
  const stored = await readPage(place);
  const next = pageWithout(stored, slotsOf(folder, rows));
  const frame = next.bytes.toString('base64');
  const intent = { kind: 'page', file, offset: place.offset, next: next.ct, frame, from: parts.size() } as const;
  await writeIntent(folder, intent);
  const sids = rows.map(({ id }) => id).toSorted();
  const sealed = deeds.who('content.erased', who);
  const leaf = await parts.append({ type: 'content.erased', sids, rule, who: sealed, page: stored.ct, next: next.ct });
  return async () => {
    await fulfil(folder, intent);
    index.erase({ leaf, at: parts.now(), rule }, sids);
  };
}

/** The slot of each session is in the clear part of its opening. */
function slotsOf(folder: string, rows: readonly SessionRow[]): readonly number[] {
  const [first] = rows;
  if (first === undefined) return [];
  using files = new JournalFiles(folder, first.stream);
  return rows.map(({ id, places }) => {
    const [, opening] = readPlaces(places);
    const frame = opening === undefined ? null : files.frame(opening);
    // an index that points elsewhere must not cost another session its keys
    if (frame?.kind !== FRAME.opening || showId(frame.sid) !== id) throw new Error(`the index misplaces session ${id}`);
    return frame.slot;
  });
}
