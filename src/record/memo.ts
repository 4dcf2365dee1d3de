/**
 * What the recorder remembers with every batch of leaves, in the ledger's write-ahead log: how far each line of journals
 * is sealed. After a crash everything behind that is sealed again, by the same code.
 */

import { z } from 'zod';

const position = z.int().min(0);

const stream = z.strictObject({
  /** Frames that end here or before have their leaves. */
  sealed: position,
  /** Reading begins here: what open sessions need (their keys, their frames) stands behind it. */
  low: position,
  /** No leaf of a frame behind `low` has a smaller number. */
  leaf: z.int().min(0),
  /** True when all sessions have ended and all files are closed. */
  closed: z.boolean(),
});

const schema = z.strictObject({
  v: z.literal(1),
  /** The run that wrote the memo, and how many leaves it had written. */
  inst: z.string(),
  iseq: z.int().min(0),
  /** Runs that are not sealed to their end: instance → worker → how far. */
  open: z.record(z.string(), z.record(z.string().regex(/^\d{1,5}$/), stream)),
});

/** How far one line of journals is sealed. */
export type StreamProgress = Readonly<z.output<typeof stream>>;
/** What the recorder remembers. */
export type Memo = Readonly<z.output<typeof schema>>;

/** Where a line of journals begins. */
export const AT_START: StreamProgress = { sealed: 0, low: 0, leaf: 0, closed: false };

/** Returns the memo as the ledger keeps it. */
export const memoText = (memo: Memo): string => JSON.stringify(memo);

/** Returns what `memoText` made. Throws when it is something else: nobody guesses where to go on. */
export const readMemo = (text: string): Memo => schema.parse(JSON.parse(text));
