/**
 * What the frames of one line of journals mean for the ledger and the index: openings and endings of sessions become
 * leaves and rows. The same code runs beside a living gateway, after a crash, and over old journals for `reindex`.
 */

import type { LeafBody } from '../ledger/leaf.ts';
import type { RefusalRow, SessionRow } from '../store/sessions.ts';
import { readEnding } from './ending.ts';
import { firstEvent, lastEvent, readEvents } from './event.ts';
import { featuresOf } from './features.ts';
import { FrameHashes } from './frame-hashes.ts';
import { decryptFrame, FRAME, type Frame, sealedPage } from './frame.ts';
import { type StreamName, streamKey } from './journal-name.ts';
import { blind, isErased, keyCommitment, type KeyPage, keyTag, openPage, type SlotKey, slotKey } from './keys.ts';
import { type OpeningSummary, readSummary } from './opening.ts';
import { showId } from './session-id.ts';
import { closedRow, openRow, recoveredRow } from './session-row.ts';
import { readRefusal } from './strangers.ts';
import { MissingKey, type PageOpener } from './page-keys.ts';
import type { Position } from './watermarks.ts';

/** Where leaves and rows go. */
export interface SealSink {
  /** Takes a leaf that belongs to what ends at `end`, and returns its number. */
  leaf(body: LeafBody, end: Position): number;
  session(row: SessionRow): void;
  refusal(row: RefusalRow): void;
  /** Hears of a frame that cannot be what the gateway wrote. */
  problem(message: string): void;
}

interface Page {
  readonly keys: KeyPage;
  /** Names the recording key that it is sealed under. */
  readonly tag: string;
  /** Where its frame begins, and the number of the first leaf that can be about it or its sessions. */
  readonly position: Position;
  readonly leaf: number;
  /** How many open sessions have their keys in it. */
  open: number;
}

interface OpenState {
  readonly id: string;
  readonly stream: string;
  readonly opening: OpeningSummary;
  readonly leaf: number;
  readonly places: number[];
  readonly page: Page;
  readonly keys: SlotKey;
  readonly hashes: FrameHashes;
  seq: number;
  listed: boolean;
}

/** The sessions and key pages of one line of journals. Takes its frames in order. */
export class FrameSealer {
  readonly #stream: StreamName;
  readonly #pageKeys: PageOpener;
  readonly #sink: SealSink;
  readonly #sealed: Position;
  readonly #pages = new Map<number, Page>();
  readonly #open = new Map<string, OpenState>();
  /** Sessions whose keys were destroyed: nothing can be said of their frames. */
  readonly #erased = new Set<string>();
  #page: Page | null = null;

  /** What ends at `sealed` or before it has been sealed by an earlier reading. */
  constructor(stream: StreamName, pageKeys: PageOpener, sink: SealSink, sealed: Position) {
    this.#sealed = sealed;
    this.#stream = stream;
    this.#pageKeys = pageKeys;
    this.#sink = sink;
  }

  /** Where reading must begin to understand what comes, and the smallest number of a leaf about that; null: here. */
  get low(): { readonly position: Position; readonly leaf: number } | null {
    // pages are in the order of the journal
    const [oldest] = this.#pages.values();
    return oldest ?? null;
  }

