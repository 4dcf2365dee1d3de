/** inspect: one message of a gRPC call becomes facts. */

import type { Facts, RequestReading } from '../call.ts';
import { type Scanner, SLICE } from '../detect/scanner.ts';
import { NOTHING_ASKED } from '../protocol/content.ts';
import type { GrpcMethod } from '../protocol/grpc/codec.ts';
import { WireError } from '../protocol/grpc/protobuf.ts';
import { Failure } from '../reasons.ts';
import type { Digest } from '../tripwire/wire.ts';
import { lookAt, type Looks, NO_LOOKS } from './closer.ts';
import { factsOf } from './inspect.ts';

/** What is inspected. */
export interface MessageInspection {
  readonly method: GrpcMethod;
  /** The message, decompressed. */
  readonly message: Buffer;
  readonly assumeMaxTokens: number | null;
  /** What cannot be read may pass, and the facts say so. */
  readonly opaque: boolean;
  /** What rules read of a closer look; what is missing here is made when it is read. */
  readonly looks?: Looks;
  /** Digests what trips the wires; missing where nobody asks for that. */
  readonly digest?: Digest;
}

const unreadable = (expected: string, cause: unknown): Failure =>
  new Failure('body-unreadable', expected, { cause, detail: `A message could not be read: ${expected}.` });

/** Returns what the message says. Throws Failure `body-unreadable`; also for tensors in memory that nobody can look into. */
const read = ({ method, message, opaque }: MessageInspection): RequestReading => {
  let reading: RequestReading;
  try {
    reading = method.request.read(message);
  } catch (cause) {
    throw cause instanceof WireError ? unreadable(cause.message, cause) : cause;
  }
  const hidden = reading.tensors?.find(({ region }) => region !== '');
  if (hidden !== undefined && !opaque) throw unreadable('expected tensors outside of shared memory', null);
  return reading;
};

function* countFindings({ texts }: RequestReading, scanner: Scanner) {
  const counts: Record<string, number> = {};
  for (const { text } of texts) {
    const findings = text.length > SLICE ? yield* scanner.steps(text) : scanner.scan(text);
    for (const { kind } of findings) counts[kind] = (counts[kind] ?? 0) + 1;
    yield;
  }
  return counts;
}

/**
 * Yields whenever somebody else may have a turn, and returns the facts of one message, every one of them with a value. Throws Failure `body-unreadable` for bytes that are
 * no such message, unless `opaque` lets them pass.
 */
export function* inspectingMessage(call: MessageInspection, scanner: Scanner): Generator<void, Facts> {
  const { operation, streams } = call.method;
  const measured = { body: { bytes: call.message }, assumeMaxTokens: call.assumeMaxTokens };
  const learnt = { operation, operations: 1 };
  try {
    const reading = { ...read(call), stream: streams.answer };
    const opaque = reading.tensors?.some(({ region }) => region !== '') === true;
    const findings = yield* countFindings(reading, scanner);
    const closer = lookAt(reading.texts, undefined, call.digest);
    yield* closer.prepare(call.looks ?? NO_LOOKS);
    return factsOf(measured, { ...learnt, reading, findings, opaque, closer });
  } catch (cause) {
    if (!call.opaque || !(cause instanceof Failure) || cause.reason !== 'body-unreadable') throw cause;
    return factsOf(measured, { ...learnt, reading: NOTHING_ASKED, findings: {}, opaque: true });
  }
}
