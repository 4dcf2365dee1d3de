/** Newline-delimited JSON: a document a line (github.com/ndjson/ndjson-spec; Ollama's API streams in it). */

import { Failure } from '../../reasons.ts';
import type { Frame, Framing, Splitter } from './framing.ts';
import { Gather } from './gather.ts';
import { isSpace } from '../json/json-lexer.ts';

const LF = 0x0a;

/** Cuts bytes behind each LF. */
class LineSplitter implements Splitter {
  private readonly limit: number;
  private readonly pending = new Gather();

  constructor(limit: number) {
    this.limit = limit;
  }

  push(chunk: Buffer): readonly Buffer[] {
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      lines.push(this.line(chunk.subarray(start, end + 1)));
      start = end + 1;
    }
    if (start < chunk.length) this.keep(chunk.subarray(start));
    return lines;
  }

  end(): Buffer {
    return this.pending.take();
  }

  private line(last: Buffer): Buffer {
    if (this.pending.length === 0) {
      this.bound(last.length);
      return last;
    }
    this.keep(last);
    return this.pending.take();
  }

  private keep(part: Buffer): void {
    this.bound(this.pending.length + part.length);
    this.pending.add(part);
  }

  private bound(length: number): void {
    if (length > this.limit)
      throw new Failure('answer-unreadable', `expected lines of at most ${this.limit} bytes, found a longer one`);
  }
}

const NO_EVENT = { event: '', data: null, at: -1, last: false } as const;

const readLine = (bytes: Buffer, text: string): Frame => {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  if (start === end) return { ...NO_EVENT, rewrite: () => bytes };
  const was = text.slice(start, end);
  return {
    event: '',
    data: was,
    at: start,
    last: false,
    rewrite: (data) => (data === was ? bytes : Buffer.from(text.slice(0, start) + (data ?? '') + text.slice(end))),
  };
};

/** The framing of NDJSON. Lines name no events. */
export const ndjson: Framing = {
  name: 'ndjson',
  form: 'ndjson',
  isText: true,
  ending: Buffer.from('\n'),
  splitter: (limit) => new LineSplitter(limit),
  read: (frame, text) => readLine(frame, text),
  mayHoldEvent: (frame) => frame.length > 2,
  render: (_, data) => Buffer.from(`${data}\n`),
  renderFailure: (_, data) => Buffer.from(`${data}\n`),
};
