/** Asks an authority for time-stamps: RFC 3161 §3.4, over HTTP. */

import { randomBytes } from 'node:crypto';
import type { Checkpoint } from './checkpoint.ts';
import { Malformed } from './malformed.ts';
import { type Authority, stampedHash, timestampRequest, tokenOf, verifyTimestamp } from './timestamp.ts';

/** An authority, and where to ask it. */
export interface AuthorityAt {
  readonly url: string;
  readonly authority: Authority;
}

const TIMEOUT_MS = 10_000;
/** A leaf must be able to carry the token. */
const MAX_TOKEN = 16 * 1024;

/**
 * Resolves to the token over a checkpoint, verified: what nobody can check later is not worth keeping. Rejects when the
 * authority does not answer, refuses, or signs something else.
 */
export async function askForTimestamp({ url, authority }: AuthorityAt, checkpoint: Checkpoint): Promise<Uint8Array> {
  const hash = stampedHash(checkpoint);
  const nonce = new Uint8Array(randomBytes(8));
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/timestamp-query' },
    body: Uint8Array.from(timestampRequest(hash, nonce)),
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!answer.ok) throw new Error(`the authority answers ${answer.status}`);
  const token = tokenOf(new Uint8Array(await answer.arrayBuffer()));
  if (token.length > MAX_TOKEN) throw new Malformed(`a token of ${token.length} bytes`);
  await verifyTimestamp(token, { hash, nonce }, authority);
  return token;
}
