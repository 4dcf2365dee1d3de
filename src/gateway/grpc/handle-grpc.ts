/**
 * The way of a gRPC call, which is that of any call (handle.ts), message by message:
 * accept → identify → (inspect → classify → decide → limit → mask.request) → record.open → (approve) → forward → mask.answer → record.tee
 * → respond → record.close
 */

import type { ServerHttp2Stream } from 'node:http2';
import type { GrpcFrame } from '../../protocol/grpc/grpc.ts';
import { showTimeout } from '../../protocol/grpc/timeout.ts';
import { Failure } from '../../reasons.ts';
import type { Arrival } from '../accept.ts';
import type { Gate } from '../gate.ts';
import { acceptGrpc } from './accept.ts';
import { admit, type Admission } from './admit.ts';
import { GrpcAnswer, NO_MASKS } from './answer.ts';
import { GrpcCall } from './call.ts';
import { grpcRequestFields } from './fields.ts';
import { watchDeadline } from './deadline.ts';
import { forwardGrpc } from './forward.ts';
import { holdGrpcAnswer } from './hold.ts';
import { maskGrpcAnswer } from './masks.ts';
import { CallerMessages, type MessageLimits } from './messages.ts';
import { pass } from './pass.ts';
import { refuseGrpc } from './refuse.ts';
import type { IncomingHead } from '../http/head.ts';

/** Returns true for the content types of gRPC over HTTP/2 (`application/grpc`, `+proto`, `+json`, …), not gRPC-Web. */
export const isGrpc = (contentType: string): boolean => /^application\/grpc(?:$|[+; ])/i.test(contentType);

/** Takes one gRPC call. `head` has been read, and was not found malformed; the stream has an error listener. */
export async function handleGrpc(
  gate: Gate,
  stream: ServerHttp2Stream,
  head: IncomingHead,
  arrival: Arrival,
): Promise<void> {
  const began = gate.clock.mono();
  const epoch = gate.epoch();

  const accepted = acceptGrpc(epoch, head, arrival);
  if (accepted.kind === 'refused') return refuseGrpc(gate, stream, arrival.peer, accepted.reason, accepted.detail);
  const { request } = accepted;

  const identified = await epoch.identifier.identify(request);
  if (identified.kind === 'refused') return refuseGrpc(gate, stream, request.source, identified.reason);

  const call = new GrpcCall(gate, epoch, stream, accepted, identified.caller, began);
  const end = (failure: Failure, extra: Readonly<Record<string, string>> = {}): void => {
    call.answer ??= new GrpcAnswer(call, call.session ?? call.openRefused(failure), NO_MASKS);
    call.answer.fail(failure, { extra });
  };
  try {
    if (call.method === null) await call.learnMethod();
  } catch (cause) {
    return end(asFailure(cause));
  }
  const messages = new CallerMessages(stream, messageLimits(call));
  call.messages = messages;
  const deadline = watchDeadline(call, end);
  call.whenLeft(() => {
    if (deadline !== null) clearTimeout(deadline);
    messages.stop();
    end(LEFT);
  });
  try {
    const first = await admit(call, await messages.next(), epoch.policy);
    if (call.answer !== null) return;
    call.inspected(first.facts);
    call.hold(first.frame);
    const session = call.open(first.verdict, first.masked, accepted.head.approval);
    const passing = await pass(call, session, first);
    if (passing.kind === 'ends') return end(passing.failure, passing.extra);
    if (call.answer !== null) return;

    const rules = first.verdict.mask.answer;
    const holds = holdGrpcAnswer(call, rules);
    const mask = maskGrpcAnswer(call, rules, holds?.found ?? null);
    const answer = new GrpcAnswer(call, session, { mask, holds, rules });
    call.answer = answer;
    call.allowance?.forwarded();
    const outgoing = forwardGrpc(
      accepted.grpc.upstream,
      upstreamHead(call, mask !== null || holds !== null, passing.asked),
      answer,
    );
    if (passing.bytes !== null) await outgoing.write(passing.bytes);

    for (let frame = await messages.next(); frame !== null && !answer.over; frame = await messages.next()) {
      const next = await admitFurther(call, frame);
      const further = await pass(call, session, next);
      if (further.kind === 'ends') return end(further.failure, further.extra);
      if (further.bytes !== null) await outgoing.write(further.bytes);
    }
    outgoing.end();
  } catch (cause) {
    const failure = asFailure(cause);
    if (failure.reason === 'internal') gate.log.error({ err: failure }, 'a call failed unexpectedly');
    end(failure);
  }
}

const asFailure = (cause: unknown): Failure =>
  cause instanceof Failure ? cause : new Failure('internal', 'a call failed unexpectedly', { cause });

const LEFT = new Failure('caller-left', 'the caller cancelled the call');

function messageLimits({ accepted, method, epoch, gate }: GrpcCall): MessageLimits {
  return {
    longest: accepted.grpc.longest,
    timeout: epoch.config.limits.body_timeout,
    prompt: method?.streams.request === false,
    budget: gate.budget,
  };
}

/** Resolves to a message behind the first: on record with what is forwarded of it, and masked for as its verdict says. */
async function admitFurther(call: GrpcCall, frame: GrpcFrame): Promise<Admission> {
  if (call.method?.streams.request === false)
    throw new Failure('body-unreadable', 'expected one message', { detail: 'This method takes one message.' });
  const admission = await admit(call, frame, call.epoch.policy.messages);
  call.alsoInspected(admission.facts);
  call.hold(frame.bytes);
  if (call.session?.message(frame.bytes, admission.masked) !== true)
    throw new Failure('evidence-unavailable', 'a message is over the bound of the recording');
  call.answer?.asked();
  call.answer?.also(admission.verdict.mask.answer);
  return admission;
}

/** Returns the head of the upstream's request. A deadline that began before a human was asked is shorter by now. */
function upstreamHead({ accepted, gate, began }: GrpcCall, reads: boolean, asked: boolean): readonly string[] {
  const { timeout, request, grpc } = accepted;
  const left = timeout === null || !asked ? null : showTimeout(timeout - (gate.clock.mono() - began) / 1000);
  return grpcRequestFields(request.rawHeaders, grpc.upstream, { path: request.path, reads, timeout: left });
}
