/** Changes of recording keys, each with its leaf: what the ledger does not tell did not happen. */

import type { LeafBody } from '../ledger/leaf.ts';
import type { Deeds } from './deed.ts';
import type { KeyPolicy, KeyRing } from './key-ring.ts';
import type { MadeKey } from './made-keys.ts';
import { TAG_BYTES } from './page-keys.ts';

/** What changing keys needs. */
export interface KeyChangeParts {
  readonly ring: KeyRing;
  readonly deeds: Deeds;
  /** Adds a leaf; resolves to its number when it is on the disk. */
  readonly append: (body: LeafBody) => Promise<number>;
  readonly now: () => number;
}

/** Who changes keys when nobody asked: a start, or another config. */
export const GATEWAY = 'gateway';

/** Writes the leaves of keys that were made; resolves to the number of the last one, -1 for none. */
export async function tellMade(
  { ring, deeds, append }: Pick<KeyChangeParts, 'ring' | 'deeds' | 'append'>,
  made: readonly MadeKey[],
  who: string,
): Promise<number> {
  let leaf = -1;
  for (const one of made) {
    const { kind, key, ct } = one;
    leaf = await append({ type: 'recording.key', of: kind, key, ct, who: deeds.who('recording.key', who) });
    await ring.told(one);
  }
  return leaf;
}

/** Makes a new recording key, which `ring` gives out from here on; resolves to the number of its leaf. */
export async function changeKeys(parts: KeyChangeParts, policy: KeyPolicy, who: string): Promise<number> {
  return tellMade(parts, await parts.ring.rotate(policy, parts.now()), who);
}

/**
 * Destroys the gateway's own copies of keys that nothing needs any more. `settle` resolves when a crash would read
 * nothing from before it.
 */
export async function dropLeft(
  { ring, append }: Pick<KeyChangeParts, 'ring' | 'append'>,
  inUse: () => ReadonlySet<string>,
  settle: () => Promise<void>,
): Promise<void> {
  for (const key of ring.leaving) {
    if (inUse().has(key.slice(0, 2 * TAG_BYTES))) continue;
    await settle();
    await append({ type: 'recording.key.dropped', key });
    await ring.drop(key);
  }
}
