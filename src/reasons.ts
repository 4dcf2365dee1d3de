/**
 * The closed set of reasons. Every call ends with exactly one of them, and the same word
 * appears in the response, the record, the metric, the log and the console (promise 5).
 */

/** When a caller may usefully send the same call again. */
export type Retry = 'never' | 'later' | 'fix';

interface ReasonFacts {
  /** HTTP status of the refusal (RFC 9110 §15); 200 where the answer is the upstream's own. */
  readonly status: number;
  /** gRPC status code (google.rpc.Code). */
  readonly grpc: number;
  /** What a caller is told; never a payload, a token or a match. */
  readonly title: string;
  /** `never`: the same call ends the same way. `later`: a retry may pass. `fix`: after the caller changes something. */
  readonly retry: Retry;
}

const reason = (status: number, grpc: number, retry: Retry, title: string): ReasonFacts => ({
  status,
  grpc,
  retry,
  title,
});

/** Everything known about each reason, in the order of the way of a call. */
export const REASONS = {
  // how an accepted call ends
  completed: reason(200, 0, 'never', 'The call was answered.'),
  'caller-left': reason(499, 1, 'later', 'The caller closed the connection before the answer ended.'),
  'caller-stalled': reason(499, 4, 'later', 'The caller did not read the answer.'),
  interrupted: reason(500, 14, 'later', 'The gateway stopped while the call was under way.'),

  // accept
  'bad-request': reason(400, 3, 'fix', 'The request is not one that the gateway forwards.'),
  'head-timeout': reason(408, 4, 'later', 'The request head did not arrive in time.'),
  'headers-too-large': reason(431, 8, 'fix', 'The request head is larger than the gateway accepts.'),
  'no-service': reason(404, 12, 'fix', 'No service answers at this address.'),
  overloaded: reason(503, 14, 'later', 'The gateway is at its limit of concurrent work.'),
  draining: reason(503, 14, 'later', 'The gateway is shutting down.'),

  // identify
  'no-token': reason(401, 16, 'fix', 'A bearer token is required.'),
  'token-conflict': reason(400, 3, 'fix', 'The request carries more than one credential.'),
  'token-in-query': reason(400, 3, 'fix', 'Credentials are not accepted in the query string.'),
  'token-malformed': reason(401, 16, 'fix', 'The token is not a well-formed JWT.'),
  'token-issuer': reason(401, 16, 'fix', 'The token comes from an issuer that is not configured here.'),
  'token-signature': reason(401, 16, 'fix', 'The signature of the token does not verify.'),
  'token-type': reason(401, 16, 'fix', 'This type of token is not accepted.'),
  'token-expired': reason(401, 16, 'fix', 'The token has expired.'),
  'token-time': reason(401, 16, 'fix', 'The times in the token are missing or not valid now.'),
  'token-audience': reason(401, 16, 'fix', 'The token was issued for another audience.'),
  'token-subject': reason(401, 16, 'fix', 'The token names no subject.'),
  'token-binding': reason(401, 16, 'fix', 'The token is bound to a key whose possession was not proven.'),
  'token-revoked': reason(401, 16, 'never', 'The token has been revoked.'),
  'groups-unknown': reason(403, 7, 'fix', 'The groups of the caller are not in the token, only a pointer to them.'),
  'issuer-unavailable': reason(503, 14, 'later', 'The keys of the issuer cannot be fetched now.'),

  // inspect
  'body-too-large': reason(413, 8, 'fix', 'The body is larger than the inspection limit.'),
  'body-unreadable': reason(400, 3, 'fix', 'The body cannot be read as what it claims to be.'),
  'body-timeout': reason(408, 4, 'later', 'The body did not arrive in time.'),
  'inspection-limit': reason(413, 8, 'fix', 'The body takes longer to inspect than the gateway allows.'),
  'operation-unknown': reason(404, 12, 'fix', 'The service has no such operation.'),

  // classify
  'classifier-unavailable': reason(503, 14, 'later', 'A classifier that must look at the call could not.'),

  // decide
  'policy-denied': reason(403, 7, 'never', 'A policy denies this call.'),
  'no-rule': reason(403, 7, 'never', 'No policy allows this call.'),
  'policy-error': reason(403, 7, 'never', 'A policy could not be evaluated for this call.'),

  // guard
  'metadata-unavailable': reason(503, 14, 'later', 'What the model takes is not known now.'),

  // limit
  'rate-limited': reason(429, 8, 'later', 'A limit is reached.'),
  'budget-exceeded': reason(429, 8, 'later', 'The answer has used up what a limit allows.'),

  // mask
  'mask-blocked': reason(403, 7, 'fix', 'The call contains data that may not pass.'),
  'answer-blocked': reason(502, 9, 'never', 'The answer contains data that may not pass.'),
  'answer-unreadable': reason(502, 13, 'later', 'The answer cannot be inspected.'),

  // record
  'evidence-unavailable': reason(503, 14, 'later', 'The record of the call cannot be kept.'),

  // approve
  'approval-required': reason(403, 9, 'fix', 'A human must approve this call.'),
  'approval-denied': reason(403, 7, 'never', 'The call was not approved.'),
  'approval-expired': reason(403, 9, 'fix', 'The approval is no longer valid.'),
  'approval-mismatch': reason(403, 9, 'fix', 'The approval is for another call.'),
  'approval-used': reason(403, 9, 'fix', 'The approval has been used already.'),
  'approval-unknown': reason(403, 5, 'fix', 'There is no such approval.'),
  'approval-limit': reason(429, 8, 'later', 'Too many calls of this caller wait for approval.'),

  // forward
  'upstream-unreachable': reason(502, 14, 'later', 'The model server cannot be reached.'),
  'upstream-timeout': reason(504, 4, 'later', 'The model server did not answer in time.'),
  'upstream-failed': reason(502, 14, 'later', 'The model server broke off.'),

  internal: reason(500, 13, 'later', 'The gateway failed.'),
} as const satisfies Record<string, ReasonFacts>;

/** One word of the closed set. */
export type Reason = keyof typeof REASONS;

/** Returns true when `word` is in the closed set. */
export const isReason = (word: string): word is Reason => Object.hasOwn(REASONS, word);

/**
 * The one error class of the house: an unexpected outcome that ends a call (or a start) with a reason.
 * The message is for operators: what was expected and what was found, never a payload, a token or a match.
 */
export class Failure extends Error {
  readonly reason: Reason;
  /** What a caller may be told beyond the reason's title; empty when the title says it all. */
  readonly detail: string;

  constructor(reason: Reason, message: string, options?: { cause?: unknown; detail?: string }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Failure';
    this.reason = reason;
    this.detail = options?.detail ?? '';
  }
}
