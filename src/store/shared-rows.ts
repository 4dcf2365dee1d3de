/**
 * Rows that gateways on one store leave for one another. Each process writes rows of its own alone, whole and never as a
 * difference: writing one twice changes nothing, and what several have of one name is added up by whoever reads it.
 */

/** What one process has of one part of one name. The store knows nothing of what a body says. */
export interface SharedRow {
  /** 16 bytes. */
  readonly name: Uint8Array;
  /** -1 or more. */
  readonly part: number;
  /** `BODY_MAX` bytes at most. */
  readonly body: Uint8Array;
  /** When it no longer counts, ms since the epoch by the clock of the store. */
  readonly until: number;
}

/** No body is longer. */
export const BODY_MAX = 2_048;

/** What one process says to the others. */
export interface Saying {
  /** Rows in place of those that it wrote before. */
  readonly rows: readonly SharedRow[];
  /** What is true only while it lives: others forget it a few seconds after the last they heard. */
  readonly living: Uint8Array;
  /** By the clock of the store. */
  readonly now: number;
}

/** What one process hears of all others. */
export interface Heard {
  /** What each of those that live says. */
  readonly living: readonly Uint8Array[];
  /** The store has lost rows of this process: all of them have to be written again. */
  readonly forgot: boolean;
}

/** Where processes leave rows for one another. */
export interface SharedRows {
  /** Milliseconds that the clock of the store is ahead of this machine's. */
  readonly ahead: number;
  /**
   * Writes what this process says. `take` is given every row of others that counts and whose name and part changed since
   * the last exchange that went well, all rows of one name and part in one piece. Rejects when that did not go well;
   * the same may then be said again.
   */
  exchange(saying: Saying, take: (rows: readonly SharedRow[]) => void): Promise<Heard>;
  /** Takes leave of the others. */
  close(): Promise<void>;
}
