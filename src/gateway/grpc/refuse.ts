/** Refuses gRPC calls of nobody we know. */

import type { ServerHttp2Stream } from 'node:http2';
import { statusFields } from '../../protocol/grpc/status.ts';
import type { Reason } from '../../reasons.ts';
import type { Gate } from '../gate.ts';
import { dropRest } from '../http/drop-rest.ts';
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
