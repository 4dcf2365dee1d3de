/** Turns the bytes of an answer into what a person reads: the text of a stream as it grew, anything else as it is. */

import { parseJson } from '../protocol/json/json.ts';
import type { Codec } from '../protocol/codec.ts';
import { framingOf } from '../protocol/framing/framing.ts';

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
  const framing = operation === null ? null : framingOf(codec, operation, contentType);
  const reader = framing === null || operation === null ? null : codec.stream(operation);
  if (framing === null || reader === null) return plainText();

  const splitter = framing.splitter(MAX_EVENT);
  let first = true;
  const textOf = (frame: Buffer): string => {
    const { event, data } = framing.read(frame, framing.isText ? frame.toString() : '', first);
    first = false;
    if (data === null || data === '[DONE]') return '';
    try {
      return reader
        .read(event, parseJson(data, 'answer-unreadable', { loneSurrogates: 'keep' }))
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
