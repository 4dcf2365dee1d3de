/** Ends a request with a refusal: strangers are counted, identified calls are recorded. */

import type { Verdict } from '../call.ts';
import type { Failure, Reason } from '../reasons.ts';
import type { CallResponse } from './http/exchange.ts';
import type { Gate } from './gate.ts';
import { refusalFor, writeRefusal, type RefusalFields, type Spoken } from './refusal.ts';
import type { CallState, Underway } from './underway.ts';

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
  res: CallResponse,
  source: string,
  why: StrangerRefusal,
  spoken: Spoken | null = null,
): void {
  gate.recorder.refused(source, why.reason);
  gate.watcher.refused(why.reason);
  // at debug only: strangers must not be able to fill the log
  gate.log.debug({ reason: why.reason, why: why.why ?? why.detail ?? '', source }, 'refused a stranger');
  // what has no single reading leaves no certainty about where the next request begins either
  const closing = res.restUnread || why.reason === 'bad-request' ? res.dropRest() : [];
  const detail = why.detail === undefined ? {} : { detail: why.detail };
  const challenge = why.challenge === undefined ? {} : { challenge: why.challenge };
  writeRefusal(res, refusalFor(why.reason, detail), spoken, { ...challenge, closing });
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
  const { res, accepted } = call;
  const session = call.session ?? openDenied(call, why.reason);
  if (res.destroyed) return call.end(refusalEnd('caller-left', 499, 'client_abort'));
  const write = (reason: Reason): void => {
    const details = {
      detail: why.detail ?? '',
      session: session?.id ?? '',
      extra: why.extra ?? {},
      replyTo: call.replyTo,
    };
    const refusal = refusalFor(reason, details);
    const closing = res.restUnread ? res.dropRest() : [];
    const fields: RefusalFields = why.location === undefined ? { closing } : { closing, location: why.location };
    const spoken = { codec: accepted.served.codec, operation: accepted.operation };
    call.settle({ reason, status: refusal.status, usage: null });
    const status = writeRefusal(res, refusal, spoken, { ...fields, ...retryAfter(call, reason) }, session);
    call.end(refusalEnd(reason, status, 'refused'));
  };
  if (session === null) return write('evidence-unavailable');
  session.durable((ok) => write(ok ? why.reason : 'evidence-unavailable'));
}

/** Returns when a limit lets the same call pass: whole seconds, none too few. Empty where no limit decided. */
export function retryAfter({ retryAt, gate }: CallState, reason: Reason): Pick<RefusalFields, 'retryAfter'> {
  if (retryAt === null || (reason !== 'rate-limited' && reason !== 'budget-exceeded')) return {};
  return { retryAfter: Math.max(1, Math.ceil((retryAt - gate.clock.now()) / 1000)) };
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
