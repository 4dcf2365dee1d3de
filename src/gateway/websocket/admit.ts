/** inspect, decide, guard, limit, mask.request: what one message of a caller may do. Each message needs its own allow. */

import type { Facts, Verdict } from '../../call.ts';
import { decide } from '../../decide/decide.ts';
import { inspectingAsked } from '../../inspect/inspect.ts';
import { maskingRequest } from '../../mask/request.ts';
import type { Asked } from '../../protocol/content.ts';
import { type JsonDocument, readJson } from '../../protocol/json/json.ts';
import type { SocketCodec } from '../../protocol/socket.ts';
import { Failure } from '../../reasons.ts';
import type { Steps } from '../../turns.ts';
import { guardRequest } from '../guard.ts';
import { takeLimits } from '../limits.ts';
import { requestMasker } from '../masks.ts';
import type { Underway } from '../underway.ts';

/** A message that was read. */
export interface SocketMessageRead {
  readonly bytes: Buffer;
  readonly document: JsonDocument;
  readonly asked: Asked;
  readonly facts: Facts;
}

/** A message that goes upstream, as these bytes. */
export interface Admitted {
  readonly bytes: Buffer;
  readonly verdict: Verdict;
}

/** Returns, in steps, what a message says. Throws Failure `body-unreadable`. */
export function* readingMessage(call: Underway, codec: SocketCodec, bytes: Buffer): Steps<SocketMessageRead> {
  const { epoch, accepted } = call;
  const { served, request } = accepted;
  const document = readJson(bytes);
  const { operation, reading } = codec.message(document.value);
  const inspection = {
    codec: served.codec,
    operation,
    body: { bytes, contentType: 'application/json', rawHeaders: request.rawHeaders },
    assumeMaxTokens: served.config.assume.max_tokens ?? null,
    opaque: false,
    looks: epoch.policy.looks,
    digest: epoch.digest,
  };
  const asked = { operation, document: document.value, reading };
  const facts = yield* inspectingAsked(inspection, asked, epoch.scanner);
  call.alsoFound(facts.findings);
  return { bytes, document, asked, facts };
}

/** Returns, in steps, the message as it goes upstream. Throws Failure for one that may not. */
export function* admitting(call: Underway, codec: SocketCodec, bytes: Buffer): Steps<Admitted> {
  const read = yield* readingMessage(call, codec, bytes);
  return yield* maskingMessage(call, read, decideMessage(call, read));
}

/** Returns the verdict on a message, which allows it. Throws Failure for every other. */
export function decideMessage(call: Underway, { bytes, facts }: SocketMessageRead): Verdict {
  const { epoch, caller, accepted, gate } = call;
  const subject = { ...accepted.request, protocol: accepted.served.config.protocol };
  const allowed = decide(epoch.policy.messages, caller, subject, facts, gate.clock.now());
  const decided = guardRequest(call, allowed, [facts]);
  const verdict = decided.effect === 'allow' ? takeLimits(call, decided, [facts], bytes) : decided;
  if (verdict.effect !== 'allow') throw denied(verdict);
  call.allowance?.forwarded();
  return verdict;
}

/** Returns, in steps, an allowed message, masked as its verdict says. Throws Failure `mask-blocked`. */
export function* maskingMessage(
  call: Underway,
  { bytes, document, asked }: SocketMessageRead,
  verdict: Verdict,
): Steps<Admitted> {
  const masker = requestMasker(call, verdict.mask.request, bytes);
  const { codec } = call.accepted.served;
  const { operation } = asked;
  const work = masker === null ? null : maskingRequest(document, codec, operation, masker, () => {}, [asked]);
  const forwarded = work === null ? bytes : yield* work;
  return { bytes: forwarded, verdict };
}

/** A message cannot wait for a human: nothing behind it could pass meanwhile. */
const denied = (verdict: Verdict): Failure =>
  verdict.effect === 'hold'
    ? new Failure('policy-denied', `the rule ${verdict.rule} holds messages`, {
        detail: 'A message of a connection cannot wait for an approval.',
      })
    : new Failure(verdict.reason, 'a message was denied', { detail: verdict.message });
