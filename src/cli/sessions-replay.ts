/** A session as it went, in the terminal: every piece at its time. */

import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from '../config.ts';
import type { Event } from '../record/event.ts';
import { requestOf, type RecordedSession } from '../record/read-session.ts';
import { type ReadableAnswer, readableAnswer } from '../record/readable-answer.ts';
import { answerHead, fieldOf } from '../record/session-texts.ts';
import { safeText } from '../safe-text.ts';
import type { Io } from './io.ts';
import { codecFor } from './sessions-export.ts';
import { eventJson, showMicros, showSeal, showSession } from './sessions-show.ts';
import { styled } from './table.ts';

/** How to replay. */
export interface ReplayOptions {
  /** 2 is twice as fast as it was; Infinity does not wait. */
  readonly speed: number;
  readonly services: Config['services'];
  /** Where to begin, in µs from the opening; what is before it is left out. */
  readonly from: number;
}

/** Resolves when the session has been shown to its end. With `--json` its events are printed as lines, without waiting. */
export async function replay(io: Io, session: RecordedSession, options: ReplayOptions): Promise<void> {
  if (io.json) {
    for (const event of session.events) io.print(eventJson(event), []);
    return;
  }
  io.print(null, showSession(session, false).slice(0, -1));
  io.print(null, [showSeal(session.seal), '', ...requestOf(session).toString('utf8').split(/\r?\n/)]);
  await showAnswer(io, session, options);
}

async function showAnswer(io: Io, session: RecordedSession, { speed, services, from }: ReplayOptions): Promise<void> {
  const answer = readerOf(session, services);
  const began = performance.now();
  for (const event of session.events) {
    if (event.at < from) {
      // the reader has to see the beginning of what it reads
      if (event.code === 'd' && Buffer.isBuffer(event.payload)) answer.push(event.payload);
      continue;
    }
    const due = (event.at - from) / 1000 / speed - (performance.now() - began);
    if (due >= 1) await wait(due);
    showEvent(io, event, answer);
  }
  io.stdout.write(`${safeLines(answer.end())}\n`);
}

/** Returns when the piece of the answer came that completes a text, in µs; null when none does. */
export function whenSaid(session: RecordedSession, services: Config['services'], text: string): number | null {
  const answer = readerOf(session, services);
  let said = '';
  let before = 0;
  for (const { at, code, payload } of session.events) {
    if (code !== 'd' || !Buffer.isBuffer(payload)) continue;
    said += answer.push(payload);
    if (said.includes(text)) return before;
    // one piece earlier, so that its beginning is seen
    if (said.length > 0) before = at;
  }
  return (said + answer.end()).includes(text) ? before : null;
}

function showEvent(io: Io, { at, code, payload }: Event, answer: ReadableAnswer): void {
  if (code === 'd' && Buffer.isBuffer(payload)) return void io.stdout.write(safeLines(answer.push(payload)));
  if (code === 'h') io.print(null, ['', styled('dim', `answer after ${showMicros(at)}: ${statusOf(String(payload))}`)]);
  if (code === 'm' || code === 't') io.print(null, [styled('dim', `[${String(payload)}]`)]);
}

function statusOf(head: string): string {
  const { status }: { readonly status?: number } = JSON.parse(head);
  return `status ${status ?? 'unknown'}`;
}

function readerOf(session: RecordedSession, services: Config['services']): ReadableAnswer {
  const { opening, details } = session;
  const contentType = fieldOf(answerHead(session).fields ?? [], 'content-type');
  const codec = codecFor(services)(opening.service);
  return readableAnswer({ codec, method: details.method, path: details.path, contentType });
}

/** Line ends and tabs stay what they are; whatever else a terminal could act on is made visible. */
const safeLines = (text: string): string =>
  text
    .replaceAll('\r\n', '\n')
    .split(/([\n\t])/)
    .map((part) => (part === '\n' || part === '\t' ? part : safeText(part)))
    .join('');
