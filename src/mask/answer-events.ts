/**
 * Masks a stream of events, however they are framed. Every growing text has a channel of its own; a delta leaves with the event that brought it, but
 * for the few characters that are undecided, which leave with a later one. An event that needs no change leaves as it came.
 */

import { isUtf8 } from 'node:buffer';
import type { JsonStep } from '../call.ts';
import type { Delta, EventReading, StreamReader, Usage } from '../protocol/codec.ts';
import type { Frame, Framing, Splitter } from '../protocol/framing/framing.ts';
import { SLICE } from '../detect/scanner.ts';
import { parseJson } from '../protocol/json/json.ts';
import { endOfString } from '../protocol/json/json-lexer.ts';
import { looksLikeData } from '../protocol/strings.ts';
import { member, valueAt } from '../protocol/value.ts';
import { Failure } from '../reasons.ts';
import { atOnce, type Steps } from '../turns.ts';
import type { AnswerMask, AnswerMaskOptions } from './answer-mask.ts';
import { Channels } from './channels.ts';
import { maskingEventData, type Place } from './event-data.ts';
import { EventTemplate } from './event-template.ts';
import { RecentStrings } from './recent-strings.ts';
import { sealSigned } from './signed.ts';

/** What OpenAI's streams end with. */
const DONE = '[DONE]';
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
  private readonly framing: Framing;
  private readonly reader: StreamReader;
  private readonly splitter: Splitter;
  private readonly channels: Channels;
  private readonly strings: RecentStrings;
  private readonly options: AnswerMaskOptions;
  private template: EventTemplate | null = null;
  private misses = 0;
  private first = true;
  private out: Buffer[] = [];
  /** The frame that is looked at, where it is text. */
  private text = '';
  /** Bytes of a frame that has not come whole. */
  private waiting = 0;

  constructor(options: AnswerMaskOptions, framing: Framing, reader: StreamReader) {
    this.options = options;
    this.framing = framing;
    this.reader = reader;
    this.splitter = framing.splitter(options.limit);
    this.channels = new Channels(options.masker, options.found);
    this.strings = new RecentStrings(options);
  }

  get written(): number {
    return this.channels.written;
  }

  get held(): number {
    return this.waiting;
  }

  push(chunk: Buffer): readonly Buffer[] {
    for (const frame of this.split(chunk)) if (!this.quickly(frame)) this.out.push(atOnce(this.masking(frame)));
    return this.take();
  }

  *steps(chunk: Buffer | null): Steps<readonly Buffer[]> {
    if (chunk === null) return yield* this.ending();
    for (const frame of this.split(chunk)) {
      if (!this.quickly(frame)) this.out.push(yield* this.masking(frame));
      yield;
    }
    return this.take();
  }

  /** A stream may end without saying so: what is undecided leaves masked, and an unfinished frame is read as a whole one. */
  end(): readonly Buffer[] {
    return atOnce(this.ending());
  }

  private split(chunk: Buffer): readonly Buffer[] {
    const frames = this.splitter.push(chunk);
    this.waiting += chunk.length;
    for (const { length } of frames) this.waiting -= length;
    return frames;
  }

  private *ending(): Steps<readonly Buffer[]> {
    const rest = this.splitter.end();
    if (rest.length > 0) {
      if (!this.quickly(rest)) this.out.push(yield* this.masking(rest));
      const sent = this.out.length;
      this.out.push(this.framing.ending);
      this.close(this.channels.open());
      if (this.out.length === sent + 1) this.out.pop();
    } else this.close(this.channels.open());
    this.options.toolCalls?.end();
    return this.take();
  }

  private take(): readonly Buffer[] {
    const { out } = this;
    this.out = [];
    // One write for what came in one piece.
    return out.length > 1 && this.framing.apart !== true ? [Buffer.concat(out)] : out;
  }

  /** Masks a frame that is like the last one that was masked in full; returns false for another. */
  private quickly(bytes: Buffer): boolean {
    this.text = '';
    if (!this.framing.isText) return false;
    if (!isUtf8(bytes)) throw new Failure('answer-unreadable', 'expected an event stream in UTF-8');
    this.text = bytes.toString('utf8');
    const alike = bytes.length > SLICE ? null : this.alike(this.text);
    if (alike === null) return false;
    this.out.push(alike === this.text ? bytes : Buffer.from(alike));
    return true;
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

  /** Returns, in steps, the frame that `quickly` has just looked at. */
  private *masking(bytes: Buffer): Steps<Buffer> {
    const { text } = this;
    const frame = this.framing.read(bytes, text, this.first);
    this.first = false;
    const { event, data, last } = frame;
    const line = (other: string): string => this.strings.text(other);
    // Without data nothing is dispatched (HTML §9.2.6); it may keep a connection alive.
    if (data === null || data === '') {
      if (last) this.close(this.channels.open());
      return frame.rewrite(data, line);
    }
    this.events++;
    if (data.trim() === DONE) {
      this.close(this.channels.open());
      return frame.rewrite(data, line);
    }
    const value = parseJson(data, 'answer-unreadable', { loneSurrogates: 'keep' });
    const reading = this.reader.read(event, value);
    const calls = this.options.toolCalls?.event(event, value) === true;
    if (reading.usage !== null) this.usage = reading.usage;
    const { places, grown } = yield* this.filling(last ? { ...reading, closes: 'all' } : reading, value);
    const { text: masked, at } = yield* maskingEventData(data, value, places, this.strings);
    const rewritten = frame.rewrite(masked, line);
    const learns = this.framing.isText && this.reader.comparesEvents !== true && !calls;
    if (grown !== null && this.misses < MOST_MISSES && learns)
      this.learn(frame, text, grown, at, value, rewritten === bytes ? text : rewritten.toString('utf8'));
    return rewritten;
  }

  /** Remembers what frames of this text look like, if this one changed in nothing but the text. */
  private learn(frame: Frame, text: string, grown: Delta, at: number, value: unknown, rewritten: string): void {
    this.misses++;
    this.template = null;
    if (frame.at === -1 || at === -1) return;
    const start = frame.at + at + 1;
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
  private *filling(reading: EventReading, value: unknown): Steps<Filled> {
    const { deltas, signature } = reading;
    const places: { path: readonly JsonStep[]; channel: string; text: string }[] = [];
    for (const delta of deltas) {
      const { path, channel, kind } = delta;
      if (kind !== 'data') {
        const isLong = delta.text.length > SLICE;
        const text = isLong ? yield* this.channels.pushing(delta, value) : this.channels.push(delta, value);
        places.push({ path, channel, text });
      } else if (looksLikeData(delta.text)) places.push({ path, channel, text: delta.text });
      else throw new Failure('answer-unreadable', 'expected data in base64');
    }
    const closes = reading.closes === 'all' ? this.channels.open() : reading.closes;
    const last = new Map(places.map((place) => [place.channel, place]));
    const elsewhere: string[] = [];
    for (const name of closes) {
      // The rest of a text leaves with its last delta when that is in this very event.
      const place = last.get(name);
      if (place === undefined) elsewhere.push(name);
      else place.text += this.channels.close(name);
    }
    this.close(elsewhere);
    if (signature !== null && this.channels.wasMasked(signature.channel))
      places.push({ ...signature, text: this.sealed(signature, value) });
    const [grown] = deltas;
    const alone = deltas.length === 1 && closes.length === 0 && grown?.kind === 'text';
    return { places, grown: alone ? grown : null };
  }

  /** Returns what stands for the signature of a text that was masked; '' where nothing can. */
  private sealed({ channel, path }: NonNullable<EventReading['signature']>, value: unknown): string {
    const both = this.channels.both(channel);
    const signature = valueAt(value, path);
    const { sealer } = this.options;
    if (sealer === undefined || both === null || typeof signature !== 'string' || signature === '') return '';
    return sealSigned(sealer, { text: both.original, signature }, both.masked);
  }

  private close(names: readonly string[]): void {
    for (const name of names) {
      const rest = this.channels.close(name);
      if (rest === '') continue;
      const { event, value } = this.reader.delta(name, rest);
      this.out.push(this.framing.render(event, JSON.stringify(value)));
    }
  }
}

/** Returns true when `after` differs from `before` in nothing but the characters of the string from `start` to `end`. */
const differsWithin = (before: string, start: number, end: number, after: string): boolean => {
  const behind = after.length - (before.length - end);
  if (behind < start || !after.startsWith(before.slice(0, start)) || !after.endsWith(before.slice(end))) return false;
  return endOfString(after, start - 1) === behind;
};

/** Returns the mask for a stream of events in this framing that `reader` reads. */
export const maskEvents = (options: AnswerMaskOptions, framing: Framing, reader: StreamReader): AnswerMask =>
  new EventsMask(options, framing, reader);
