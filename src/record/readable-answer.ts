/** Turns the bytes of an answer into what a person reads: the text of a stream as it grew, anything else as it is. */

import type { Codec } from '../protocol/codec.ts';
import { readEvent, SseSplitter } from '../protocol/sse.ts';

/** Reads one answer piece by piece. */
export interface ReadableAnswer {
  /** Returns the text that these bytes add; possibly empty. */
  push(bytes: Buffer): string;
  /** Returns what is left at the end. */
  end(): string;
}

/** The largest event of a stream that is taken apart. */
const MAX_EVENT = 64 * 1024 ** 2;

/** What the answer answered. */
interface Answered {
  readonly codec: Codec;
  readonly method: string;
  /** The protocol's native path. */
  readonly path: string;
  /** `Content-Type` of the answer; empty when there was none. */
  readonly contentType: string;
}

/** Returns a reader for one answer. Bytes that are not what they claim to be are shown as they are. */
export function readableAnswer({ codec, method, path, contentType }: Answered): ReadableAnswer {
  const operation = codec.operation(method, path);
  const isStream = contentType.toLowerCase().startsWith('text/event-stream');
  const reader = isStream && operation !== null ? codec.stream(operation) : null;
  if (reader === null) return plainText();

  const splitter = new SseSplitter(MAX_EVENT);
  let first = true;
  const textOf = (frame: Buffer): string => {
    const { event, data } = readEvent(frame.toString(), first);
    first = false;
    if (data === null || data === '[DONE]') return '';
    try {
      return reader
        .read(event, JSON.parse(data))
        .deltas.map(({ text }) => text)
        .join('');
    } catch {
      // what the codec cannot read is evidence too
      return `${data}\n`;
    }
  };
  return {
    push: (bytes) => splitter.push(bytes).map(textOf).join(''),
    end: () => splitter.end().toString(),
  };
}

function plainText(): ReadableAnswer {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return { push: (bytes) => decoder.decode(bytes, { stream: true }), end: () => decoder.decode() };
}
