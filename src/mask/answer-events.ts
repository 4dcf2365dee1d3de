/**
 * Masks an event stream. Every growing text has a channel of its own; a delta leaves with the event that brought it, but
 * for the few characters that are undecided, which leave with a later one. An event that needs no change leaves as it came.
 */

import { isUtf8 } from 'node:buffer';
import type { JsonStep } from '../call.ts';
import type { Delta, EventReading, StreamReader, Usage } from '../protocol/codec.ts';
import { parseJson } from '../protocol/json.ts';
import { endOfString } from '../protocol/json-lexer.ts';
import { readEvent, renderEvent, rewriteEvent, type SseEvent, SseSplitter } from '../protocol/sse.ts';
import { looksLikeData } from '../protocol/strings.ts';
import { member } from '../protocol/value.ts';
import { Failure } from '../reasons.ts';
import type { AnswerMask, AnswerMaskOptions } from './answer.ts';
import { Channels } from './channels.ts';
import { maskEventData, type Place } from './event-data.ts';
import { EventTemplate } from './event-template.ts';
import { RecentStrings } from './recent-strings.ts';

/** What OpenAI's streams end with. */
const DONE = '[DONE]';
const BLANK_LINE = Buffer.from('\n\n');
/** Streams whose events all differ get no more templates after so many that never matched. */
const MOST_MISSES = 16;

/** What stands at the places of one event; `grown` is the only text, when nothing else is to be seen to. */
interface Filled {
  readonly places: readonly Place[];
  readonly grown: Delta | null;
}

class EventsMask implements AnswerMask {
  readonly kind = 'stream';
  usage: Usage | null = null;
  events = 0;
  private readonly reader: StreamReader;
  private readonly splitter: SseSplitter;
  private readonly channels: Channels;
  private readonly strings: RecentStrings;
  private readonly options: AnswerMaskOptions;
  private template: EventTemplate | null = null;
  private misses = 0;
  private first = true;
  private out: Buffer[] = [];

  constructor(options: AnswerMaskOptions, reader: StreamReader) {
    this.options = options;
    this.reader = reader;
    this.splitter = new SseSplitter(options.limit);
    this.channels = new Channels(options.masker, options.found);
    this.strings = new RecentStrings(options);
  }

  push(chunk: Buffer): readonly Buffer[] {
    for (const frame of this.splitter.push(chunk)) this.frame(frame);
    return this.take();
  }

  /** A stream may end without saying so: what is undecided leaves masked, and an unfinished frame is read as a whole one. */
  end(): readonly Buffer[] {
    const rest = this.splitter.end();
    if (rest.length > 0) {
      this.frame(rest);
      const sent = this.out.length;
      this.out.push(BLANK_LINE);
      this.close(this.channels.open());
      if (this.out.length === sent + 1) this.out.pop();
    } else this.close(this.channels.open());
    return this.take();
  }

  private take(): readonly Buffer[] {
    const { out } = this;
    this.out = [];
    // One write for what came in one piece.
    return out.length > 1 ? [Buffer.concat(out)] : out;
  }

  private frame(bytes: Buffer): void {
    if (!isUtf8(bytes)) throw new Failure('answer-unreadable', 'expected an event stream in UTF-8');
    const text = bytes.toString('utf8');
    const masked = this.alike(text) ?? this.masked(text);
    this.out.push(masked === text ? bytes : Buffer.from(masked));
  }

  /** Returns the frame masked, null unless it is like the last one that was masked in full. */
  private alike(frame: string): string | null {
    const { template } = this;
    const span = template?.match(frame) ?? null;
    if (template === null || span === null) return null;
    this.events++;
    this.misses = 0;
    const text = frame.slice(span.start, span.end);
    const masked = this.channels.push({ channel: template.channel, text, kind: 'text', path: [] });
    if (masked === text) return frame;
    return frame.slice(0, span.start) + JSON.stringify(masked).slice(1, -1) + frame.slice(span.end);
  }

