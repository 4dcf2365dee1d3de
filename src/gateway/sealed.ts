/** The seal over what a model server signed and a mask changed, and its opening on the way back (src/mask/signed.ts). */

import { createHmac } from 'node:crypto';
import { openSealed, SEALED, type Sealer } from '../mask/signed.ts';
import { readJson } from '../protocol/json/json.ts';
import { open, seal } from '../record/cobblestone.ts';
import type { Session } from '../record/recorder.ts';
import type { Underway } from './underway.ts';

/** Returns the seal of a call's caller at its service. */
export function sealerOf(call: Underway): Sealer {
  const { issuer, subject } = call.caller;
  // made when it is needed: most calls have nothing under seal
  const context = (): Buffer => Buffer.from(JSON.stringify([issuer, subject, call.accepted.request.service]));
  return {
    seal: (bytes) => seal(call.epoch.sealKey, context(), bytes),
    open: (sealed) => open(call.epoch.sealKey, context(), sealed),
  };
}

/**
 * Returns the bytes that go to the model server: what was inspected, recorded and approved, with the originals in the
 * place of sealed signatures and of the masked texts beside them. The record says so, with a digest of what is sent, before
 * it is forwarded (promise 2). Throws Failure `body-unreadable`.
 */
export function openedBody(call: Underway, session: Session, body: Buffer | null): Buffer | null {
  const { operation, served } = call.accepted;
  if (body === null || operation?.body !== 'json') return body;
  if (served.codec.signature === undefined || !body.includes(SEALED)) return body;
  const document = readJson(body);
  const text = openSealed(document, served.codec, operation, sealerOf(call));
  if (text === document.text) return body;
  const sent = Buffer.from(text);
  session.sends(
    `sealed originals were opened for the model server: ${sent.length} bytes, HMAC-SHA-256 ${digestOf(call, sent)}`,
  );
  return sent;
}

/** A plain digest could be guessed from: all but the originals stands in the record. Whoever has the key can open the seals, too. */
const digestOf = ({ epoch }: Underway, sent: Buffer): string =>
  createHmac('sha256', epoch.sealKey).update(sent).digest('hex');