  /** Tags of the recording keys that are still needed to understand what comes. */
  get tags(): readonly string[] {
    return [...this.#pages.values()].map(({ tag }) => tag);
  }

  /** The tag of the page that was read last. */
  get lastTag(): string | null {
    return this.#page?.tag ?? null;
  }

  /** Takes the frame that begins at `start` and ends at `end`; `ct` is its hash in hex. */
  take(frame: Frame, ct: string, start: Position, end: Position): void {
    try {
      if (frame.kind === FRAME.page) return this.#takePage(frame, ct, start, end);
      if (frame.kind === FRAME.refusals) return this.#takeRefusals(frame, ct, end);
      if (frame.kind === FRAME.opening) return this.#takeOpening(frame, ct, start, end);
      this.#takeLater(frame, ct, start, end);
    } catch (error) {
      // what cannot be opened for want of a key would be passed over, and never sealed
      if (error instanceof MissingKey) throw error;
      this.#sink.problem(`frame of kind ${frame.kind}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Tells the index of sessions that were opened before `at` (ms) and have not ended. */
  list(at: number): void {
    for (const state of this.#open.values()) {
      if (state.opening.at > at) return;
      if (state.listed) continue;
      state.listed = true;
      this.#sink.session(openRow(state));
    }
  }

  /** Ends the sessions that have no ending: nothing more will come. `end` is where the journals end. */
  recover(end: Position): void {
    for (const state of this.#open.values()) {
      const leaf = this.#sink.leaf({ type: 'session.recovered', sid: state.id, ...state.hashes.commit() }, end);
      this.#sink.session(recoveredRow(state, leaf));
    }
    this.#open.clear();
    this.#pages.clear();
    this.#page = null;
  }

  #takePage(frame: Frame, ct: string, start: Position, end: Position): void {
    const keys = openPage({ ...this.#stream, page: frame.seq }, this.#pageKeys, sealedPage(frame));
    const leaf = this.#sink.leaf({ type: 'key.page', ct }, end);
    const before = this.#page;
    this.#page = { keys, tag: keyTag(sealedPage(frame)), position: start, leaf, open: 0 };
    this.#pages.set(frame.seq, this.#page);
    if (before !== null) this.#forgetPage(before);
  }

  #takeRefusals(frame: Frame, ct: string, end: Position): void {
    const keys = slotKey(this.#pageOf(frame).keys, frame.slot);
    for (const { payload } of readEvents(decryptFrame(frame, keys))) {
      const { source, reason, count, from, to } = readRefusal(String(payload));
      const src = blind(keys, [source]);
      const leaf = this.#sink.leaf({ type: 'refused', ct, src, reason, count, from, to }, end);
      this.#sink.refusal({ source, reason, count, from_at: from, to_at: to, leaf });
    }
  }

  #takeOpening(frame: Frame, ct: string, start: Position, end: Position): void {
    const page = this.#pageOf(frame);
    const keys = slotKey(page.keys, frame.slot);
    if (isErased(keys)) return void this.#erased.add(sessionKey(frame));
    const opening = readSummary(firstEvent(decryptFrame(frame, keys), 'o').payload);
    const id = showId(frame.sid);
    const { caller } = opening;
    const leaf = this.#sink.leaf(
      {
        type: 'session.start',
        sid: id,
        subj: blind(keys, caller === null ? [] : [caller.issuer, caller.subject]),
        service: opening.service,
        policy: opening.policy,
        decision: opening.effect,
        ct,
        kc: keyCommitment(keys),
      },
      end,
    );
    page.open++;
    this.#open.set(sessionKey(frame), {
      id,
      stream: streamKey(this.#stream),
      opening,
      leaf,
      places: [start],
      page,
      keys,
      hashes: new FrameHashes(),
      seq: 0,
      listed: false,
    });
  }

  #takeLater(frame: Frame, ct: string, start: Position, end: Position): void {
    const state = this.#open.get(sessionKey(frame));
    // reading began behind the opening of a session that was over before `sealed`
    if (state === undefined && (end <= this.#sealed || this.#erased.has(sessionKey(frame)))) return;
    if (state === undefined)
      return this.#sink.problem(`frame ${frame.seq} of session ${showId(frame.sid)} has no opening`);
    if (frame.seq !== state.seq + 1) {
      return this.#sink.problem(`session ${state.id}: expected frame ${state.seq + 1}, found ${frame.seq}`);
    }
    state.seq = frame.seq;
    state.places.push(start);
    state.hashes.add(ct, frame.bytes.length);
    if (frame.kind === FRAME.closing) this.#end(state, frame, end);
  }

  #end(state: OpenState, frame: Frame, end: Position): void {
    const { at: duration, payload } = lastEvent(decryptFrame(frame, state.keys), 'x');
    const ending = readEnding(payload);
    const features = featuresOf({ opening: state.opening, ending, duration });
    const { reason, ended } = ending;
    const committed = state.hashes.commit();
    const leaf = this.#sink.leaf({ type: 'session.end', sid: state.id, reason, ended, ...committed, f: features }, end);
    this.#sink.session(closedRow(state, { ending, duration, features, leaf }));
    this.#open.delete(sessionKey(frame));
    state.page.open--;
    this.#forgetPage(state.page);
  }

  #pageOf(frame: Frame): Page {
    const page = this.#pages.get(frame.page);
    if (page === undefined) throw new Error(`key page ${frame.page} is not in front of it`);
    return page;
  }

  #forgetPage(page: Page): void {
    if (page.open === 0 && page !== this.#page) this.#pages.delete(page.keys.name.page);
  }
}

const sessionKey = (frame: Frame): string => frame.sid.toString('latin1');
