/**
 * The way of a call:
 * accept → identify → inspect → classify → decide → guard → limit → mask.request → record.open → (approve) →
 * forward → mask.answer → record.tee → respond → record.close
 */

import { decideEach } from '../decide/decide-each.ts';
import { Failure } from '../reasons.ts';
import { accept, type Arrival } from './accept.ts';
import { Answer } from './answer.ts';
import { approve } from './approve.ts';
import { classifyRequest, findForMasks } from './classify.ts';
import type { CallRequest, CallResponse } from './http/exchange.ts';
import { forward } from './forward.ts';
import { forwardSocket } from './websocket/forward.ts';
import type { Gate } from './gate.ts';
import { guardRequest } from './guard.ts';
import { guardTensors } from './guard-tensors.ts';
import { inspectBody } from './inspect-body.ts';
import { kept } from './kept.ts';
import { takeLimits } from './limits.ts';
import { maskBody, maskAnswerOf } from './masks.ts';
import { asRefusal, refuseCall, refuseStranger } from './refuse.ts';
import { openedBody } from './sealed.ts';
import { Underway } from './underway.ts';

/** Takes one request from its head to the beginning of its answer; the answer then flows by itself. */
export async function handle(gate: Gate, req: CallRequest, res: CallResponse, arrival: Arrival): Promise<void> {
  const began = gate.clock.mono();
  const epoch = gate.epoch();

  const accepted = accept(epoch, req, arrival);
  if (accepted.kind === 'refused') return refuseStranger(gate, res, arrival.peer, accepted);
  const { request, served } = accepted;

  const identified = await epoch.identifier.identify(request);
  if (identified.kind === 'refused')
    return refuseStranger(gate, res, request.source, identified, {
      codec: served.codec,
      operation: accepted.operation,
    });

  const call = new Underway(gate, epoch, req, res, accepted, identified.caller, began);
  try {
    const inspected = await inspectBody(call);
    const { facts, content } = inspected;
    call.inspected(facts, content?.replyTo ?? null);
    const each = await classifyRequest(call, inspected);

    const decided = decideEach(
      epoch.policy,
      call.caller,
      { ...request, protocol: served.config.protocol },
      each,
      gate.clock.now(),
    );
    const guarded = await guardTensors(call, guardRequest(call, decided, each), each);
    const verdict = takeLimits(call, guarded, each);
    call.decided(verdict);

    await findForMasks(call, verdict, inspected);
    const masked = verdict.effect === 'deny' ? null : await maskBody(call, inspected, verdict);
    const session = call.open(verdict, masked?.bytes ?? null, accepted.head.approval);
    if (verdict.effect === 'deny') return refuseCall(call, { reason: verdict.reason, detail: verdict.message });

    const decision = verdict.effect === 'hold' ? await approve(call, session, verdict, masked?.bytes ?? null) : null;
    if (decision?.kind === 'held') return refuseCall(call, decision);
    const body = openedBody(call, session, decision === null ? (masked?.bytes ?? call.body) : decision.body);
    await kept(session, decision !== null || facts.management || served.config.durable === 'before_forward');
    if (res.destroyed) return refuseCall(call, { reason: 'caller-left' });

    const mask = maskAnswerOf(call, verdict);
    call.allowance?.forwarded();
    if (accepted.socket !== null) return forwardSocket({ call, session, verdict, masks: mask });
    forward(
      served.upstream,
      { request, body, fields: masked?.fields ?? [], identity: mask.identity },
      new Answer(call, session, mask),
    );
  } catch (cause) {
    const failure = cause instanceof Failure ? cause : new Failure('internal', 'a call failed unexpectedly', { cause });
    if (failure.reason === 'internal') gate.log.error({ err: failure }, 'a call failed unexpectedly');
    refuseCall(call, asRefusal(failure));
  }
}
