/** What a session ends with. */

import type { Classified, FoundAt } from '../call.ts';
import type { Usage } from '../protocol/codec.ts';
import type { Reason } from '../reasons.ts';

/** How an answer ended on the wire. */
export type Ended = 'ok' | 'client_abort' | 'upstream_err' | 'truncated' | 'refused';

/** What the recorder is given at the end of a call. */
export interface Ending {
  readonly reason: Reason;
  /** HTTP status that the caller saw. */
  readonly status: number;
  readonly ended: Ended;
  /** Findings in the answer: entity kind → count. */
  readonly findings: Readonly<Record<string, number>>;
  /** What classifiers said of the answer, by name; missing where none was to look. */
  readonly classified?: Readonly<Record<string, Classified>>;
  /** What they said of the caller's messages behind the opening, all together; missing where none was to look. */
  readonly classifiedLater?: Readonly<Record<string, Classified>>;
  /** The first findings; missing for none. */
  readonly found?: readonly FoundAt[];
  readonly usage: Usage | null;
  /** Chunks or events that the upstream sent. */
  readonly events: number;
}

/** The ending as it is recorded, with what the recorder saw itself. Times are µs since the opening. */
export interface EndingRecord extends Ending {
  readonly v: 1;
  /** Answer bytes that were recorded. */
  readonly bytes: number;
  /** Answer bytes that left but are not in the record: over the bound, with `over: truncate`. */
  readonly dropped: number;
  /** When the first answer byte left; -1 when none did. */
  readonly first: number;
  /** When the last one did; -1 when none did. */
  readonly last: number;
  /** Pieces that the answer left in, and the longest pause between two of them. */
  readonly chunks: number;
  readonly maxGap: number;
}

/** Returns the JSON text of an ending. */
export const endingText = (ending: EndingRecord): string => JSON.stringify(ending);

/** Returns the ending that an authenticated frame carries. Throws on a version that is not known. */
export function readEnding(text: string): EndingRecord {
  const value: unknown = JSON.parse(text);
  if (!isEndingRecord(value)) throw new Error('expected an ending of version 1');
  return value;
}

// The version is enough: the frame's tag proves that this code wrote the rest.
const isEndingRecord = (value: unknown): value is EndingRecord =>
  typeof value === 'object' && value !== null && 'v' in value && value.v === 1;
