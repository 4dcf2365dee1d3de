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

/** A leaf about a recording key that was there. */
type Rewrapped = Extract<Leaf, { readonly before: string }>;

/** A file that holds a recording key, as its last leaf tells it. */
export interface SealedEnvelope {
  readonly ct: string;
  readonly leaf: number;
  /** True when it is for nobody any more. */
  readonly isDestroyed: boolean;
  /** Hashes of what stood in its place before. */
  readonly before: readonly string[];
}

/** The leaves about journals. Leaves are added in their order. */
export class SealedSessions {
  readonly sessions = new Map<string, SealedSession>();
  readonly journals = new Map<string, SealedJournal>();
  /** Hashes of key pages and of refusals. */
  readonly others = new Set<string>();
  /** Files that hold recording keys, with their hashes and the leaves that say so. */
  readonly envelopes = new Map<string, SealedEnvelope>();
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
    if (leaf.type === 'recording.key') this.#make(number, envelopeFile({ kind: leaf.of, id: leaf.key }), leaf.ct);
    if (leaf.type === 'recording.key.wrapped' || leaf.type === 'recording.key.destroyed') this.#rewrap(number, leaf);
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

  /** A key is made once: another leaf that says so would undo that it was destroyed. */
  #make(number: number, file: string, ct: string): void {
    const known = this.envelopes.get(file);
    if (known === undefined) this.envelopes.set(file, { ct, leaf: number, isDestroyed: false, before: [] });
    else this.problems.push(`leaf ${number} makes ${file}, of which leaf ${known.leaf} speaks already`);
  }

  #rewrap(number: number, { type, of, key, before, ct }: Rewrapped): void {
    const file = envelopeFile({ kind: of, id: key });
    const known = this.envelopes.get(file);
    if (known === undefined) this.problems.push(`leaf ${number} changes ${file}, which no leaf made`);
    else if (known.isDestroyed)
      this.problems.push(`leaf ${number} changes ${file}, which leaf ${known.leaf} destroyed`);
    else if (known.ct !== before) {
      this.problems.push(`leaf ${number} changes ${file}, but not the one that leaf ${known.leaf} commits to`);
    }
    const isDestroyed = known?.isDestroyed === true || type === 'recording.key.destroyed';
    this.envelopes.set(file, { ct, leaf: number, isDestroyed, before: [...(known?.before ?? []), before] });
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
