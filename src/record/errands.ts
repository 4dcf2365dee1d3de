/** Does what errands ask, beside the ledger: by the recorder thread, or by a command while no gateway runs. */

import type { LeafBody } from '../ledger/leaf.ts';
import type { Holds } from '../store/holds.ts';
import type { SessionRow } from '../store/sessions.ts';
import type { Deeds } from './deed.ts';
import type { EnvelopeDesk } from './envelope-desk.ts';
import { type Eraser, isClosed } from './erase.ts';
import type { Errand, Outcome } from './errand.ts';
import { KeyServiceError } from './key-service-error.ts';
import type { Memo } from './memo.ts';

/** What errands are done with. */
export interface ErrandParts {
  /** Adds a leaf; resolves to its number when it is on the disk. */
  readonly append: (body: LeafBody) => Promise<number>;
  readonly memo: () => Memo;
  readonly holds: Holds;
  readonly deeds: Deeds;
  readonly eraser: Eraser;
  readonly find: (sid: string) => Promise<SessionRow | null>;
  readonly now: () => number;
  /** Makes a new recording key; resolves to the number of its leaf. Rejects with KeyServiceError when it is not wrapped. */
  readonly rotateKey: (who: string) => Promise<number>;
  readonly envelopes: EnvelopeDesk;
}

const ON_REQUEST = 'on request';

const refused = (why: string): Outcome => ({ kind: 'refused', why });

/** Returns a function that does an errand; it rejects when the ledger cannot be written: then nothing may be read. */
export function createErrands(parts: ErrandParts): (errand: Errand) => Promise<Outcome> {
  const { append, holds, deeds, find, now, envelopes } = parts;
  const done = async (body: LeafBody): Promise<Outcome> => ({ kind: 'done', leaf: await append(body) });

  const hold = async ({ sid, who, why }: Errand & { kind: 'hold' }): Promise<Outcome> => {
    if ((await find(sid)) === null) return refused('there is no such session');
    // first the row: from then on nothing erases it, whatever becomes of the leaf
    holds.hold({ sid, at: now(), who, why });
    return done({ type: 'hold.set', sid, who: deeds.who('hold.set', who), why: deeds.hash(why) });
  };

  const release = async ({ sid, who, why }: Errand & { kind: 'release' }): Promise<Outcome> => {
    if (!holds.isHeld(sid)) return refused('it is not held');
    const outcome = await done({
      type: 'hold.released',
      sid,
      who: deeds.who('hold.released', who),
      why: deeds.hash(why),
    });
    holds.release(sid);
    return outcome;
  };

  const erase = async ({ sid, who, why }: Errand & { kind: 'erase' }): Promise<Outcome> => {
    const row = await find(sid);
    if (row === null) return refused('there is no such session');
    if (holds.isHeld(sid)) return refused('it is held');
    const wait = row.end_leaf < 0 ? 'the call has not ended' : 'its journal is still written';
    if (row.end_leaf >= 0 && isClosed(row, parts.memo())) {
      await parts.eraser.sessions([row], { rule: ON_REQUEST, who });
      return { kind: 'done', leaf: -1 };
    }
    holds.toErase({ sid, at: now(), who, why });
    return { kind: 'later', why: wait };
  };

  const rotate = async (who: string): Promise<Outcome> => {
    try {
      return { kind: 'done', leaf: await parts.rotateKey(who) };
    } catch (error) {
      if (!(error instanceof KeyServiceError)) throw error;
      return refused(`${error.message}; recordings stay under the key in use`);
    }
  };

  return (errand) => {
    if (errand.kind === 'read') {
      const { sid, how, who } = errand;
      return done({ type: 'read', sid, how, who: deeds.who('read', who) });
    }
    if (errand.kind === 'search') {
      const { what, sessions, who } = errand;
      return done({ type: 'search', what, sessions, who: deeds.who('search', who) });
    }
    if (errand.kind === 'rotate') return rotate(errand.who);
    if (errand.kind === 'wrap') return envelopes.wrap(errand.envelope, errand.who);
    if (errand.kind === 'destroy') return envelopes.destroy(errand.key, errand.who);
    // not between the look at what is held and the end of a key
    if (errand.kind === 'hold') return envelopes.undisturbed(() => hold(errand));
    return errand.kind === 'release' ? release(errand) : erase(errand);
  };
}

/** Erases what was asked for while its journal was still written. */
export async function eraseWished({ holds, find, eraser, memo }: ErrandParts): Promise<void> {
  for (const { sid, who } of holds.wishes()) {
    const row = await find(sid);
    if (row !== null && (row.end_leaf < 0 || holds.isHeld(sid) || !isClosed(row, memo()))) continue;
    if (row !== null) await eraser.sessions([row], { rule: ON_REQUEST, who });
    holds.forget(sid);
  }
}
