/** Reads along with an answer that no rule masks: every byte passes as it came, and usage is learnt on the way. */

import type { Codec, Operation, StreamReader, Usage } from '../protocol/codec.ts';
import { Gather } from '../protocol/gather.ts';
import { bodyForm } from '../protocol/media-type.ts';
import { readEvent, SseSplitter } from '../protocol/sse.ts';
import type { AnswerMask } from './answer.ts';

/** What is observed. */
export interface AnswerObservation {
  readonly codec: Codec;
  readonly operation: Operation;
  /** The answer's content type; empty when it has none. */
  readonly contentType: string;
  /** The most that is held of a whole answer, or of one event; a larger one passes unread. */
  readonly limit: number;
}

/** An answer passes whatever is in it: what cannot be read has no usage, that is all. */
const attempt = <T>(step: () => T, otherwise: T): T => {
  try {
    return step();
  } catch {
    return otherwise;
  }
};

class WholeObserver implements AnswerMask {
  readonly kind = 'stream';
  readonly events = 0;
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
    if (text.includes('"usage"')) this.usage = attempt(() => codec.usage(operation, JSON.parse(text)), null);
    return [];
  }
}

class EventsObserver implements AnswerMask {
  readonly kind = 'stream';
  usage: Usage | null = null;
  events = 0;
  private readonly reader: StreamReader | null;
  private splitter: SseSplitter | null;

  constructor({ codec, operation, limit }: AnswerObservation) {
    this.reader = codec.stream(operation);
    this.splitter = new SseSplitter(limit);
  }

  push(chunk: Buffer): readonly Buffer[] {
    const { splitter } = this;
    if (splitter !== null) {
      const frames = attempt(() => splitter.push(chunk), null);
      if (frames === null) this.splitter = null;
      else for (const frame of frames) this.look(frame);
    }
    return [chunk];
  }

  end(): readonly Buffer[] {
    if (this.splitter !== null) this.look(this.splitter.end());
    return [];
  }

  private look(frame: Buffer): void {
    if (!frame.includes('data')) return;
    this.events++;
    const { reader } = this;
    if (reader === null || !frame.includes('"usage"')) return;
    const { event, data } = readEvent(frame.toString('utf8'), this.events === 1);
    if (data === null) return;
    this.usage = attempt(() => reader.read(event, JSON.parse(data)).usage, null) ?? this.usage;
  }
}

/** Plain texts and what is no text at all. */
const passing = (): AnswerMask => ({ kind: 'stream', push: (chunk) => [chunk], end: () => [], usage: null, events: 0 });

/** Returns what reads along with one answer: it never changes, delays or refuses a byte. */
export const observeAnswer = (options: AnswerObservation): AnswerMask => {
  const form = bodyForm(options.contentType);
  if (form === 'json') return new WholeObserver(options);
  return form === 'sse' ? new EventsObserver(options) : passing();
};
