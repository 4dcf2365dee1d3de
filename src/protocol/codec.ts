/** What each wire protocol tells the house about itself. Codecs are pure: no I/O, no clock, no state between calls. */

import type { JsonStep, RequestReading, ToolCall } from '../call.ts';
import type { Reason } from '../reasons.ts';
import type { About } from './about.ts';
import type { Content, RawBody } from './content.ts';
import type { Framing } from './framing/framing.ts';
import type { Asking, MetadataQuestion } from './model-inputs.ts';
import type { SocketCodec } from './socket.ts';

/** One operation of a protocol, as the method and the path name it. */
export interface Operation {
  /** Closed word, for example `chat`, `responses`, `embeddings`, `models.list`. */
  readonly name: string;
  /** What the request body is; `optional` is JSON or nothing at all, `form` is multipart/form-data. */
  readonly body: 'none' | 'json' | 'optional' | 'form' | 'opaque';
  /** What the path names, decoded, by the names of its row; `model` is the model's. None where it is missing. */
  readonly names?: Readonly<Record<string, string>>;
  /** It changes or shows the server itself (models, slots, adapters): a rule has to speak of it to allow it. */
  readonly management?: boolean;
}

/**
 * What a string of a document is. `text` is scanned and masked as it stands. `json` is JSON inside a string (the
 * arguments of a tool call): its own strings are. `base64` is bytes that may be text: what they hold is. `data` (ids,
 * signatures, images) is neither scanned nor masked.
 */
export type StringKind = 'text' | 'json' | 'base64' | 'data';

/** A text that grows over the events of a stream. */
export interface Delta {
  /** Same channel ⇒ one continuous text, for example `choice 0 content`. */
  readonly channel: string;
  /** Where the text stands in this event's document. */
  readonly path: readonly JsonStep[];
  readonly text: string;
  readonly kind: StringKind;
  /** A signature over the whole text may follow. */
  readonly signed?: boolean;
}

/** What one event of a stream means for masking. */
export interface EventReading {
  readonly deltas: readonly Delta[];
  /** Channels that end with this event or before it: their held text goes out ahead of it. `all` at the end of the stream. */
  readonly closes: readonly string[] | 'all';
  /** Tokens used so far, when the event says so. */
  readonly usage: Usage | null;
  /** A string that vouches for the text of a channel: another stands there when the text was masked. */
  readonly signature: { readonly channel: string; readonly path: readonly JsonStep[] } | null;
}

/** What an event of a stream says of a tool call. `call` is the same for the same call. */
export type CallPiece =
  /** It goes on: its name, '' where this event does not say, and more of its arguments. */
  | { readonly kind: 'grows'; readonly call: string; readonly name: string; readonly text: string }
  /** All of it at once, or once more; `call` is null where nothing goes on. `name` is '' where only the arguments are said. */
  | { readonly kind: 'whole'; readonly call: string | null; readonly name: string; readonly arguments: unknown };

/** What an event says of tool calls. */
export interface CallEvent {
  readonly pieces: readonly CallPiece[];
  /** What the names of the calls begin with that end here; '' is all of them. */
  readonly ends: readonly string[];
}

/** Where the documents of one operation say that a tool is called. Pure: who follows a stream keeps its state. */
export interface CallReading {
  /** Returns the calls in a whole request or answer. */
  whole(document: unknown): readonly ToolCall[];
  /** Returns what an event of a stream says of calls. */
  event(event: string, value: unknown): CallEvent;
}

/** Tokens as the model server counted them. */
export interface Usage {
  readonly input: number;
  readonly output: number;
}

/** Reads the events of one streamed answer, in order. */
export interface StreamReader {
  /** It compares events with one another, so that none may be skipped that looks like the one before. */
  readonly comparesEvents?: true;
  /**
   * Returns what the event means. `event` is its name ('' when it has none) and `value` the parsed data.
   * Throws Failure `answer-unreadable` when the shape contradicts the protocol, or is an unknown one that holds text.
   */
  read(event: string, value: unknown): EventReading;
  /** Returns the `event` name ('' for none) and data of an event that carries only `text` on `channel`. */
  delta(channel: string, text: string): { readonly event: string; readonly value: unknown };
}

/** What an answer must name for its caller to know what it answers: ids of JSON-RPC requests. */
export interface ReplyTo {
  readonly ids: readonly (string | number)[];
  /** They came in one array, and so must the answers. */
  readonly isBatch: boolean;
}

