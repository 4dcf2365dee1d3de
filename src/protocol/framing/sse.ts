/**
 * Event streams (WHATWG HTML §9.2 "Server-sent events") as frames of bytes: a frame is what a blank line ends, with
 * every byte that came, so that what nobody changes leaves as it came.
 */

import { Failure } from '../../reasons.ts';
import type { Frame, Framing, Splitter } from './framing.ts';
import { Gather } from './gather.ts';

const LF = 0x0a;
const CR = 0x0d;

/**
 * Cuts a byte stream into frames. Joined, the frames and the rest are the stream. Blank lines and comments make frames
 * of their own, without an event.
 */
export class SseSplitter implements Splitter {
  private readonly limit: number;
  private readonly pending = new Gather();
  /** Nothing stands on the current line yet. */
  private blank = true;
  /** The last chunk ended with CR: an LF at the start of the next one belongs to that line ending. */
  private afterCr = false;

  /** `limit`: the largest frame in bytes; a larger one throws Failure `answer-unreadable`. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Returns the frames that this chunk completes. They may share its memory. */
  push(chunk: Buffer): Buffer[] {
    const frames: Buffer[] = [];
    let start = 0;
    let at = this.afterCr && chunk[0] === LF ? 1 : 0;
    if (chunk.length > 0) this.afterCr = false;
    for (; at < chunk.length; at++) {
      const byte = chunk[at];
      if (byte !== LF && byte !== CR) {
        this.blank = false;
        continue;
      }
      if (byte === CR) {
        if (chunk[at + 1] === LF) at++;
        else this.afterCr = at + 1 === chunk.length;
      }
      if (this.blank) {
        frames.push(this.frame(chunk.subarray(start, at + 1)));
        start = at + 1;
      }
      this.blank = true;
    }
    if (start < chunk.length) this.keep(chunk.subarray(start));
    return frames;
  }

  /** Returns what no blank line has ended, empty when nothing is left. */
  end(): Buffer {
    return this.pending.take();
  }

  private frame(last: Buffer): Buffer {
    this.bound(last.length);
    if (this.pending.length === 0) return last;
    this.pending.add(last);
    return this.pending.take();
  }

  private keep(part: Buffer): void {
    this.bound(part.length);
    this.pending.add(part);
  }

  private bound(more: number): void {
    if (this.pending.length + more > this.limit)
      throw new Failure('answer-unreadable', `expected events of at most ${this.limit} bytes, found a larger one`);
  }
}

/** One line of a frame, in UTF-16 units of the frame's text. */
interface Line {
  readonly field: string;
  readonly start: number;
  /** Where the value begins; the line's end for a line without one. */
  readonly value: number;
  /** Behind the last character, before the line ending. */
  readonly end: number;
}

/** What a frame says. */
export interface SseEvent {
  /** The frame's text, line endings included. */
  readonly text: string;
  /** The event name; empty for none. */
  readonly event: string;
  /** The data lines joined by LF; null for a frame without data, which dispatches nothing. */
  readonly data: string | null;
  readonly lines: readonly Line[];
}

/** Returns the index behind the line ending at `end`. */
const behindEnding = (text: string, end: number): number =>
  text.charCodeAt(end) === CR && text.charCodeAt(end + 1) === LF ? end + 2 : end + 1;

const endOfLine = (text: string, start: number): number => {
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === LF || code === CR) return at;
  }
  return text.length;
};

const readLine = (text: string, start: number, end: number): Line => {
  const colon = text.indexOf(':', start);
  if (colon === -1 || colon >= end) return { field: text.slice(start, end), start, value: end, end };
  const value = text.charCodeAt(colon + 1) === 0x20 && colon + 1 < end ? colon + 2 : colon + 1;
  return { field: text.slice(start, colon), start, value, end };
};

/** Returns what a frame says. A byte order mark is skipped only when `first`: it may open a stream, nothing else. */
export const readEvent = (text: string, first: boolean): SseEvent => {
  const lines: Line[] = [];
  let event = '';
  let data: string | null = null;
  let start = first && text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (start < text.length) {
    const end = endOfLine(text, start);
    if (end > start) {
      const line = readLine(text, start, end);
      lines.push(line);
      if (line.field === 'event') event = text.slice(line.value, end);
      else if (line.field === 'data') {
        const value = text.slice(line.value, end);
        data = data === null ? value : `${data}\n${value}`;
      }
    }
    start = behindEnding(text, end);
  }
  return { text, event, data, lines };
};

/**
 * Returns the frame's text with other data and with `line` applied to every other line, a comment or a field with its
 * name. Line endings stay. The data keeps its place: that of the first data line.
 */
export const rewriteEvent = (event: SseEvent, data: string | null, line: (text: string) => string): string => {
  const { text } = event;
  let out = '';
  let kept = 0;
  let written = false;
  for (const { field, start, value, end } of event.lines) {
    if (field !== 'data') {
      const was = text.slice(start, end);
      const is = line(was);
      if (is === was) continue;
      out += text.slice(kept, start) + is;
      kept = end;
      continue;
    }
    if (data === event.data) continue;
    if (written) {
      // A further line of data that is no longer there: it goes with its ending.
      out += text.slice(kept, start);
      kept = behindEnding(text, end);
      continue;
    }
    written = true;
    // A field name alone is a line of empty data.
    const prefix = start + field.length === end ? 'data: ' : text.slice(start, value);
    const ending = text.slice(end, behindEnding(text, end)) || '\n';
    out += text.slice(kept, start) + prefix + (data ?? '').split('\n').join(ending + prefix);
    kept = end;
  }
  return kept === 0 ? text : out + text.slice(kept);
};

/** Returns the text of a new frame. The data must hold no CR. */
export const renderEvent = (event: string, data: string): string =>
  `${event === '' ? '' : `event: ${event}\n`}data: ${data.replaceAll('\n', '\ndata: ')}\n\n`;

const readFrame = (bytes: Buffer, text: string, first: boolean): Frame => {
  const event = readEvent(text, first);
  const [data, second] = event.lines.filter(({ field }) => field === 'data');
  return {
    event: event.event,
    data: event.data,
    at: data === undefined || second !== undefined ? -1 : data.value,
    last: false,
    rewrite(other, line) {
      const rewritten = rewriteEvent(event, other, line);
      return rewritten === text ? bytes : Buffer.from(rewritten);
    },
  };
};

/** The framing of event streams. */
export const sse: Framing = {
  name: 'sse',
  form: 'sse',
  isText: true,
  ending: Buffer.from('\n\n'),
  splitter: (limit) => new SseSplitter(limit),
  read: readFrame,
  mayHoldEvent: (frame) => frame.includes('data'),
  render: (event, data) => Buffer.from(renderEvent(event, data)),
  renderFailure: (event, data) => Buffer.from(renderEvent(event, data)),
};
