/** Reads one session back from its journals: decrypted, its frames compared with their leaves in the ledger. */

import { hash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { decodeLeaf, type Leaf } from '../ledger/leaf.ts';
import type { SessionRow } from '../store/sessions.ts';
import { type EndingRecord, readEnding } from './ending.ts';
import { type Event, readEvents } from './event.ts';
import { FrameHashes } from './frame-hashes.ts';
import { decryptFrame, FRAME, type Frame, LEAD, MAX_FRAME, readFrame, sealedPage } from './frame.ts';
import { journalFolder, readJournalFile } from './journal-name.ts';
import { keyCommitment, openPage, type SlotKey, slotKey } from './keys.ts';
import { readLeaves } from './ledger-leaves.ts';
import { type OpeningDetails, type OpeningSummary, readDetails, readSummary } from './opening.ts';
import { readPlaces } from './places.ts';
import { fileOf, offsetOf, type Position } from './watermarks.ts';

/** A session as it was recorded. */
export interface RecordedSession {
  readonly row: SessionRow;
  readonly opening: OpeningSummary;
  readonly details: OpeningDetails;
  /** Null while the call is under way, or when a crash cut it off. */
  readonly ending: EndingRecord | null;
  /** Everything in order; pieces of one body that were split at the bound of a frame stand one after the other. */
  readonly events: readonly Event[];
  readonly seal: Seal;
}

/** What the ledger says of a session's frames. */
export type Seal =
  /** Every frame is the one that its leaves commit to. */
  | { readonly kind: 'sealed' }
  /** Not all leaves are in a published checkpoint yet. */
  | { readonly kind: 'open' }
  | { readonly kind: 'broken'; readonly found: string };

/** What reading needs. */
export interface ReadOptions {
  /** The data folder. */
  readonly folder: string;
  readonly recordingKey: Uint8Array;
  /** Size of the ledger as of its published checkpoint. */
  readonly ledgerSize: number;
}

/**
 * Resolves to the session that a row of the index speaks of. Rejects when its journal is gone, the key is another one,
 * or a frame was changed so that it does not open.
 */
export async function readSession(row: SessionRow, options: ReadOptions): Promise<RecordedSession> {
  const [pagePlace, ...places] = readPlaces(row.places);
  if (pagePlace === undefined) throw new Error('the index does not say where the session is');
  using files = new JournalFiles(options.folder, row.stream);
  const frames = places.map((place) => files.frame(place));
  const [first] = frames;
  if (first === undefined) throw new Error('the index names no frame of the session');
  const keys = keysOf(first, files.frame(pagePlace), row, options.recordingKey);
  const events = frames.flatMap((frame) => [...readEvents(decryptFrame(frame, keys))]);
  const last = events.at(-1);
  return {
    row,
    opening: readSummary(textOf(events[0], 'o')),
    details: readDetails(textOf(events[1], 'c')),
    ending: last?.code === 'x' ? readEnding(textOf(last, 'x')) : null,
    events,
    seal: await checkSeal(row, frames, keys, options),
  };
}

/** Returns all bytes of one kind of body. */
export const bodyOf = ({ events }: RecordedSession, code: 'q' | 'f' | 'd'): Buffer =>
  Buffer.concat(
    events.flatMap(({ code: found, payload }) => (found === code && Buffer.isBuffer(payload) ? [payload] : [])),
  );

function textOf(event: Event | undefined, code: Event['code']): string {
  if (event?.code !== code || typeof event.payload !== 'string') throw new Error(`expected an event ${code}`);
  return event.payload;
}

function keysOf(opening: Frame, page: Frame, row: SessionRow, recordingKey: Uint8Array): SlotKey {
  if (opening.kind !== FRAME.opening || page.kind !== FRAME.page) throw new Error('the index points at other frames');
  const [, instance = '', worker = ''] = /^(.*)-w(\d+)$/.exec(row.stream) ?? [];
  const name = { instance, worker: Number(worker), page: page.seq };
  return slotKey(openPage(name, recordingKey, sealedPage(page)), opening.slot);
}

async function checkSeal(
  row: SessionRow,
  [opening, ...later]: readonly Frame[],
  keys: SlotKey,
  { folder, ledgerSize }: ReadOptions,
): Promise<Seal> {
  if (row.leaf < 0 || row.leaf >= ledgerSize) return { kind: 'open' };
  const start = await leafAt(folder, row.leaf, ledgerSize);
  const ct = hash('sha256', opening?.bytes ?? '', 'hex');
  if (start?.type !== 'session.start' || start.sid !== row.id)
    return broken(`leaf ${row.leaf} is about something else`);
  if (start.ct !== ct || start.kc !== keyCommitment(keys)) return broken(`the opening is not that of leaf ${row.leaf}`);
  if (row.end_leaf < 0 || row.end_leaf >= ledgerSize) return { kind: 'open' };
  const end = await leafAt(folder, row.end_leaf, ledgerSize);
  const isEnd = end?.type === 'session.end' || end?.type === 'session.recovered';
  if (!isEnd || end.sid !== row.id) return broken(`leaf ${row.end_leaf} is about something else`);
  const hashes = new FrameHashes();
  for (const { bytes } of later) hashes.add(hash('sha256', bytes, 'hex'), bytes.length);
  return hashes.isCommittedBy(end) ? { kind: 'sealed' } : broken(`the frames are not those of leaf ${row.end_leaf}`);
}

const broken = (found: string): Seal => ({ kind: 'broken', found });

async function leafAt(folder: string, number: number, size: number): Promise<Leaf | null> {
  for await (const bytes of readLeaves(folder, number, size)) {
    const read = decodeLeaf(bytes);
    return read.kind === 'known' ? read.leaf : null;
  }
  return null;
}

/** The open journals of one stream. */
class JournalFiles {
  readonly #folder: string;
  readonly #stream: string;
  readonly #fds = new Map<number, number>();

  constructor(folder: string, stream: string) {
    this.#folder = folder;
    this.#stream = stream;
  }

  /** Returns the frame that begins at a position. Throws when none does. */
  frame(place: Position): Frame {
    const n = fileOf(place);
    const lead = this.#read(n, offsetOf(place), LEAD);
    const length = lead.length === LEAD ? lead.readUInt32LE(0) : 0;
    const frame = length > MAX_FRAME ? 'torn' : readFrame(this.#read(n, offsetOf(place), LEAD + length), 0);
    if (typeof frame === 'string') throw new Error(`${this.#file(n)} at ${offsetOf(place)}: no whole frame`);
    return frame;
  }

  #read(n: number, at: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    return bytes.subarray(0, readSync(this.#fd(n), bytes, 0, length, at));
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds.values()) closeSync(fd);
  }

  #file(n: number): string {
    const file = `${this.#stream}-${n}.spj`;
    if (readJournalFile(file) === null) throw new Error('the index names no journal');
    return file;
  }

  #fd(n: number): number {
    const fd = this.#fds.get(n) ?? openSync(join(journalFolder(this.#folder), this.#file(n)), 'r');
    this.#fds.set(n, fd);
    return fd;
  }
}
