/** Refuses gRPC calls of nobody we know. */

import type { ServerHttp2Stream } from 'node:http2';
import { statusFields } from '../../protocol/grpc/status.ts';
import type { Reason } from '../../reasons.ts';
import type { Gate } from '../gate.ts';
import { refusalFor } from '../refusal.ts';

/**
 * Refuses a gRPC call of nobody we know: counted by source and reason, no session, and its messages stay unread.
 * Trailers-Only (gRPC over HTTP/2, "Responses"): one HEADERS frame that ends the stream; the HTTP status is 200 because
 * the call itself was understood.
 */
export function refuseGrpc(gate: Gate, stream: ServerHttp2Stream, source: string, reason: Reason, detail = ''): void {
  gate.recorder.refused(source, reason);
  gate.watcher.refused(reason);
  if (stream.destroyed || stream.closed) return;
  const status = statusFields(refusalFor(reason, { detail }));
  stream.respond([':status', '200', 'content-type', 'application/grpc', ...status], { endStream: true });
  dropRest(stream);
}

/** How long a caller may take to notice that its call is over, ms. */
const NOTICE_MS = 1_000;

/**
 * Ends a stream whose answer is complete before its request is. What has arrived of the rest is dropped unseen, because
 * node keeps a stream for as long as it holds something to read; a caller who goes on is reset (RFC 9113 §8.1), though
 * not at once, since a reset overtakes what waits to be written.
 */
export function dropRest(stream: ServerHttp2Stream): void {
  if (stream.readableEnded) return;
  const timer = setTimeout(() => stream.destroy(), NOTICE_MS);
  stream.once('close', () => clearTimeout(timer));
  stream.resume();
}
