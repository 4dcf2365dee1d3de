/**
 * Masks an event stream. Every growing text has a channel of its own; a delta leaves with the event that brought it, but
 * for the few characters that are undecided, which leave with a later one. An event that needs no change leaves as it came.
 */

import { isUtf8 } from 'node:buffer';
import type { JsonStep } from '../call.ts';
import type { EventReading, StreamReader, Usage } from '../protocol/codec.ts';
import { parseJson } from '../protocol/json.ts';
import { readEvent, renderEvent, rewriteEvent, type SseEvent, SseSplitter } from '../protocol/sse.ts';
import { looksLikeData } from '../protocol/strings.ts';
import { Failure } from '../reasons.ts';
import type { AnswerMask, AnswerMaskOptions } from './answer.ts';
import { Channels } from './channels.ts';
import { maskEventData, type Place } from './event-data.ts';
import { RecentStrings } from './recent-strings.ts';

/** What OpenAI's streams end with. */
const DONE = '[DONE]';
const BLANK_LINE = Buffer.from('\n\n');

class EventsMask implements AnswerMask {
  readonly kind = 'stream';
  usage: Usage | null = null;
  events = 0;
  private readonly reader: StreamReader;
  private readonly splitter: SseSplitter;
  private readonly channels: Channels;
  private readonly strings: RecentStrings;
  private first = true;
  private out: Buffer[] = [];

  constructor(options: AnswerMaskOptions, reader: StreamReader) {
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
    const event = readEvent(text, this.first);
    this.first = false;
    const masked = rewriteEvent(event, this.data(event), (line) => this.strings.text(line));
    this.out.push(masked === text ? bytes : Buffer.from(masked));
  }

  /** Returns the data that stands for the event's; the rest of what ends with the event goes out ahead of it. */
  private data(event: SseEvent): string | null {
    const { data } = event;
    // Without data nothing is dispatched (HTML §9.2.6); it may keep a connection alive.
    if (data === null || data === '') return data;
    this.events++;
    if (data.trim() === DONE) {
      this.close(this.channels.open());
      return data;
    }
    const value = parseJson(data, 'answer-unreadable', { loneSurrogates: 'keep' });
    const reading = this.reader.read(event.event, value);
    if (reading.usage !== null) this.usage = reading.usage;
    const places = this.places(reading);
    return maskEventData(data, value, places, this.strings);
  }

  /** Returns what stands at the places of the event that the reader knows. */
  private places(reading: EventReading): readonly Place[] {
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
    return places;
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

/** Returns the mask for an event stream that `reader` reads. */
export const maskEvents = (options: AnswerMaskOptions, reader: StreamReader): AnswerMask =>
  new EventsMask(options, reader);
