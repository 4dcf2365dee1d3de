/** inspect: reads the body of an identified call and learns its facts. */

import { type Inspected, inspectAsked, inspecting } from '../inspect/inspect.ts';
import { inspectionLimit, inTurns } from '../turns.ts';
import { Failure } from '../reasons.ts';
import { foundIn } from './found.ts';
import { readBody } from './http/body.ts';
import type { Head } from './http/head.ts';
import { uninspected } from './gate.ts';
import type { Underway } from './underway.ts';

/** Resolves to the facts of a call. Rejects with Failure when the body cannot be read, may not pass unread, or takes too long to inspect. */
export async function inspectBody(call: Underway): Promise<Inspected> {
  const { accepted, gate, epoch, req, res } = call;
  const { head, operation, served, socket } = accepted;
  const opaque = served.config.opaque === 'allow';
  if (operation === null && !opaque)
    throw new Failure('operation-unknown', 'the protocol has no such operation', {
      detail: `${head.method} is not an operation of ${served.codec.protocol} at this path.`,
    });

  const coded = head.contentEncoding !== '' && head.contentEncoding !== 'identity';
  // the caller waits for our word before it sends (RFC 9110 §10.1.1); only an identified one gets it, and only for a body that may pass
  if (head.expectsContinue && !isBodiless(head)) {
    if (coded && !opaque) throw compressed();
    if ((head.contentLength ?? 0) <= served.config.max_body) res.writeContinue();
  }
  const body = await readBody(req, head.chunked ? null : (head.contentLength ?? 0), {
    maxBody: served.config.max_body,
    timeout: epoch.config.limits.body_timeout,
    budget: gate.budget,
  });
  call.read(body);

  if (coded && !opaque) throw compressed();
  if (operation === null || coded) {
    const facts = uninspected(operation, body.bytes.length, true);
    return { facts, each: [facts], content: null, scanned: new Map() };
  }

  const inspection = {
    codec: served.codec,
    operation,
    body: { bytes: body.bytes, contentType: head.contentType, rawHeaders: head.rawHeaders },
    assumeMaxTokens: served.config.assume.max_tokens ?? null,
    opaque,
    looks: epoch.policy.looks,
    digest: epoch.digest,
  };
  const limit = inspectionLimit(epoch.config.limits.inspection);
  if (socket === null) {
    const inspected = await inTurns(inspecting(inspection, epoch.scanner), limit, () => res.destroyed);
    call.foundInRequest = foundIn(inspected, epoch.digestKey);
    return inspected;
  }
  // a handshake has no body: its query asks
  const asked = { operation, document: null, reading: socket.handshake(head.query) };
  const facts = inspectAsked(inspection, asked, epoch.scanner, limit);
  return { facts, each: [facts], content: null, scanned: new Map() };
}

const isBodiless = ({ chunked, contentLength }: Head): boolean => !chunked && (contentLength ?? 0) === 0;

const compressed = (): Failure =>
  new Failure('body-unreadable', 'the request body is compressed', {
    detail: 'Send the body without a content-encoding.',
  });
