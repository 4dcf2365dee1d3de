/** The history of a log: every checkpoint it has signed, oldest first, one note after the other with an empty line between. */

import { Malformed } from './malformed.ts';
import { MAX_NOTE_BYTES } from './note.ts';

const NEWLINE = 0x0a;

/** Returns where the next empty line ends, from `at` on; -1 when there is none. */
const afterEmptyLine = (bytes: Uint8Array, at: number): number => {
  for (let next = bytes.indexOf(NEWLINE, at); next !== -1; next = bytes.indexOf(NEWLINE, next + 1)) {
    if (bytes[next + 1] === NEWLINE) return next + 2;
  }
  return -1;
};

/** What of a history is whole notes, and where that ends. */
export interface HistoryPart {
  readonly notes: readonly Uint8Array[];
  /** Bytes up to the end of the last whole note and the empty line after it. */
  readonly end: number;
}

/** Returns the notes in `bytes`, which begin with a note. A checkpoint has one empty line in it, before its signatures. */
export const splitHistory = (bytes: Uint8Array): HistoryPart => {
  const notes: Uint8Array[] = [];
  let end = 0;
  while (true) {
    const signatures = afterEmptyLine(bytes, end);
    const next = signatures === -1 ? -1 : afterEmptyLine(bytes, signatures);
    if (next === -1) return { notes, end };
    notes.push(bytes.subarray(end, next - 1));
    end = next;
  }
};

/** Returns the bytes that add `note` to a history. */
export const historyEntry = (note: string): string => `${note}\n`;

/** Yields the notes of a history as it is read. Throws Malformed where it is not one whole note after the other. */
export async function* readHistory(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest = new Uint8Array(0);
  for await (const chunk of chunks) {
    const bytes = new Uint8Array(rest.length + chunk.length);
    bytes.set(rest);
    bytes.set(chunk, rest.length);
    const { notes, end } = splitHistory(bytes);
    yield* notes;
    rest = bytes.slice(end);
    if (rest.length > MAX_NOTE_BYTES) throw new Malformed(`a checkpoint of more than ${MAX_NOTE_BYTES} bytes`);
  }
  if (rest.length > 0) throw new Malformed('its last checkpoint is cut off');
}
