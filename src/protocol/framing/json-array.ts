/**
 * A JSON array that is sent item by item, as Google's APIs stream without `alt=sse`: each object is an event. A frame is
 * an object with what stands ahead of it; the closing bracket is a frame of its own, behind which nothing can follow.
 * A document that is no array is one event, and the last one.
 */

import { Failure } from '../../reasons.ts';
import type { Frame, Framing, Splitter } from './framing.ts';
import { PendingFrame } from './pending-frame.ts';
import { isSpace } from '../json/json-lexer.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

const unexpected = (): Failure =>
  new Failure('answer-unreadable', 'expected an array of objects that is sent item by item, found something else');

/** Where in the array the next byte stands: ahead of it, behind `[`, behind an item, behind a comma, or behind it all. */
type Between = 'start' | 'open' | 'item' | 'comma' | 'over';

/** Cuts the bytes of one array behind each object. Inside an object only brackets and strings are looked at. */
class ItemSplitter implements Splitter {
  private readonly pending: PendingFrame;
  private between: Between = 'start';
  private depth = 0;
  private inString = false;
  private escaped = false;
  /** The document is one object, no array. */
  private alone = false;

  constructor(limit: number) {
    this.pending = new PendingFrame(limit, 'items');
  }

  push(chunk: Buffer): readonly Buffer[] {
    const frames: Buffer[] = [];
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      const ends = this.depth === 0 ? this.outside(byte) : this.inside(byte);
      if (!ends) continue;
      frames.push(this.pending.complete(chunk.subarray(start, at + 1)));
      start = at + 1;
    }
    this.pending.keep(chunk.subarray(start));
    return frames;
  }

  end(): Buffer {
    return this.pending.take();
  }

  /** Takes a byte between objects; returns true when it ends a frame. */
  private outside(byte: number): boolean {
    const { between } = this;
    if (isSpace(byte)) return false;
    if (byte === OPEN_BRACKET && between === 'start') {
      this.between = 'open';
      return false;
    }
    if (byte === OPEN_BRACE && (between === 'start' || between === 'open' || between === 'comma')) {
      this.alone = between === 'start';
      this.depth = 1;
      return false;
    }
    if (byte === COMMA && between === 'item') {
      this.between = 'comma';
      return false;
    }
    if (byte !== CLOSE_BRACKET || (between !== 'open' && between !== 'item')) throw unexpected();
    this.between = 'over';
    return true;
  }

  /** Takes a byte of an object; returns true when it ends the object. */
  private inside(byte: number): boolean {
    if (this.inString) {
      if (this.escaped) this.escaped = false;
      else if (byte === BACKSLASH) this.escaped = true;
      else if (byte === QUOTE) this.inString = false;
      return false;
    }
    if (byte === QUOTE) this.inString = true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.depth++;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) this.depth--;
    if (this.depth > 0) return false;
    this.between = this.alone ? 'over' : 'item';
    return true;
  }
}

/** An item with what stands ahead of it: the bracket, or the comma behind the item before it. */
const ITEM = /^\s*([[,]?)\s*(?=\{)/;
/** What holds no item: the closing bracket, with the opening one of an empty array, or white space. */
const NO_ITEM = /^\s*(\[?\s*\])?\s*$/;

const readItem = (bytes: Buffer, text: string): Frame => {
  const item = ITEM.exec(text);
  if (item === null) {
    const rest = NO_ITEM.exec(text);
    if (rest === null) throw unexpected();
    return { event: '', data: null, at: -1, last: rest[1] !== undefined, rewrite: () => bytes };
  }
  const [lead, mark] = item;
  const was = text.slice(lead.length);
  return {
    event: '',
    data: was,
    at: lead.length,
    last: mark === '',
    rewrite: (data) => (data === was ? bytes : Buffer.from(lead + (data ?? ''))),
  };
};

/** The framing of an array that is sent item by item. Items name no events. */
export const jsonArray: Framing = {
  name: 'json-array',
  form: 'json',
  isText: true,
  ending: Buffer.alloc(0),
  splitter: (limit) => new ItemSplitter(limit),
  read: (frame, text) => readItem(frame, text),
  mayHoldEvent: (frame) => frame.length > 2,
  // A text that is still held came with an item, so there is one ahead of this.
  render: (_, data) => Buffer.from(`,\n${data}`),
  // Whether an item has left is not known here, and an array that does not end says enough.
  renderFailure: () => Buffer.alloc(0),
};
