/** What the leaves of a ledger say about journals, gathered to be held against the files. */

import type { Leaf } from '../ledger/leaf.ts';
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
    if (leaf.type === 'gateway.start') this.started.push(leaf.inst);
    if (leaf.type === 'gateway.stop') this.stopped.add(leaf.inst);
    if (leaf.type !== 'journal.close') return;
    if (this.journals.has(leaf.file)) this.problems.push(`leaf ${number} closes ${leaf.file} a second time`);
    const { bytes, torn, ct } = leaf;
    this.journals.set(leaf.file, { leaf: number, bytes, torn, ct });
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
