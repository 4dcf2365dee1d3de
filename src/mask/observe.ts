/** Reads along with an answer that no rule masks: every byte passes as it came, and usage is learnt on the way. */

import type { Codec, EventReading, Operation, StreamReader, Usage } from '../protocol/codec.ts';
import { Gather } from '../protocol/framing/gather.ts';
import { type Framing, framingOf, type Splitter } from '../protocol/framing/framing.ts';
import { parseJson } from '../protocol/json/json.ts';
import { bodyForm } from '../protocol/media-type.ts';
import { messages } from '../protocol/framing/message-framing.ts';
import type { AnswerMask } from './answer-mask.ts';

/** What is observed. */
export interface AnswerObservation {
  readonly codec: Codec;
  readonly operation: Operation;
  /** The answer's content type; empty when it has none. */
  readonly contentType: string;
  /** The most that is held of a whole answer, or of one event; a larger one passes unread. */
  readonly limit: number;
  /** Read every event, to know how much the model has written; without, only those that count tokens. */
  readonly measures?: boolean;
}

/** An answer passes whatever is in it: what cannot be read has no usage, that is all. */
const attempt = <T>(step: () => T, otherwise: T): T => {
  try {
    return step();
  } catch {
    return otherwise;
  }
};

const read = (text: string): unknown => parseJson(text, 'answer-unreadable', { loneSurrogates: 'keep' });

class WholeObserver implements AnswerMask {
  readonly kind = 'stream';
  readonly events = 0;
  /** Known only when all of it is there. */
  readonly written = 0;
  usage: Usage | null = null;
  private readonly options: AnswerObservation;
  private body: Gather | null = new Gather();

  constructor(options: AnswerObservation) {
    this.options = options;
  }

  push(chunk: Buffer): readonly Buffer[] {
    if (this.body !== null && this.body.length + chunk.length > this.options.limit) this.body = null;
    this.body?.add(chunk);
    return [chunk];
  }

  end(): readonly Buffer[] {
    const { codec, operation } = this.options;
    const text = this.body?.take().toString('utf8') ?? '';
    // Looking costs a parse: only an answer that counts tokens is worth it.
    const counts = codec.counts(operation);
    if (counts !== '' && text.includes(counts)) this.usage = attempt(() => codec.usage(operation, read(text)), null);
    return [];
  }
}

class EventsObserver implements AnswerMask {
  readonly kind = 'stream';
  usage: Usage | null = null;
  events = 0;
  private text = 0;
  private readonly framing: Framing;
  private readonly counts: string;
  private readonly measures: boolean;
  private readonly reader: StreamReader | null;
  private splitter: Splitter | null;

  constructor({ codec, operation, limit, measures = false }: AnswerObservation, framing: Framing) {
    this.framing = framing;
    this.counts = codec.counts(operation);
    this.measures = measures;
    this.reader = this.counts === '' && !measures ? null : codec.stream(operation);
    this.splitter = framing.splitter(limit);
  }

  get written(): number | undefined {
    return this.measures ? this.text : undefined;
  }

  push(chunk: Buffer): readonly Buffer[] {
    const { splitter } = this;
    if (splitter !== null) {
      const frames = attempt(() => splitter.push(chunk), null);
      if (frames === null) this.splitter = null;
      else for (const frame of frames) this.look(frame);
    }
    // what cannot be told apart counts as text, all of it
    if (this.splitter === null) this.text += chunk.length;
    return [chunk];
  }

  end(): readonly Buffer[] {
    if (this.splitter !== null) this.look(this.splitter.end());
    return [];
  }

  private look(frame: Buffer): void {
    const { framing, reader, counts } = this;
    if (!framing.mayHoldEvent(frame)) return;
    this.events++;
    if (this.measures) return this.measure(frame);
    if (reader === null || (framing.isText && !frame.includes(counts))) return;
    this.usage = attempt(() => this.count(reader, frame), null) ?? this.usage;
  }

  private measure(frame: Buffer): void {
    const { framing, reader } = this;
    const seen = attempt(() => {
      const { data, event } = framing.read(frame, framing.isText ? frame.toString('utf8') : '', this.events === 1);
      if (data === null || data === '' || data.trim() === DONE) return NOTHING_SAID;
      return reader?.read(event, read(data)) ?? null;
    }, null);
    if (seen === null) {
      this.text += frame.length;
      return;
    }
    this.usage = seen.usage ?? this.usage;
    for (const { text } of seen.deltas) this.text += Buffer.byteLength(text);
  }

  private count(reader: StreamReader, frame: Buffer): Usage | null {
    const { framing, counts } = this;
    const { event, data } = framing.read(frame, framing.isText ? frame.toString('utf8') : '', this.events === 1);
    return data?.includes(counts) === true ? reader.read(event, read(data)).usage : null;
  }
}

/** What OpenAI's streams end with. */
const DONE = '[DONE]';
const NOTHING_SAID: Pick<EventReading, 'usage' | 'deltas'> = { usage: null, deltas: [] };

/** Plain texts and what is no text at all. */
const passing = (): AnswerMask => ({ kind: 'stream', push: (chunk) => [chunk], end: () => [], usage: null, events: 0 });

/** Returns what reads along with one answer: it never changes, delays or refuses a byte. */
export const observeAnswer = (options: AnswerObservation): AnswerMask => {
  const framing = framingOf(options.codec, options.operation, options.contentType);
  if (framing !== null) return new EventsObserver(options, framing);
  return bodyForm(options.contentType) === 'json' ? new WholeObserver(options) : passing();
};

/** Returns what reads along with the messages of a WebSocket: it never changes, delays or refuses one. */
export const observeMessages = (options: Omit<AnswerObservation, 'contentType'>): AnswerMask =>
  new EventsObserver({ ...options, contentType: '' }, messages);
