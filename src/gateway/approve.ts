/** approve: what happens to a call that policy holds. It waits for a human, or is told how to come back. */

import type { Verdict } from '../call.ts';
import type { Approval } from '../approve/approvals.ts';
import { envelopeDigests, type EnvelopeDigests } from '../approve/envelope.ts';
import { shortName } from '../approve/voter.ts';
import { Failure, type Reason } from '../reasons.ts';
import type { Session } from '../record/recorder.ts';
import { publicUrl } from './epoch.ts';
import type { CallState } from './underway.ts';

type Hold = Extract<Verdict, { effect: 'hold' }>;

/** The bytes that an approval lets pass. */
export interface Released {
  readonly kind: 'released';
  readonly body: Buffer | null;
}

/** Why a held call does not pass now. */
export interface Held {
  readonly kind: 'held';
  readonly reason: Reason;
  readonly detail: string;
  readonly extra: Readonly<Record<string, string>>;
}

/**
 * Resolves to what was approved: exactly the bytes that were stored when the approval was asked for, or to why the
 * call does not pass. `masked` is null where the body goes as it came. Rejects with Failure.
 */
export async function approve(
  call: CallState,
  session: Session,
  verdict: Hold,
  masked: Buffer | null,
): Promise<Released | Held> {
  const { head, request, served } = call.accepted;
  const digests = envelopeDigests({
    caller: call.caller,
    request,
    upstream: served.config.upstream.url,
    model: call.facts.model,
    body: call.body,
    forwarded: masked ?? call.body,
    policy: call.epoch.policy.basis(verdict),
  });
  if (head.approval !== '') return claim(call, session, head.approval, digests);

  const approval = await ask(call, session, verdict, masked, digests);
  const wait = Math.min(head.wait * 1000, call.epoch.config.approvals.wait);
  if (wait === 0 || !call.gate.waiting.take()) return required(call, approval);
  try {
    // the store has the body now
    call.release();
    return await waitFor(call, session, approval, wait, digests);
  } finally {
    call.gate.waiting.give();
  }
}

async function claim(
  call: CallState,
  session: Session,
  id: string,
  digests: EnvelopeDigests,
): Promise<Released | Held> {
  const outcome = await call.gate.approvals.claim({ id, caller: personOf(call), ...digests, session: session.id });
  if (outcome.kind === 'refused') return { kind: 'held', reason: outcome.reason, detail: '', extra: { approval: id } };
  // what crosses threads arrives as a plain Uint8Array
  return { kind: 'released', body: outcome.bytes === null ? null : Buffer.from(outcome.bytes) };
}

function ask(
  call: CallState,
  session: Session,
  verdict: Hold,
  masked: Buffer | null,
  digests: EnvelopeDigests,
): Promise<Approval> {
  const { by, quorum, within, useWithin } = verdict.approve;
  return call.gate.approvals.request({
    caller: personOf(call),
    actors: actors(call),
    ...digests,
    service: call.accepted.request.service,
    model: call.facts.model,
    operation: call.facts.operation,
    rule: verdict.rule,
    message: verdict.message,
    by,
    quorum,
    within,
    useWithin,
    session: session.id,
    body: call.body,
    forwarded: masked,
  });
}

/** Holds the call open until it is decided, the time is over, the caller leaves, or the gateway drains. */
async function waitFor(
  call: CallState,
  session: Session,
  approval: Approval,
  ms: number,
  digests: EnvelopeDigests,
): Promise<Released | Held> {
  const { gate } = call;
  const left = new Promise<'left'>((resolve) => call.whenLeft(() => resolve('left')));
  const drained = Promise.withResolvers<'draining'>();
  const drain = (): void => drained.resolve('draining');
  gate.drain.addEventListener('abort', drain, { once: true });
  const outcome = await Promise.race([gate.approvals.decided({ id: approval.id, ms }), left, drained.promise]).finally(
    () => gate.drain.removeEventListener('abort', drain),
  );
  if (outcome === 'left') {
    await call.gate.approvals.cancel({ id: approval.id, caller: personOf(call) });
    throw new Failure('caller-left', 'the caller left while waiting for approval');
  }
  if (outcome === 'pending' || outcome === 'draining') return required(call, approval);
  await identifyAgain(call);
  // other rules may hold by now: who comes again is decided on by them, and the approval still counts where they allow it
  if (gate.epoch().inForce !== call.epoch.inForce) return required(call, approval);
  return claim(call, session, approval.id, digests);
}

/** Time has passed since the token was verified. Rejects with Failure where it would not let the caller in now. */
async function identifyAgain({ gate, accepted }: CallState): Promise<void> {
  const identified = await gate.epoch().identifier.identify(accepted.request);
  if (identified.kind === 'refused')
    throw new Failure(identified.reason, `the caller is not let in any more: ${identified.why}`);
}

function required(call: CallState, approval: Approval): Held {
  return {
    kind: 'held',
    reason: 'approval-required',
    detail: `${approval.message === '' ? '' : `${approval.message} `}Ask ${approval.approvers.map(shortName).join(' or ')} to approve ${approval.id}, then send the same request with the header sallyport-approval: ${approval.id}.`,
    extra: {
      approval: approval.id,
      approval_url: `${publicUrl(call.epoch.config)}/approvals/${approval.id}`,
      expires: new Date(approval.expires).toISOString(),
    },
  };
}

const personOf = ({ caller }: CallState) => ({ issuer: caller.issuer, subject: caller.subject });

/** Everybody in the `act` chain (RFC 8693 §4.1): who acts for the caller may not approve what they ask for. */
function actors({ caller }: CallState): { readonly issuer: string; readonly subject: string }[] {
  const chain: { issuer: string; subject: string }[] = [];
  for (let act = caller.claims['act']; isClaims(act); act = act['act']) {
    if (typeof act['sub'] !== 'string' || chain.length === 8) break;
    chain.push({ issuer: typeof act['iss'] === 'string' ? act['iss'] : caller.issuer, subject: act['sub'] });
  }
  return chain;
}

const isClaims = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
