/** Ends a request with a refusal: strangers are counted, identified calls are recorded. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Verdict } from '../call.ts';
import type { Codec } from '../protocol/codec.ts';
import type { Failure, Reason } from '../reasons.ts';
import type { Gate } from './gate.ts';
import { refusalFor, writeRefusal, type RefusalFields } from './refusal.ts';
import type { Underway } from './underway.ts';

/** Why a stranger is refused. */
interface StrangerRefusal {
  readonly reason: Reason;
  readonly detail?: string;
  readonly challenge?: string;
  /** For the operator: which check failed. */
  readonly why?: string;
}

/** Refuses a request of nobody we know: counted by source and reason, no session, and its body stays unread. */
export function refuseStranger(
  gate: Gate,
  req: IncomingMessage,
  res: ServerResponse,
  source: string,
  why: StrangerRefusal,
  codec: Codec | null = null,
): void {
  gate.recorder.refused(source, why.reason);
  gate.watcher.refused(why.reason);
  // at debug only: strangers must not be able to fill the log
  gate.log.debug({ reason: why.reason, why: why.why ?? why.detail ?? '', source }, 'refused a stranger');
  // what has no single reading leaves no certainty about where the next request begins either
  const close = hasUnreadBody(req) || why.reason === 'bad-request';
  if (close) lingerOnClose(req.socket);
  const detail = why.detail === undefined ? {} : { detail: why.detail };
  const challenge = why.challenge === undefined ? {} : { challenge: why.challenge };
  writeRefusal(res, refusalFor(why.reason, detail), codec, { ...challenge, close });
}

/** What a refusal of an identified call tells beside its reason. */
interface CallRefusal {
  readonly reason: Reason;
  readonly detail?: string;
  readonly extra?: Readonly<Record<string, string>>;
  readonly location?: string;
}

/** Refuses an identified call, once its record is durable. Opens the record if no station has. */
export function refuseCall(call: Underway, why: CallRefusal): void {
  const { res, req, accepted } = call;
  const session = call.session ?? openDenied(call, why.reason);
  if (res.destroyed) return call.end(refusalEnd('caller-left', 499, 'client_abort'));
  const write = (reason: Reason): void => {
    const details = { detail: why.detail ?? '', session: session?.id ?? '', extra: why.extra ?? {} };
    const refusal = refusalFor(reason, details);
    const close = hasUnreadBody(req);
    if (close) lingerOnClose(req.socket);
    const fields: RefusalFields = why.location === undefined ? { close } : { close, location: why.location };
    writeRefusal(res, refusal, accepted.served.codec, fields, session);
    call.end(refusalEnd(reason, refusal.status, 'refused'));
  };
  if (session === null) return write('evidence-unavailable');
  session.durable((ok) => write(ok ? why.reason : 'evidence-unavailable'));
}

/** Returns what a failure tells the caller. */
export const asRefusal = (failure: Failure): CallRefusal => ({ reason: failure.reason, detail: failure.detail });

const refusalEnd = (reason: Reason, status: number, ended: 'refused' | 'client_abort') => ({
  reason,
  status,
  ended,
  usage: null,
  events: 0,
});

/** Denied calls are recorded too; null when not even that is possible. */
function openDenied(call: Underway, reason: Reason): Underway['session'] {
  const verdict: Verdict = { effect: 'deny', reason, rule: '', message: '', mask: { request: [], answer: [] } };
  try {
    return call.open(verdict, null, '');
  } catch (cause) {
    call.gate.log.error({ err: cause }, 'a refused call could not be recorded');
    return null;
  }
}

const hasUnreadBody = (req: IncomingMessage): boolean =>
  !req.complete && (req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0);

/** The most that is thrown away, unlooked at, so that a refused sender can read why. */
const LINGER_BYTES = 1024 ** 2;
const LINGER_MS = 2_000;

/**
 * Lets a refused sender read the refusal: closing a socket with unread bytes makes the kernel send RST, which can
 * discard what was written. So the sending side ends, what still comes is dropped, and both bounds end it.
 */
function lingerOnClose(socket: Socket): void {
  socket.destroySoon = () => {
    socket.end();
    let left = LINGER_BYTES;
    socket.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) socket.destroy();
    });
    socket.setTimeout(LINGER_MS, () => socket.destroy());
    socket.once('end', () => socket.destroy());
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  };
}
