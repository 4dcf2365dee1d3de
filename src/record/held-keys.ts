/** Which sessions that must not be erased need a key: what `keys destroy` looks at first. */

import type { Holds } from '../store/holds.ts';
import type { SessionRow } from '../store/sessions.ts';
import type { KeyEnvelope } from './key-envelope.ts';
import { pageTag } from './page-tag.ts';

/** What holds are looked up with. */
interface HeldParts {
  readonly folder: string;
  readonly holds: Holds;
  readonly find: (sid: string) => Promise<SessionRow | null>;
}

/** Workers take up new keys with their next journal; by then they have, unless nothing was called. Milliseconds. */
const GONE_OVER = 3_600_000;
/** Microseconds in one. */
const MS = 1_000;

/** Resolves to why a key must not be destroyed, because sessions are held; empty when it may. */
export async function heldBy(
  { folder, holds, find }: HeldParts,
  { kind, id, made }: KeyEnvelope,
  all: readonly KeyEnvelope[],
): Promise<string> {
  // which chain a session's originals are from stands in the recording, sealed: the time of the call has to do
  const next = all.find((other) => other.kind === kind && other.made > made)?.made ?? Number.POSITIVE_INFINITY;
  for (const { sid } of holds.held()) {
    const row = await find(sid);
    if (row === null) return `session ${sid} is held, and the index does not say under which key it is`;
    const isUnder =
      kind === 'recording'
        ? id.startsWith(pageTag(folder, row))
        : row.at <= next + GONE_OVER && (row.end_leaf < 0 || row.at + row.duration / MS >= made);
    if (isUnder) return `session ${sid} is held and needs it`;
  }
  return '';
}
