/** Reads one session back from its journals: decrypted, its frames compared with their leaves in the ledger. */

import { hash } from 'node:crypto';
import { decodeLeaf, type Leaf } from '../ledger/leaf.ts';
import type { SessionRow } from '../store/sessions.ts';
import { type EndingRecord, readEnding } from './ending.ts';
import { type Event, readEvents } from './event.ts';
import { FrameHashes } from './frame-hashes.ts';
import { decryptFrame, FRAME, type Frame, sealedPage, unpacked } from './frame.ts';
import { JournalFiles } from './journal-files.ts';
import { keyCommitment, openPage, type SlotKey, slotKey } from './keys.ts';
import { readLeaves } from './ledger-leaves.ts';
import { type OpeningDetails, type OpeningSummary, readDetails, readSummary } from './opening.ts';
import { originalKey } from './original-keys.ts';
import { placeOf, withOriginals } from './originals.ts';
import { readPlaces } from './places.ts';
import type { PageOpener } from './page-keys.ts';

/** What was recorded of a call. */
export interface SessionContent {
  readonly opening: OpeningSummary;
  readonly details: OpeningDetails;
  /** Null while the call is under way, or when a crash cut it off. */
  readonly ending: EndingRecord | null;
  /** Everything in order; pieces of one body that were split at the bound of a frame stand one after the other. */
  readonly events: readonly Event[];
}

/** A session as it was recorded. */
export interface RecordedSession extends SessionContent {
  readonly row: SessionRow;
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
  readonly pageKeys: PageOpener;
  /** Size of the ledger as of its published checkpoint. */
  readonly ledgerSize: number;
}

/**
 * Resolves to the session that a row of the index speaks of. Rejects when its journal is gone, the key is another one,
 * or a frame was changed so that it does not open.
 */
export async function readSession(row: SessionRow, options: ReadOptions): Promise<RecordedSession> {
  const { frames, keys } = storedSession(row, options);
  const content = readContent(frames.map((frame) => decryptFrame(frame, keys)));
  return { row, ...content, seal: await checkSeal(row, frames, keys, options) };
}

/**
 * Resolves to a session as it was before masking; the same where nothing was masked or originals were not kept. Rejects
 * when no identity opens its originals.
 */
export async function originalSession<S extends SessionContent>(
  session: S,
  sid: Buffer,
  startOf: (id: string) => Promise<Uint8Array>,
): Promise<S> {
  const place = placeOf(session.events);
  if (place === null) return session;
  return { ...session, events: withOriginals(session.events, originalKey(await startOf(place.id), place), sid) };
}

/** How zstd begins (RFC 8878 §3.1.1); no event begins so. */
const ZSTD = Buffer.from('28b52ffd', 'hex');

/** Returns what the plaintexts of a proof say, some of which are compressed. Throws when they are something else. */
export const readProven = (plaintexts: readonly Uint8Array[]): SessionContent =>
  readContent(
    plaintexts.map((each) => (ZSTD.equals(each.subarray(0, ZSTD.length)) ? unpacked(each) : Buffer.from(each))),
  );

/** Returns what the plaintexts of a session's frames say, in order. Throws when they are something else. */
export function readContent(plaintexts: readonly Buffer[]): SessionContent {
  const events = plaintexts.flatMap((plaintext) => [...readEvents(plaintext)]);
  const last = events.at(-1);
  return {
    opening: readSummary(textOf(events[0], 'o')),
    details: readDetails(textOf(events[1], 'c')),
    ending: last?.code === 'x' ? readEnding(textOf(last, 'x')) : null,
    events,
  };
}

/** The frames of a session as they are stored, in order, and the key that opens them. */
export interface StoredSession {
  readonly frames: readonly Frame[];
  readonly keys: SlotKey;
}

/** Returns the frames that a row of the index speaks of, not opened. Throws when one is gone or the key is another one. */
export function storedSession(
  row: SessionRow,
  { folder, pageKeys }: Pick<ReadOptions, 'folder' | 'pageKeys'>,
): StoredSession {
  const [pagePlace, ...places] = readPlaces(row.places);
  if (pagePlace === undefined) throw new Error('the index does not say where the session is');
  using files = new JournalFiles(folder, row.stream);
  const frames = places.map((place) => files.frame(place));
  const [first] = frames;
  if (first === undefined) throw new Error('the index names no frame of the session');
  return { frames, keys: keysOf(first, files.frame(pagePlace), row, pageKeys) };
}

/** Returns the request as it came; as it was forwarded where the original is sealed for others. */
export function requestOf(session: SessionContent): Buffer {
  const came = bodyOf(session, 'q');
  return came.length === 0 ? bodyOf(session, 'f') : came;
}

/** Returns all bytes of one kind of body. */
export const bodyOf = ({ events }: SessionContent, code: 'q' | 'f' | 'd'): Buffer =>
  Buffer.concat(
    events.flatMap(({ code: found, payload }) => (found === code && Buffer.isBuffer(payload) ? [payload] : [])),
  );

function textOf(event: Event | undefined, code: Event['code']): string {
  if (event?.code !== code || typeof event.payload !== 'string') throw new Error(`expected an event ${code}`);
  return event.payload;
}

function keysOf(opening: Frame, page: Frame, row: SessionRow, pageKeys: PageOpener): SlotKey {
  if (opening.kind !== FRAME.opening || page.kind !== FRAME.page) throw new Error('the index points at other frames');
  const [, instance = '', worker = ''] = /^(.*)-w(\d+)$/.exec(row.stream) ?? [];
  const name = { instance, worker: Number(worker), page: page.seq };
  return slotKey(openPage(name, pageKeys, sealedPage(page)), opening.slot);
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
