/**
 * What streamed answers share, whatever carries them: a framing cuts bytes into frames, a frame holds at most one event,
 * and an event has a name and data in JSON. Everything that is done with events is written once, over this.
 */

import type { Codec, Operation } from '../codec.ts';
import { type BodyForm, bodyForm } from '../media-type.ts';

/** Cuts a stream of bytes into frames. Joined, the frames and the rest are the stream. */
export interface Splitter {
  /** Returns the frames that this chunk completes; they may share its memory. Throws Failure `answer-unreadable`. */
  push(chunk: Buffer): readonly Buffer[];
  /** Returns what is no whole frame, empty when nothing is left. */
  end(): Buffer;
}

/** What a frame says. */
export interface Frame {
  /** The event's name; empty for none. */
  readonly event: string;
  /** The event's data, JSON text as a rule; null for a frame without an event. */
  readonly data: string | null;
  /** Where the data begins in the frame's text, in UTF-16 units; -1 when it does not stand there in one piece. */
  readonly at: number;
  /** No event can follow: what texts still hold back has to leave with this frame, or ahead of it. */
  readonly last: boolean;
  /**
   * Returns the frame with other data, and with `line` applied to every other string that it carries; the very same
   * bytes when nothing changes.
   */
  rewrite(data: string | null, line: (text: string) => string): Buffer;
}

/** One way to carry events in bytes. */
export interface Framing {
  readonly name: 'sse' | 'ndjson' | 'json-array' | 'eventstream' | 'message';
  /** What the content type of such an answer says. */
  readonly form: BodyForm;
  /** Frames are texts in UTF-8. */
  readonly isText: boolean;
  /** Frames leave one by one: something around them says where each ends. */
  readonly apart?: true;
  /** What ends a frame that the end of the stream cut short, so that another may follow. */
  readonly ending: Buffer;
  /** Returns a splitter for one stream. `limit`: the largest frame in bytes. */
  splitter(limit: number): Splitter;
  /**
   * Returns what a frame says. `text` is the frame decoded, empty unless `isText`; `first` for the first frame of a
   * stream. Throws Failure `answer-unreadable` for a frame that the framing does not allow.
   */
  read(frame: Buffer, text: string, first: boolean): Frame;
  /** Returns false for a frame that holds no event; cheap, and may be wrong the other way. */
  mayHoldEvent(frame: Buffer): boolean;
  /** Returns a frame with this event, to stand between two frames. The data holds no CR. */
  render(event: string, data: string): Buffer;
  /** Returns a frame that says that the answer failed, to stand at the end; empty where there is no such frame. */
  renderFailure(event: string, data: string): Buffer;
}

/** Returns how an answer of this content type carries events, null when it carries none. */
export const framingOf = (codec: Codec, operation: Operation, contentType: string): Framing | null => {
  const form = bodyForm(contentType);
  return codec.framings(operation).find((framing) => framing.form === form) ?? null;
};
