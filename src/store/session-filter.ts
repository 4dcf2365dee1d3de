/** Which sessions a list is of. */

/** Which sessions; what is absent restricts nothing. */
export interface SessionFilter {
  /** A subject, or `ISSUER|SUBJECT`. */
  readonly caller?: string;
  readonly service?: string;
  readonly model?: string;
  /** A reason, or `open` for calls under way. */
  readonly reason?: string;
  /** A kind of finding, in request or answer. */
  readonly finding?: string;
  /** The approval that the call presented. */
  readonly approval?: string;
  /** Opened at this time or later, and before that one: ms since the epoch. */
  readonly since?: number;
  readonly until?: number;
  /** Cursor: only sessions older than the one with this id. */
  readonly before?: string;
  readonly limit: number;
}

/** Returns the smallest id that a session can have which was opened at this time (ms since the epoch). */
export type FirstIdAt = (at: number) => string;

/** Ids from `low` on and below `high`. */
export interface Range {
  readonly low: string;
  readonly high: string;
}

/** Behind every id. */
export const END = '~';

/** Returns the ids that times and cursor leave. */
export const rangeOf = ({ since, until, before }: SessionFilter, firstIdAt: FirstIdAt): Range => {
  const ends = [until === undefined ? END : firstIdAt(until), before ?? END];
  return {
    low: since === undefined ? '' : firstIdAt(since),
    high: ends.toSorted()[0] ?? END,
  };
};

/** Returns the subject of a caller. */
export const subjectOf = (caller: string): string => caller.slice(caller.indexOf('|') + 1);

/** Returns a reason as rows have it: `open` is no reason, but that there is none yet. */
export const wordOf = (reason: string): string => (reason === 'open' ? '' : reason);

/** True where only sessions are wanted that few are beside all. */
export const isUnwanted = ({ reason }: SessionFilter): boolean => reason !== undefined && reason !== 'completed';