  private masked(text: string): string {
    const event = readEvent(text, this.first);
    this.first = false;
    const { data } = event;
    const line = (other: string): string => this.strings.text(other);
    // Without data nothing is dispatched (HTML §9.2.6); it may keep a connection alive.
    if (data === null || data === '') return rewriteEvent(event, data, line);
    this.events++;
    if (data.trim() === DONE) {
      this.close(this.channels.open());
      return rewriteEvent(event, data, line);
    }
    const value = parseJson(data, 'answer-unreadable', { loneSurrogates: 'keep' });
    const reading = this.reader.read(event.event, value);
    if (reading.usage !== null) this.usage = reading.usage;
    const { places, grown } = this.fill(reading);
    const { text: masked, at } = maskEventData(data, value, places, this.strings);
    const rewritten = rewriteEvent(event, masked, line);
    if (grown !== null && this.misses < MOST_MISSES) this.learn(event, grown, at, value, rewritten);
    return rewritten;
  }

  /** Remembers what frames of this text look like, if this one changed in nothing but the text. */
  private learn({ text, lines }: SseEvent, grown: Delta, at: number, value: unknown, rewritten: string): void {
    this.misses++;
    this.template = null;
    const [data, second] = lines.filter(({ field }) => field === 'data');
    if (data === undefined || second !== undefined || at === -1) return;
    const start = data.value + at + 1;
    const end = endOfString(text, start - 1);
    if (!differsWithin(text, start, end, rewritten)) return;
    const { codec, operation } = this.options;
    const padded =
      typeof member(value, 'obfuscation') === 'string' &&
      codec.kind(operation, ['obfuscation'], 'a', value) === 'data' &&
      text.split('"obfuscation"').length === 2;
    this.template = new EventTemplate(grown.channel, text, { start, end }, padded);
  }

  /** Returns what stands at the places of the event that the reader knows. */
  private fill(reading: EventReading): Filled {
    const { deltas, signature } = reading;
    const places: { path: readonly JsonStep[]; channel: string; text: string }[] = [];
    for (const delta of deltas) {
      const { path, channel, kind } = delta;
      if (kind !== 'data') places.push({ path, channel, text: this.channels.push(delta) });
      else if (looksLikeData(delta.text)) places.push({ path, channel, text: delta.text });
      else throw new Failure('answer-unreadable', 'expected data in base64');
    }
    const closes = reading.closes === 'all' ? this.channels.open() : reading.closes;
    const elsewhere: string[] = [];
    for (const name of closes) {
      // The rest of a text leaves with its last delta when that is in this very event.
      const place = places.findLast(({ channel }) => channel === name);
      if (place === undefined) elsewhere.push(name);
      else place.text += this.channels.close(name);
    }
    this.close(elsewhere);
    if (signature !== null && this.channels.wasMasked(signature.channel))
      places.push({ path: signature.path, channel: signature.channel, text: '' });
    const [grown] = deltas;
    const alone = deltas.length === 1 && closes.length === 0 && grown?.kind === 'text';
    return { places, grown: alone ? grown : null };
  }

  private close(names: readonly string[]): void {
    for (const name of names) {
      const rest = this.channels.close(name);
      if (rest === '') continue;
      const { event, value } = this.reader.delta(name, rest);
      this.out.push(Buffer.from(renderEvent(event, JSON.stringify(value))));
    }
  }
}

/** Returns true when `after` differs from `before` in nothing but the characters of the string from `start` to `end`. */
const differsWithin = (before: string, start: number, end: number, after: string): boolean => {
  const behind = after.length - (before.length - end);
  if (behind < start || !after.startsWith(before.slice(0, start)) || !after.endsWith(before.slice(end))) return false;
  return endOfString(after, start - 1) === behind;
};

/** Returns the mask for an event stream that `reader` reads. */
export const maskEvents = (options: AnswerMaskOptions, reader: StreamReader): AnswerMask =>
  new EventsMask(options, reader);
