/** Renders refusals: RFC 9457 problem documents that the protocol's own SDK can also read. */

import { STATUS_CODES } from 'node:http';
import { type Codec, type Operation, PROBLEM_JSON, type Refusal, type ReplyTo } from '../protocol/codec.ts';
import { REASONS, type Reason } from '../reasons.ts';
import type { CallResponse } from './http/exchange.ts';

/** What a refusal carries beside its reason. */
export interface RefusalDetails {
  readonly detail?: string;
  readonly session?: string;
  /** Members such as `approval`. */
  readonly extra?: Readonly<Record<string, string>>;
  readonly replyTo?: ReplyTo | null;
}

/** What the caller's SDK expects to be spoken to in; the operation is null where the protocol has none there. */
export interface Spoken {
  readonly codec: Codec;
  readonly operation: Operation | null;
}

/** Returns the refusal for a reason. */
export function refusalFor(reason: Reason, details: RefusalDetails = {}): Refusal {
  const { status, title } = REASONS[reason];
  return {
    status,
    reason,
    title,
    detail: details.detail ?? '',
    session: details.session ?? '',
    extra: details.extra ?? {},
    ...(details.replyTo === undefined || details.replyTo === null ? {} : { replyTo: details.replyTo }),
  };
}

/** Returns the problem document (RFC 9457 §3; `type` is left at its default, `reason` is the word) with the members that the protocol's SDK looks for; `spoken` null for none. */
export function problemDocument(refusal: Refusal, spoken: Spoken | null): Readonly<Record<string, unknown>> {
  const { status, reason, title, detail, session, extra } = refusal;
  return {
    title,
    status,
    ...(detail === '' ? {} : { detail }),
    reason,
    ...(session === '' ? {} : { session }),
    ...extra,
    ...spoken?.codec.refusal(refusal, spoken.operation),
  };
}

/** Field lines of a refusal beside the content ones. */
export interface RefusalFields {
  /** `WWW-Authenticate` value; empty for none. */
  readonly challenge?: string;
  /** Where the approval is to be seen. */
  readonly location?: string;
  /** Seconds until the same request may pass; infinity for never. Without, the reason says. */
  readonly retryAfter?: number;
  /** What says that the rest of the request is not read. */
  readonly closing?: readonly string[];
}

/** Keeps what the caller saw of a refusal. */
interface Tee {
  head(status: number, rawHeaders: readonly string[]): void;
  bytes(chunk: Buffer): boolean;
}

/**
 * Writes a refusal as the whole answer, and to `tee` where there is a record. Returns the status that it has. The head
 * must not have been sent.
 */
export function writeRefusal(
  res: CallResponse,
  refusal: Refusal,
  spoken: Spoken | null,
  fields: RefusalFields = {},
  tee: Tee | null = null,
): number {
  const whole = spoken?.codec.wholeRefusal?.(refusal) ?? null;
  const status = whole?.status ?? refusal.status;
  const body = Buffer.from(JSON.stringify(whole?.document ?? problemDocument(refusal, spoken)));
  const head = [
    'Content-Type',
    spoken?.codec.refusalType(spoken.operation) ?? PROBLEM_JSON,
    'Content-Length',
    String(body.length),
    'Cache-Control',
    'no-store',
  ];
  if (refusal.session !== '') head.push('sallyport-session', refusal.session);
  if (fields.challenge !== undefined && fields.challenge !== '') head.push('WWW-Authenticate', fields.challenge);
  if (fields.location !== undefined) head.push('Location', fields.location);
  head.push(...retryFields(refusal.reason, fields.retryAfter));
  if (fields.closing !== undefined) head.push(...fields.closing);
  tee?.head(status, head);
  tee?.bytes(body);
  // named, because a status line of the upstream's that node refused to write would still stand here
  res.writeHead(status, STATUS_CODES[status] ?? 'Refused', head);
  res.end(res.req.method === 'HEAD' ? undefined : body);
  return status;
}

/** Both SDKs wait as long as `Retry-After` says up to this many seconds; beyond, they come back at once. */
const PATIENCE = 60;

/** Returns what says when to come back. Both SDKs retry some statuses on their own and honour `x-should-retry` over them. */
function retryFields(reason: Reason, retryAfter = 1): readonly string[] {
  if (REASONS[reason].retry !== 'later' || retryAfter === Infinity) return ['x-should-retry', 'false'];
  return ['x-should-retry', retryAfter <= PATIENCE ? 'true' : 'false', 'Retry-After', String(retryAfter)];
}
