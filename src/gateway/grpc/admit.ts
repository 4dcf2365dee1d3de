/** inspect, classify, decide, guard, limit, mask.request: what one message of a caller may do. Each message needs its own allow. */

import type { Facts, Verdict } from '../../call.ts';
import type { Rules } from '../../decide/compile.ts';
import { decide } from '../../decide/decide.ts';
import { inspectingMessage } from '../../inspect/message.ts';
import { inspectionLimit, inTurns } from '../../turns.ts';
import { type GrpcFrame, messageOf } from '../../protocol/grpc/grpc.ts';
import { decompress } from '../../protocol/grpc/coding.ts';
import { Failure } from '../../reasons.ts';
import { uninspected } from '../gate.ts';
import { classifyMessage, findInMessage, messageTextsOf } from '../classify.ts';
import { guardMessage } from '../guard-tensors.ts';
import type { GrpcCall } from './call.ts';
import { maskRequestMessage } from './masks.ts';
import { takeLimits } from '../limits.ts';

/** One message that was looked at. */
export interface Admission {
  readonly facts: Facts;
  readonly verdict: Verdict;
  /** The message as it came; null for a call without one. */
  readonly frame: Buffer | null;
  /** What goes upstream in its place; null when it goes as it came. */
  readonly masked: Buffer | null;
}

/** Resolves to what a message may do under these rules; `frame` is null for a call that ends without one. Rejects with Failure. */
export async function admit(call: GrpcCall, frame: GrpcFrame | null, rules: Rules): Promise<Admission> {
  const message = frame === null ? null : await readMessage(call, frame);
  try {
    return await judge(call, { frame, message }, rules);
  } finally {
    if (frame?.compressed === true) call.gate.budget.give(message?.length ?? 0);
  }
}

interface Looked {
  readonly frame: GrpcFrame | null;
  readonly message: Buffer | null;
}

async function judge(call: GrpcCall, { frame, message }: Looked, rules: Rules): Promise<Admission> {
  const { accepted, gate, caller } = call;
  const { served, request } = accepted;
  const inspected = await factsOf(call, message);
  const isFurther = call.session !== null;
  if (!isFurther) call.inspected(inspected);
  const shown = { facts: inspected, isFurther, texts: () => messageTextsOf(call, inspected) };
  const facts = await classifyMessage(call, shown);
  const subject = { ...request, protocol: served.config.protocol };
  const decided = decide(rules, caller, subject, facts, gate.clock.now());
  const verdict = takeLimits(call, await guardMessage(call, decided, facts, message), [facts], frame?.bytes);
  await findInMessage(call, verdict, shown);
  // a message of which a part cannot be read is masked where it can; of one that nobody can read, no text is known
  const readable = message !== null && (!facts.opaque || facts.texts.length > 0);
  const allowed = verdict.effect !== 'deny' && readable;
  return {
    facts: call.withClassified(inspected),
    verdict,
    frame: frame?.bytes ?? null,
    masked: allowed ? maskRequestMessage(call, message, verdict) : null,
  };
}

/** Resolves to the message, decompressed in the memory for bodies; as it came where it is not compressed. */
async function readMessage(call: GrpcCall, frame: GrpcFrame): Promise<Buffer> {
  const { grpc, coding } = call.accepted;
  if (!frame.compressed) return messageOf(frame);
  return decompress(messageOf(frame), coding, {
    longest: grpc.longest,
    tooLong: 'body-too-large',
    unreadable: 'body-unreadable',
    memory: call.gate.budget,
  });
}

async function factsOf({ accepted: { served }, method, epoch }: GrpcCall, message: Buffer | null): Promise<Facts> {
  const opaque = served.config.opaque === 'allow';
  if (method === null && !opaque)
    throw new Failure('operation-unknown', 'the service is not known to have this method', {
      detail: 'The gateway knows no such method of this service.',
    });
  if (method?.streams.request === false && message === null)
    throw new Failure('body-unreadable', 'expected one message', { detail: 'This method takes one message.' });
  if (method === null || message === null)
    return uninspected(method?.operation ?? null, message?.length ?? 0, method === null);
  const assumeMaxTokens = served.config.assume.max_tokens ?? null;
  const inspecting = inspectingMessage(
    { method, message, assumeMaxTokens, opaque, looks: epoch.policy.looks, digest: epoch.digest },
    epoch.scanner,
  );
  return inTurns(inspecting, inspectionLimit(epoch.config.limits.inspection));
}
