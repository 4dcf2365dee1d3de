/** Puts together what errands and retention work with, beside an open ledger, index and state. */

import type { LeafBody } from '../ledger/leaf.ts';
import { openHolds, type Holds } from '../store/holds.ts';
import { findSession } from '../store/list-sessions.ts';
import type { IndexTables, IndexWriter, SessionRow } from '../store/sessions.ts';
import type { Store } from '../store/sqlite.ts';
import { openDeeds } from './deed.ts';
import { createEraser, type Eraser } from './erase.ts';
import { createErrands, type ErrandParts, eraseWished } from './errands.ts';
import type { Errand, Outcome } from './errand.ts';
import { type Memo, readMemo } from './memo.ts';
import { openEnvelopeDesk } from './envelope-desk.ts';
import { heldBy } from './held-keys.ts';
import type { KeyRing } from './key-ring.ts';
import type { OldSessions } from './retention.ts';

/** What the desk is made of. */
export interface DeskOptions {
  /** The data folder; its lock is held. */
  readonly folder: string;
  readonly recordingKey: Uint8Array;
  readonly append: (body: LeafBody) => Promise<number>;
  readonly ledger: { readonly size: number; readonly memo: Uint8Array | null };
  readonly index: Store<IndexTables>;
  readonly writer: IndexWriter;
  /** state.db. */
  readonly state: Pick<Store<unknown>, 'raw'>;
  readonly now: () => number;
  readonly rotateKey: (who: string) => Promise<number>;
  readonly ring: KeyRing;
  /** Tags of keys that calls need which are not sealed; absent while no gateway runs. */
  readonly keysInUse?: () => ReadonlySet<string>;
}

/** Whoever does things to recordings, all in one place. */
export interface Desk {
  readonly run: (errand: Errand) => Promise<Outcome>;
  readonly eraser: Eraser;
  readonly holds: Holds;
  readonly sessions: OldSessions;
  readonly memo: () => Memo;
  /** Erases what was asked for while its journal was still written. */
  readonly wished: () => Promise<void>;
}

/** Returns the desk. */
export function openDesk({
  folder,
  recordingKey,
  append,
  ledger,
  index,
  writer,
  state,
  now,
  rotateKey,
  ring,
  keysInUse,
}: DeskOptions): Desk {
  const memo = (): Memo => readMemo(Buffer.from(ledger.memo ?? []).toString());
  const deeds = openDeeds(recordingKey);
  const size = (): number => ledger.size;
  const eraser = createEraser({ folder, append, size, memo, index: writer, deeds, now });
  const holds = openHolds(state.raw);
  const find = (sid: string): Promise<SessionRow | null> => findSession(index.db, sid);
  const envelopes = openEnvelopeDesk({
    folder,
    ring,
    deeds,
    append,
    size,
    inUse: keysInUse ?? (() => (isSealed(memo()) ? new Set() : null)),
    heldBy: async (envelope) => heldBy({ folder, holds, find }, envelope, ring.envelopes),
  });
  const parts: ErrandParts = { append, memo, holds, deeds, eraser, find, now, rotateKey, envelopes };
  return {
    run: createErrands(parts),
    eraser,
    holds,
    memo,
    sessions: oldSessions(index),
    wished: () => eraseWished(parts),
  };
}

/** True when no run left calls that are not sealed. */
const isSealed = ({ open }: Memo): boolean =>
  Object.values(open).every((workers) => Object.values(workers).every(({ closed }) => closed));

function oldSessions({ db }: Store<IndexTables>): OldSessions {
  return {
    between: (after, before, limit) =>
      db
        .selectFrom('session')
        .selectAll()
        .where('id', '>', after)
        .where('id', '<', before)
        .orderBy('id')
        .limit(limit)
        .execute(),
    places: (stream, after, before, limit) =>
      db
        .selectFrom('session')
        .select(['id', 'places'])
        .where('stream', '=', stream)
        .where('id', '>', after)
        .where('id', '<', before)
        .orderBy('id')
        .limit(limit)
        .execute(),
  };
}
