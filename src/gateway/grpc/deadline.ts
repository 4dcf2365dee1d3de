/** How long a gRPC call may take: as long as its caller waits, and no longer than the service answers one message. */

import { Failure } from '../../reasons.ts';
import type { GrpcCall } from './call.ts';

/** Timers of node take 31 bits of milliseconds; who waits longer waits for as long as it takes. */
const LONGEST = 2 ** 31 - 1;

/**
 * Returns a timer that calls `over` when a call has taken too long, null when it may take as long as it likes. Streams
 * without a deadline have no bound: their peers are watched by pings.
 */
export function watchDeadline(call: GrpcCall, over: (failure: Failure) => void): NodeJS.Timeout | null {
  const { method } = call;
  const { timeout, served } = call.accepted;
  const isUnary = method !== null && !method.streams.request && !method.streams.answer;
  const most = Math.min(timeout ?? Infinity, isUnary ? served.config.upstream.answer_timeout : Infinity);
  if (most > LONGEST) return null;
  return setTimeout(() => over(new Failure('upstream-timeout', 'the deadline of the call has passed')), most);
}
