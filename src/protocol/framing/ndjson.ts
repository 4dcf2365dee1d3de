/** Newline-delimited JSON: a document a line (github.com/ndjson/ndjson-spec; Ollama's API streams in it). */

import type { Frame, Framing, Splitter } from './framing.ts';
import { PendingFrame } from './pending-frame.ts';
import { isSpace } from '../json/json-lexer.ts';

const LF = 0x0a;

/** Cuts bytes behind each LF. */
class LineSplitter implements Splitter {
  private readonly pending: PendingFrame;

  constructor(limit: number) {
    this.pending = new PendingFrame(limit, 'lines');
  }

  push(chunk: Buffer): readonly Buffer[] {
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      lines.push(this.pending.complete(chunk.subarray(start, end + 1)));
      start = end + 1;
    }
    this.pending.keep(chunk.subarray(start));
    return lines;
  }

  end(): Buffer {
    return this.pending.take();
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
