/** What an approval is for: every part of a call that decides what the model server will do, under one digest. */

import { createHash, createHmac, hkdfSync } from 'node:crypto';
import type { Caller, CanonicalRequest } from '../call.ts';
import { encodeJcs, type Json } from '../ledger/jcs.ts';

/** A call as an approval sees it. */
export interface EnvelopeParts {
  readonly caller: Caller;
  readonly request: CanonicalRequest;
  /** Origin and mount path of the upstream. */
  readonly upstream: string;
  readonly model: string;
  /** The body as it came; null for none. */
  readonly body: Buffer | null;
  /** The bytes that will be forwarded; null for none. */
  readonly forwarded: Buffer | null;
  /** Hash of the rule that holds the call and of the masking rules that apply: other rules may change meanwhile. */
  readonly policy: string;
}

/** Two SHA-256 digests in hex. */
export interface EnvelopeDigests {
  /** Over everything: what a claim must match exactly. */
  readonly digest: string;
  /** Over caller, route and original body only: tells a changed policy from another call. */
  readonly call: string;
}

/** Field lines that change what a model server does or how its body reads; all else of a head is the client's business. */
const BINDING_FIELDS: ReadonlySet<string> = new Set([
  'content-type',
  'grpc-encoding',
  'inference-header-content-length',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
  'anthropic-beta',
  'anthropic-version',
  'openai-beta',
  'openai-organization',
  'openai-project',
]);

/** Returns the digests of a call: SHA-256 over an RFC 8785 document. */
export function envelopeDigests(parts: EnvelopeParts): EnvelopeDigests {
  const { caller, request } = parts;
  const call = {
    v: 1,
    caller: [caller.issuer, caller.subject],
    act: claimText(caller, 'act'),
    cnf: claimText(caller, 'cnf'),
    service: request.service,
    method: request.method,
    path: request.path,
    query: request.query,
    fields: bindingFields(request.rawHeaders),
    body: sha256(parts.body),
  };
  const whole = {
    ...call,
    upstream: parts.upstream,
    // as JSON: a name may hold what canonical JSON cannot, such as a lone surrogate
    model: JSON.stringify(parts.model),
    forwarded: sha256(parts.forwarded),
    policy: parts.policy,
  };
  return { digest: sha256(encodeJcs(whole)), call: sha256(encodeJcs(call)) };
}

/** The claim as canonical as it came: a claim may hold numbers that JCS would refuse, its text may not differ. */
const claimText = ({ claims }: Caller, name: string): string => JSON.stringify(claims[name] ?? null);

function bindingFields(raw: readonly string[]): Json {
  const fields: [string, string][] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase();
    if (BINDING_FIELDS.has(name)) fields.push([name, raw[at + 1] ?? '']);
  }
  return fields;
}

const sha256 = (bytes: Uint8Array | null): string =>
  createHash('sha256')
    .update(bytes ?? '')
    .digest('hex');

/** Keyed hashes of what must not be guessable from outside. */
export interface ApprovalHashes {
  /** A digest as callers, approvers and the ledger see it: a short prompt could be guessed from a plain one. */
  digest(digest: string): string;
  /** A person as the ledger sees them. */
  subject(issuer: string, subject: string): string;
}

/** Returns the keyed hashes of a deployment. */
export function approvalHashes(recordingKey: Uint8Array): ApprovalHashes {
  const key = new Uint8Array(hkdfSync('sha256', recordingKey, '', 'sallyport approvals v1', 32));
  const keyed = (label: string, text: string): string =>
    createHmac('sha256', key).update(`${label}\0${text}`).digest('hex');
  return {
    digest: (digest) => keyed('digest', digest),
    subject: (issuer, subject) => keyed('subject', JSON.stringify([issuer, subject])),
  };
}
