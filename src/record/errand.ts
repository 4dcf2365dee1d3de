/** What whoever may read recordings asks of whoever keeps them, on the same machine: each leaves a leaf in the ledger. */

import { z } from 'zod';

const sid = z.string().regex(/^[0-7][0-9a-hjkmnp-tv-z]{25}$/);
/** Who asks: the account on this machine. Whoever asks holds the recording key, so this is told, not proven. */
const who = z.string().max(256);
const why = z.string().max(4096);

/** A line of errands takes 64 KiB, quoted. */
const MAX_ENVELOPE = 32 * 1024;

/** How a session is read. */
const READINGS = ['show', 'replay', 'prove', 'export', 'diff', 'rerun', 'original'] as const;
export type Reading = (typeof READINGS)[number];

export const errandSchema = z.discriminatedUnion('kind', [
  /** A session is about to be read. */
  z.strictObject({ kind: z.literal('read'), sid, how: z.enum(READINGS), who }),
  /** Recordings are about to be searched; `what` is the keyed hash of the text. */
  z.strictObject({ kind: z.literal('search'), what: z.string(), sessions: z.int().min(0), who }),
  z.strictObject({ kind: z.literal('hold'), sid, who, why }),
  z.strictObject({ kind: z.literal('release'), sid, who, why }),
  z.strictObject({ kind: z.literal('erase'), sid, who, why }),
  /** A new recording key from here on. */
  z.strictObject({ kind: z.literal('rotate'), who }),
  /** A key is wrapped for others: `envelope` is the text that takes the place of what is there. */
  z.strictObject({ kind: z.literal('wrap'), envelope: z.string().max(MAX_ENVELOPE), who }),
  /** A key is destroyed, and with it what only it opens. */
  z.strictObject({ kind: z.literal('destroy'), key: z.string().regex(/^[0-9a-f]{64}$/), who }),
]);

/** One errand. */
export type Errand = z.output<typeof errandSchema>;

export const outcomeSchema = z.discriminatedUnion('kind', [
  /** It was done, and the ledger says so under this number. */
  z.strictObject({ kind: z.literal('done'), leaf: z.int() }),
  /** It will be done when the journal of the session is closed; `why` says why not now. */
  z.strictObject({ kind: z.literal('later'), why: z.string() }),
  z.strictObject({ kind: z.literal('refused'), why: z.string() }),
]);

/** What came of an errand. */
export type Outcome = z.output<typeof outcomeSchema>;
