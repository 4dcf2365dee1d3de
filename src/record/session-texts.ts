/** The texts of a recorded call, as people read them: for searching, comparing and exporting. */

import type { Codec } from '../protocol/codec.ts';
import { readableAnswer } from './readable-answer.ts';
import { bodyOf, type SessionContent } from './read-session.ts';

interface AnswerHead {
  readonly status?: number;
  readonly fields?: readonly (string | null)[];
}

/** Returns status and field lines of the answer, not of interim heads ahead of it; empty when there was none. */
export function answerHead({ events }: SessionContent): AnswerHead {
  const head = events.findLast(({ code }) => code === 'h');
  const read: AnswerHead = head === undefined ? {} : JSON.parse(String(head.payload));
  return read;
}

/** Returns the value of a field (lower-case name); empty when it is not there or was left out. */
export function fieldOf(fields: readonly (string | null)[], name: string): string {
  const at = fields.findIndex((field, index) => index % 2 === 0 && field?.toLowerCase() === name);
  return at === -1 ? '' : (fields[at + 1] ?? '');
}

/** Returns the answer as text: that of a stream as it grew, anything else as it is. */
export function answerText(session: SessionContent, codec: Codec): string {
  const { method, path } = session.details;
  const contentType = fieldOf(answerHead(session).fields ?? [], 'content-type');
  const reader = readableAnswer({ codec, method, path, contentType });
  return reader.push(bodyOf(session, 'd')) + reader.end();
}

/** Returns every string in a JSON text, one on a line; the text itself when it is no JSON. */
export function stringsOf(text: string): string {
  try {
    const strings: string[] = [];
    collect(JSON.parse(text), strings);
    return strings.join('\n');
  } catch {
    return text;
  }
}

function collect(value: unknown, strings: string[]): void {
  if (typeof value === 'string') strings.push(value);
  if (typeof value !== 'object' || value === null) return;
  for (const member of Object.values(value)) collect(member, strings);
}
