/** Wraps recording keys for others, and destroys them, one at a time and each with its leaf. */

import type { LeafBody } from '../ledger/leaf.ts';
import type { Deeds } from './deed.ts';
import {
  destroyed,
  type EnvelopeIntent,
  fulfilEnvelope,
  hashOf,
  misfit,
  writeEnvelopeIntent,
} from './envelope-change.ts';
import type { Outcome } from './errand.ts';
import { envelopeText, type KeyEnvelope, readEnvelope, ROOT } from './key-envelope.ts';
import type { KeyRing } from './key-ring.ts';
import { TAG_BYTES } from './page-keys.ts';

/** What envelopes are changed with. */
export interface EnvelopeParts {
  /** The data folder; its lock is held. */
  readonly folder: string;
  readonly ring: KeyRing;
  readonly deeds: Deeds;
  /** Adds a leaf; resolves to its number when it is on the disk. */
  readonly append: (body: LeafBody) => Promise<number>;
  /** Leaves so far. */
  readonly size: () => number;
  /** Tags of keys that calls need which are not sealed; null when nobody knows, because a run did not end in order. */
  readonly inUse: () => ReadonlySet<string> | null;
  /** Resolves to why a key that is not in use must stay all the same; empty for no reason. */
  readonly heldBy: (envelope: KeyEnvelope) => Promise<string>;
}

/** Changes envelopes. */
export interface EnvelopeDesk {
  /** Puts an envelope, given as text, in the place of the one of the same key. */
  wrap(text: string, who: string): Promise<Outcome>;
  /** Destroys a key. */
  destroy(id: string, who: string): Promise<Outcome>;
  /** Does `work` while no key is changed: what is held by it is looked at by the next change. */
  undisturbed(work: () => Promise<Outcome>): Promise<Outcome>;
}

const refused = (why: string): Outcome => ({ kind: 'refused', why });

const isRoots = ({ wraps }: KeyEnvelope): boolean => wraps.some(({ to }) => to === ROOT);

/** True when nobody who could open the one can open the other. */
const isForOthers = (before: KeyEnvelope, next: KeyEnvelope): boolean =>
  !next.wraps.some(({ to }) => before.wraps.some((old) => old.to === to));

const BOTH = ': wrap it for those before and those who come, and leave out the former later';
const UNSEALED = 'calls of an earlier run are not sealed: start the gateway once, it does that';

/** Returns what changes the envelopes of a data folder. */
export function openEnvelopeDesk(parts: EnvelopeParts): EnvelopeDesk {
  const { folder, ring, deeds, append, size, inUse, heldBy } = parts;
  let last: Promise<unknown> = Promise.resolve();
  /** What a leaf speaks of and the disk has refused: nothing else is changed before it. */
  let unfinished: EnvelopeIntent | null = null;
  const finish = async (): Promise<void> => {
    if (unfinished === null) return;
    await fulfilEnvelope(folder, unfinished);
    ring.replaced(readEnvelope(unfinished.text));
    unfinished = null;
  };
  const undisturbed = (work: () => Promise<Outcome>): Promise<Outcome> => {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  };
  const inTurn = (work: () => Promise<Outcome>): Promise<Outcome> =>
    undisturbed(async () => {
      await finish();
      return work();
    });
  const change = async (
    type: 'recording.key.wrapped' | 'recording.key.destroyed',
    before: KeyEnvelope,
    next: KeyEnvelope,
    who: string,
  ): Promise<Outcome> => {
    const { text, ct } = envelopeText(next);
    const intent = { text, from: size() };
    await writeEnvelopeIntent(folder, intent);
    const { kind, id } = before;
    const leaf = await append({ type, of: kind, key: id, before: hashOf(before), ct, who: deeds.who(type, who) });
    unfinished = intent;
    await finish();
    return { kind: 'done', leaf };
  };
  /** Returns why the gateway itself still needs a key; empty when it does not. */
  const neededFor = ({ kind, id }: KeyEnvelope): string => {
    if (kind === 'originals') return '';
    const needed = inUse();
    if (needed === null) return UNSEALED;
    const isNeeded = needed.has(id.slice(0, 2 * TAG_BYTES)) || ring.kept.includes(id);
    return isNeeded ? 'calls that are not sealed need it' : '';
  };

  return {
    undisturbed,
    wrap: (text, who) =>
      inTurn(async () => {
        const next = readEnvelope(text);
        const before = ring.envelope(next.id);
        if (before === undefined) return refused('there is no such key');
        if (before.wraps.length === 0) return refused('it was destroyed');
        const why = misfit(before, next);
        if (why !== '') return refused(why);
        if (!(await ring.opensOwn(next))) return refused('what it has for the gateway does not open');
        const needed = isRoots(before) && !isRoots(next) && !ring.kept.includes(next.id) ? neededFor(before) : '';
        if (needed !== '') return refused(needed);
        // only the word of who wraps says that a new part opens: with nobody left of those before, it may destroy
        const held = isForOthers(before, next) ? await heldBy(before) : '';
        return held === '' ? change('recording.key.wrapped', before, next, who) : refused(`${held}${BOTH}`);
      }),
    destroy: (id, who) =>
      inTurn(async () => {
        const before = ring.envelope(id);
        if (before === undefined) return refused('there is no such key');
        if (before.wraps.length === 0) return refused('it was destroyed before');
        if (ring.isNewest(before)) return refused('it is the key in use; `sallyport keys rotate` begins another');
        const why = neededFor(before) || (await heldBy(before));
        return why === '' ? change('recording.key.destroyed', before, destroyed(before), who) : refused(why);
      }),
  };
}
