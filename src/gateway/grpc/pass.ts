/** decide and approve: whether one message of a gRPC call goes upstream, and as which bytes. */

import { Failure } from '../../reasons.ts';
import type { Session } from '../../record/recorder.ts';
import { approve } from '../approve.ts';
import type { Admission } from './admit.ts';
import type { GrpcCall } from './call.ts';
import { kept } from '../kept.ts';

/** A message that goes upstream. */
interface Passing {
  readonly kind: 'passes';
  /** Null for a call without a message. */
  readonly bytes: Buffer | null;
  /** A human was asked first, so that time has passed. */
  readonly asked: boolean;
}

/** A message that ends the call. */
interface Ending {
  readonly kind: 'ends';
  readonly failure: Failure;
  readonly extra: Readonly<Record<string, string>>;
}

/**
 * Resolves to what becomes of a message that is on record: it passes once its record is kept, as far as it must be
 * (promise 3), and once a human said yes where policy asks for one.
 */
export async function pass(call: GrpcCall, session: Session, admission: Admission): Promise<Passing | Ending> {
  const { verdict, frame, masked, facts } = admission;
  if (verdict.effect === 'deny') {
    const failure = new Failure(verdict.reason, 'policy denies a message', { detail: verdict.message });
    return { kind: 'ends', failure, extra: {} };
  }
  const decision = verdict.effect === 'hold' ? await approve(call, session, verdict, masked) : null;
  if (decision?.kind === 'held') {
    const { reason, detail, extra } = decision;
    return { kind: 'ends', failure: new Failure(reason, 'a message is held', { detail }), extra };
  }
  const { durable } = call.accepted.served.config;
  await kept(session, decision !== null || facts.management || durable === 'before_forward');
  return { kind: 'passes', bytes: decision === null ? (masked ?? frame) : decision.body, asked: decision !== null };
}
