/** A session as it went, in the terminal: every piece at its time. */

import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { codecs } from '../protocol/codecs.ts';
import type { Event } from '../record/event.ts';
import { bodyOf, type RecordedSession } from '../record/read-session.ts';
import { type ReadableAnswer, readableAnswer } from '../record/readable-answer.ts';
import { safeText } from '../safe-text.ts';
import type { Io } from './io.ts';
import { eventJson, showMicros, showSeal, showSession } from './sessions-show.ts';
import { styled } from './table.ts';

/** How to replay. */
export interface ReplayOptions {
  /** 2 is twice as fast as it was; Infinity does not wait. */
  readonly speed: number;
  readonly services: Config['services'];
}

/** Resolves when the session has been shown to its end. With `--json` its events are printed as lines, without waiting. */
export async function replay(io: Io, session: RecordedSession, options: ReplayOptions): Promise<void> {
  if (io.json) {
    for (const event of session.events) io.print(eventJson(event), []);
    return;
  }
  io.print(null, showSession(session, false).slice(0, -1));
  io.print(null, [showSeal(session.seal), '', ...bodyOf(session, 'q').toString('utf8').split(/\r?\n/)]);
  await showAnswer(io, session, options);
}

async function showAnswer(io: Io, session: RecordedSession, { speed, services }: ReplayOptions): Promise<void> {
  const answer = readerOf(session, services);
  const began = performance.now();
  for (const event of session.events) {
    const due = event.at / 1000 / speed - (performance.now() - began);
    if (due >= 1) await wait(due);
    showEvent(io, event, answer);
  }
  io.stdout.write(`${safeLines(answer.end())}\n`);
}

function showEvent(io: Io, { at, code, payload }: Event, answer: ReadableAnswer): void {
  if (code === 'd' && Buffer.isBuffer(payload)) return void io.stdout.write(safeLines(answer.push(payload)));
  if (code === 'h') io.print(null, ['', styled('dim', `answer after ${showMicros(at)}: ${statusOf(String(payload))}`)]);
  if (code === 'm' || code === 't') io.print(null, [styled('dim', `[${String(payload)}]`)]);
}

const statusOf = (head: string): string => `status ${String(headOf(head).status)}`;

interface AnswerHead {
  readonly status?: unknown;
  readonly fields?: readonly (string | null)[];
}

const headOf = (text: string): AnswerHead => JSON.parse(text);

function readerOf({ events, opening, details }: RecordedSession, services: Config['services']): ReadableAnswer {
  const protocol = services.find(({ name }) => name === opening.service)?.protocol ?? 'http';
  const head = events.find(({ code }) => code === 'h');
  const fields = head === undefined ? [] : (headOf(String(head.payload)).fields ?? []);
  const at = fields.findIndex((field, index) => index % 2 === 0 && field?.toLowerCase() === 'content-type');
  const contentType = at === -1 ? '' : (fields[at + 1] ?? '');
  return readableAnswer({ codec: codecs[protocol], method: details.method, path: details.path, contentType });
}

/** Line ends and tabs stay what they are; whatever else a terminal could act on is made visible. */
const safeLines = (text: string): string =>
  text
    .replaceAll('\r\n', '\n')
    .split(/([\n\t])/)
    .map((part) => (part === '\n' || part === '\t' ? part : safeText(part)))
    .join('');
