/** Where gRPC calls enter. There is no relay yet, so every call is told so in gRPC's own words. */

import type { ServerHttp2Stream } from 'node:http2';
import { REASONS, type Reason } from '../reasons.ts';
import type { Arrival } from './accept.ts';
import type { Gate } from './gate.ts';
import type { IncomingHead } from './head.ts';

/** Returns true for the content types of gRPC over HTTP/2 (`application/grpc`, `+proto`, `+json`, …), not gRPC-Web. */
export const isGrpc = (contentType: string): boolean => /^application\/grpc(?:$|[+; ])/i.test(contentType);

/** Takes one gRPC call. `head` has been read, and was not found malformed; the stream has an error listener. */
export function handleGrpc(gate: Gate, stream: ServerHttp2Stream, head: IncomingHead, arrival: Arrival): void {
  void head;
  refuseGrpc(gate, stream, arrival.peer, 'operation-unknown', 'gRPC is not carried yet.');
}

/**
 * Refuses a gRPC call of nobody we know. Trailers-Only (gRPC over HTTP/2, "Responses"): one HEADERS frame that ends the
 * stream; the HTTP status is 200 because the call itself was understood.
 */
export function refuseGrpc(gate: Gate, stream: ServerHttp2Stream, source: string, reason: Reason, detail = ''): void {
  gate.recorder.refused(source, reason);
  gate.watcher.refused(reason);
  if (stream.destroyed || stream.closed) return;
  const { grpc, title } = REASONS[reason];
  stream.respond(
    [
      ':status',
      '200',
      'content-type',
      'application/grpc',
      'grpc-status',
      String(grpc),
      'grpc-message',
      percentEncode(detail === '' ? title : detail),
    ],
    { endStream: true },
  );
  // the rest of the request is not read (RFC 9113 §8.1)
  stream.close();
}

/** gRPC over HTTP/2, "Percent-Encoded": everything but printable ASCII, and the percent sign itself. */
const percentEncode = (text: string): string =>
  text.replaceAll(/[^\x20-\x24\x26-\x7e]+/g, (part) => encodeURIComponent(part));
