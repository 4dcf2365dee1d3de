/** What a protocol tells of an operation that is a WebSocket: the caller's messages ask, the server's carry texts. */

import type { RequestReading } from '../call.ts';
import type { Operation, Refusal } from './codec.ts';

/** What one message of a caller asks. */
export interface SocketMessage {
  /** Named after the socket's operation and the message, for example `realtime.response.create`. */
  readonly operation: Operation;
  readonly reading: RequestReading;
}

/**
 * The messages of one operation that is a WebSocket. Every message is one JSON document in a text frame; the server's
 * are read as the events of a stream (`Codec.stream`).
 */
export interface SocketCodec {
  /** Returns what the query of the handshake asks. Throws Failure `body-unreadable` when it has no single reading. */
  handshake(query: string): RequestReading;
  /** Returns what a message of the caller asks. Throws Failure `body-unreadable` when it contradicts the protocol. */
  message(value: unknown): SocketMessage;
  /** Returns the message that tells the protocol's SDK why the connection is about to be closed. */
  failure(refusal: Refusal): unknown;
}
