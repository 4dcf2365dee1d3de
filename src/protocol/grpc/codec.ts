/** What a gRPC service tells the house about its methods. Codecs are pure: bytes of one message in, what they mean out. */

import type { JsonStep, RequestReading } from '../../call.ts';
import type { Operation } from '../codec.ts';
import type { Asking, MetadataCall } from '../model-inputs.ts';

/**
 * Returns what stands for a text of a message: the same string when it stays. `tensor` is the name of the tensor that it
 * stands in, '' for none; missing where the method is not known to speak of tensors.
 */
export type EditText = (text: string, path: readonly JsonStep[], tensor?: string) => string;

/** How the texts of a stream's messages continue one another. */
export interface Continued {
  /** Returns the name of what a message is a part of: texts at one place of one part are one text. */
  part(message: Buffer): string;
  /** Returns true for the last message of its part. */
  isLast(message: Buffer): boolean;
}

/** Messages of one direction. Throw WireError for bytes that are no such message. */
export interface MessageCodec {
  /** Missing where each message of a stream is by itself. */
  readonly continued?: Continued;
  /** Returns the message with its texts edited; the very same buffer when none changed. */
  edit(message: Buffer, edit: EditText): Buffer;
}

/** Messages that callers send. */
export interface RequestCodec extends MessageCodec {
  /** Returns what the message asks for. */
  read(message: Buffer): RequestReading;
}

/** One method. */
export interface GrpcMethod {
  /** Its name is a closed word of the protocol, or `PACKAGE.SERVICE/METHOD`. */
  readonly operation: Operation;
  readonly streams: Streams;
  readonly request: RequestCodec;
  readonly answer: MessageCodec;
  /** Returns how the server is asked what the model takes that this message hands tensors to; missing where it hands over none. Throws WireError. */
  metadata?(message: Buffer): Asking<MetadataCall>;
}

/** Which directions carry more than one message. */
export interface Streams {
  readonly request: boolean;
  readonly answer: boolean;
}

/** Returns the operation of a method; `management` when it changes what the server is, not what it answers. */
export const operationOf = (name: string, management = false): Operation => ({
  name,
  body: 'opaque',
  ...(management ? { management } : {}),
});

/** One protocol over gRPC. */
export interface GrpcCodec {
  /** Returns the method at `/PACKAGE.SERVICE/METHOD`, null when the protocol has none there. */
  method(path: string): GrpcMethod | null;
}

/** A protocol whose methods are built in. */
export interface BuiltInGrpc extends GrpcCodec {
  /** By path. */
  readonly methods: ReadonlyMap<string, GrpcMethod>;
}

/** Returns the codec of these methods. */
export const builtIn = (methods: ReadonlyMap<string, GrpcMethod>): BuiltInGrpc => ({
  methods,
  method: (path) => methods.get(path) ?? null,
});

/** The streams of three kinds of call; no protocol that is built in has the fourth. */
export const UNARY: Streams = { request: false, answer: false };
export const SERVER_STREAM: Streams = { request: false, answer: true };
export const BIDI: Streams = { request: true, answer: true };