/** What a refusal must say, whatever the protocol. */
export interface Refusal {
  readonly status: number;
  readonly reason: Reason;
  readonly title: string;
  readonly detail: string;
  readonly session: string;
  /** Further members, for example `approval`. */
  readonly extra: Readonly<Record<string, string>>;
  /** Missing where the body was not read, or names nothing. */
  readonly replyTo?: ReplyTo;
}

/** RFC 9457 §3: what an error document is called. */
export const PROBLEM_JSON = 'application/problem+json';

/** One wire protocol. */
export interface Codec {
  readonly protocol: string;
  /** What docs/protocols.md says of the protocol. */
  readonly about: About;
  /** Returns the operation at this method and native path, or null when the protocol knows none there. */
  operation(method: string, path: string): Operation | null;
  /** Returns what the request body says. Throws Failure `body-unreadable` when it contradicts the protocol. */
  request(operation: Operation, value: unknown): RequestReading;
  /**
   * Returns what a body holds that is more than one JSON document of one operation; null where it is just that. Missing
   * where the protocol has no such bodies. Throws Failure `body-unreadable` when it contradicts the protocol.
   */
  content?(operation: Operation, body: RawBody): Content | null;
  /** Its JSON may hold NaN and the infinities, which strict JSON has not. */
  readonly nonFinite?: true;
  /**
   * Returns what reads a whole answer with this head that is more than one JSON document; null where it is just that.
   * Missing where the protocol has no such answers. The reader throws Failure `answer-unreadable`.
   */
  answerContent?(operation: Operation, rawHeaders: readonly string[]): ((bytes: Buffer) => Content) | null;
  /**
   * Returns the content type of what an answer with this head brings in parts of an AWS event stream, cut anywhere; null
   * for any other answer. Missing where the protocol has no such answers.
   */
  parts?(operation: Operation, contentType: string, rawHeaders: readonly string[]): string | null;
  /** Returns the tokens used according to a whole answer, or null. */
  usage(operation: Operation, value: unknown): Usage | null;
  /**
   * Returns what the string at this place of a request, an answer or an event is. `document` is the whole document, for
   * places that only a neighbour explains. What is declared as data but does not look like data is text.
   */
  kind(operation: Operation, path: readonly JsonStep[], text: string, document: unknown): StringKind;
  /** Returns true for a value of an answer that repeats text where no mask can reach it (token by token, in bytes). */
  leaks(operation: Operation, path: readonly JsonStep[]): boolean;
  /**
   * Returns the place of the string that vouches for the text at this place of a request or an answer (a signature), or null.
   * Missing where the protocol signs nothing: then nothing of it is under seal either.
   */
  signature?(operation: Operation, path: readonly JsonStep[]): readonly JsonStep[] | null;
  /** Returns the ways in which answers of this operation carry events. */
  framings(operation: Operation): readonly Framing[];
  /** Returns what stands in the bytes of an answer, or of an event, that counts tokens; empty where none does. */
  counts(operation: Operation): string;
  /** Returns true for an operation whose answer may be sound or pictures: there is no text in them. Missing: none. */
  media?(operation: Operation): boolean;
  /** Returns a reader for one streamed answer; null when the operation does not stream. */
  stream(operation: Operation): StreamReader | null;
  /** Returns where documents of this operation say that a tool is called; null where none does, missing where the protocol has no tools. */
  toolCalls?(operation: Operation): CallReading | null;
  /**
   * Returns how a model server is asked what the model takes that this operation, at this native path, hands tensors to.
   * Missing where the protocol has none.
   */
  metadata?(operation: Operation, path: string): Asking<MetadataQuestion>;
  /** Returns what the messages of an operation mean that is a WebSocket; null for any other, missing where none is. */
  socket?(operation: Operation): SocketCodec | null;
  /** Returns the content type of refusals: `application/problem+json` unless the protocol's SDKs read another one only. */
  refusalType(operation?: Operation | null): string;
  /**
   * Returns the members that this protocol's SDKs look for in an error document, beside the problem+json ones.
   * `operation` is null or missing where the protocol has no such operation.
   */
  refusal(refusal: Refusal, operation?: Operation | null): Readonly<Record<string, unknown>>;
  /** Returns the refusal as this protocol's SDKs take it and nothing else beside; missing where they take problem+json. */
  wholeRefusal?(refusal: Refusal): { readonly status: number; readonly document: unknown };
  /** Returns the event of a stream that tells the protocol's SDK that the answer ended with an error. */
  streamFailure(refusal: Refusal, operation?: Operation | null): { readonly event: string; readonly value: unknown };
}
