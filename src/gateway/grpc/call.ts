/** One gRPC call under way, and the word that ends it when it cannot go on. */

import type { ServerHttp2Stream } from 'node:http2';
import type { Caller, Facts, Verdict } from '../../call.ts';
import type { GrpcMethod } from '../../protocol/grpc/codec.ts';
import type { Failure } from '../../reasons.ts';
import type { Session } from '../../record/recorder.ts';
import type { Epoch, Gate } from '../gate.ts';
import type { AcceptedGrpc } from './accept.ts';
import type { GrpcAnswer } from './answer.ts';
import type { CallerMessages } from './messages.ts';
import { CallState } from '../underway.ts';

/** The state of one identified gRPC call. Owned by `handleGrpc`; nobody keeps it after `end`. */
export class GrpcCall extends CallState {
  override readonly accepted: AcceptedGrpc;
  readonly stream: ServerHttp2Stream;
  /** Monotonic clock, µs. */
  readonly began: number;
  /** Null when the service is not known to have it. */
  method: GrpcMethod | null;
  /** Whoever reads the caller's messages; null before anybody does. */
  messages: CallerMessages | null = null;
  /** Whoever answers the caller; null until there is something to say. */
  answer: GrpcAnswer | null = null;

  constructor(
    gate: Gate,
    epoch: Epoch,
    stream: ServerHttp2Stream,
    accepted: AcceptedGrpc,
    caller: Caller,
    began: number,
  ) {
    super(gate, epoch, accepted, caller, began);
    this.accepted = accepted;
    this.stream = stream;
    this.method = accepted.method;
    this.began = began;
  }

  /** Asks the server about a method that is not known, where it may be asked. Rejects with Failure `upstream-unreachable`. */
  async learnMethod(): Promise<void> {
    const { grpc, request } = this.accepted;
    const codec = await grpc.learn();
    if (codec !== null) this.method = codec.method(request.path);
  }

  whenLeft(then: () => void): void {
    if (this.stream.closed || this.stream.destroyed) then();
    else this.stream.once('close', then);
  }

  /** Takes note of a further message: what was found in it counts with the rest of the request. */
  alsoInspected(facts: Facts): void {
    const findings: Record<string, number> = { ...this.facts.findings };
    for (const kind in facts.findings) findings[kind] = (findings[kind] ?? 0) + (facts.findings[kind] ?? 0);
    this.inspected({ ...facts, findings });
  }

  /** Holds the message that is being decided on; its memory is the reader's. */
  hold(frame: Buffer | null): void {
    if (frame !== null) this.read({ bytes: frame, release: () => {} });
  }

  /** Returns the record of a call that ends before any station opened one; null when not even that is possible. */
  openRefused({ reason }: Failure): Session | null {
    const verdict: Verdict = { effect: 'deny', reason, rule: '', message: '', mask: { request: [], answer: [] } };
    try {
      return this.open(verdict, null, '');
    } catch (cause) {
      this.gate.log.error({ err: cause }, 'a refused call could not be recorded');
      return null;
    }
  }
}
