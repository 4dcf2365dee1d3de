/** What the leaves of a ledger say about journals, gathered to be held against the files. */

import type { Leaf } from '../ledger/leaf.ts';
import { envelopeFile } from './key-envelope.ts';
import type { Committed } from './frame-hashes.ts';

/** A session as its leaves tell it. */
export interface SealedSession {
  /** Number of its `session.start`, and the hash of its opening. */
  readonly leaf: number;
  readonly ct: string;
  /** What the last leaf commits to; null while there is none. */
  end: Committed | null;
}

/** A journal file as its `journal.close` tells it. */
export interface SealedJournal {
  readonly leaf: number;
  readonly bytes: number;
  readonly torn: number;
  readonly ct: string;
}

/** The leaves about journals. Leaves are added in their order. */
export class SealedSessions {
  readonly sessions = new Map<string, SealedSession>();
  readonly journals = new Map<string, SealedJournal>();
  /** Hashes of key pages and of refusals. */
  readonly others = new Set<string>();
  /** Files that hold recording keys, with their hashes and the leaves that say so. */
  readonly envelopes = new Map<string, { readonly ct: string; readonly leaf: number }>();
  /** Sessions whose keys were destroyed, and by which leaf. */
  readonly erased = new Map<string, number>();
  /** Journals that were removed because all in them was erased, and by which leaf. */
  readonly removed = new Map<string, number>();
  /** Pages of keys in whose place others stand, by the hashes of these; and those that must be nowhere any more. */
  readonly #pages = new Map<string, string>();
  readonly #gone = new Map<string, number>();
  /** Runs of the gateway in the order in which they began, and those that ended in order. */
  readonly started: string[] = [];
  readonly stopped = new Set<string>();
  /** What leaves say against one another. */
  readonly problems: string[] = [];

  /** Adds the leaf with this number. */
  add(number: number, leaf: Leaf): void {
    if (leaf.type === 'session.start') return this.#start(number, leaf.sid, leaf.ct);
    if (leaf.type === 'session.end' || leaf.type === 'session.recovered') return this.#end(number, leaf.sid, leaf);
    if (leaf.type === 'key.page' || leaf.type === 'refused') this.others.add(leaf.ct);
    if (leaf.type === 'recording.key') {
      this.envelopes.set(envelopeFile({ kind: leaf.of, id: leaf.key }), { ct: leaf.ct, leaf: number });
    }
    if (leaf.type === 'gateway.start') this.started.push(leaf.inst);
    if (leaf.type === 'gateway.stop') this.stopped.add(leaf.inst);
    if (leaf.type === 'content.erased') return this.#erase(number, leaf.sids, leaf.page, leaf.next);
    if (leaf.type === 'journal.erased') this.removed.set(leaf.file, number);
    if (leaf.type !== 'journal.close') return;
    if (this.journals.has(leaf.file)) this.problems.push(`leaf ${number} closes ${leaf.file} a second time`);
    const { bytes, torn, ct } = leaf;
    this.journals.set(leaf.file, { leaf: number, bytes, torn, ct });
  }

  /** Returns the hash of the page of keys that stood first where the one with this hash stands now. */
  firstPage(ct: string): string {
    const before = this.#pages.get(ct);
    return before === undefined ? ct : this.firstPage(before);
  }

  /** Returns the leaf that says that the page with this hash was destroyed; undefined for none. */
  destroyedBy(ct: string): number | undefined {
    return this.#gone.get(ct);
  }

  #erase(number: number, sids: readonly string[], page: string, next: string): void {
    for (const sid of sids) {
      if (!this.sessions.has(sid)) this.problems.push(`leaf ${number} erases session ${sid}, which has no start`);
      this.erased.set(sid, number);
    }
    if (this.#gone.has(page)) this.problems.push(`leaf ${number} destroys a page of keys a second time`);
    this.#gone.set(page, number);
    this.#pages.set(next, page);
  }

  #start(number: number, sid: string, ct: string): void {
    if (this.sessions.has(sid)) this.problems.push(`leaf ${number} starts session ${sid} a second time`);
    this.sessions.set(sid, { leaf: number, ct, end: null });
  }

  #end(number: number, sid: string, end: Committed): void {
    const session = this.sessions.get(sid);
    if (session === undefined) {
      this.problems.push(`leaf ${number} ends session ${sid}, which has no start`);
      return;
    }
    if (session.end !== null) this.problems.push(`leaf ${number} ends session ${sid} a second time`);
    session.end = end;
  }
}
