/** What approvals can do for the rest of the house; the recorder thread serves it, data workers and the API ask. */

import type { Caller } from '../call.ts';
import type { ApprovalState } from '../store/approvals.ts';

/** Who, as an issuer names them. */
export interface Person {
  readonly issuer: string;
  readonly subject: string;
}

/** An approval as it is shown. Times are milliseconds since the epoch. */
export interface Approval {
  readonly id: string;
  readonly state: ApprovalState;
  readonly caller: Person;
  readonly service: string;
  readonly model: string;
  readonly operation: string;
  readonly rule: string;
  readonly message: string;
  readonly approvers: readonly string[];
  readonly quorum: number;
  readonly created: number;
  /** Until when it can be decided. */
  readonly expires: number;
  /** Until when it can be used; null before it is approved. */
  readonly useBy: number | null;
  /** The keyed digest that a voter confirms. */
  readonly digest: string;
  readonly askedBy: string;
  readonly usedBy: string | null;
  readonly revoked: Revocation | null;
  readonly votes: readonly Vote[];
}

/** One person's decision. */
export interface Vote extends Person {
  readonly decision: 'approve' | 'deny';
  readonly reason: string;
  readonly at: number;
  /** False once what the voter's token said of them is out of time: until the decision they may vote again. */
  readonly counts: boolean;
}

/** Why an approval that was given may not be used any more. */
export interface Revocation {
  readonly by: Person;
  readonly reason: string;
}

/** What a held call asks for. Times are durations in milliseconds. */
export interface ApprovalRequest {
  readonly caller: Person;
  /** Who acts for the caller (RFC 8693 §4.1); none of them may vote. */
  readonly actors: readonly Person[];
  /** See `EnvelopeDigests`. */
  readonly digest: string;
  readonly call: string;
  readonly service: string;
  readonly model: string;
  readonly operation: string;
  readonly rule: string;
  readonly message: string;
  readonly by: readonly string[];
  readonly quorum: number;
  readonly within: number;
  readonly useWithin: number;
  readonly session: string;
  readonly body: Uint8Array | null;
  /** Null where the body goes as it came. */
  readonly forwarded: Uint8Array | null;
}

/** Who votes, as their token says. */
export type Voter = Pick<Caller, 'issuer' | 'subject' | 'kind' | 'groups' | 'expiresAt'>;

/** A person's vote on an approval. */
export interface Ballot {
  readonly id: string;
  readonly voter: Voter;
  /** The keyed digest that the voter was shown. */
  readonly digest: string;
  readonly decision: 'approve' | 'deny';
  /** At most 4 KiB. */
  readonly reason: string;
}

/** Why a vote does not count. */
export type VoteRefusal =
  | 'unknown'
  /** Decided, used, or out of time; for a revocation, also not decided yet. */
  | 'over'
  | 'not-human'
  | 'not-eligible'
  | 'requester'
  | 'digest'
  | 'voted'
  | 'reason-too-long';

/** What came of a vote or a revocation. */
export type VoteOutcome =
  | { readonly kind: 'counted'; readonly approval: Approval }
  | { readonly kind: 'refused'; readonly why: VoteRefusal };

/** Takes an approval back before it is used. */
export interface RevocationRequest {
  readonly id: string;
  readonly voter: Voter;
  /** At most 4 KiB. */
  readonly reason: string;
}

/** A call that presents an approval. */
export interface Claim {
  readonly id: string;
  readonly caller: Person;
  readonly digest: string;
  readonly call: string;
  readonly session: string;
}

/** `bytes`: what was stored to be forwarded, null for no body. */
export type ClaimOutcome =
  | { readonly kind: 'claimed'; readonly bytes: Uint8Array | null }
  | {
      readonly kind: 'refused';
      readonly reason:
        | 'approval-required'
        | 'approval-denied'
        | 'approval-expired'
        | 'approval-mismatch'
        | 'approval-used'
        | 'approval-unknown';
    };

/** The approvals of a deployment. */
export interface Approvals {
  /** Resolves to the pending approval of this caller and digest, made if there is none. Rejects with Failure `approval-limit`. */
  request(request: ApprovalRequest): Promise<Approval>;
  vote(ballot: Ballot): Promise<VoteOutcome>;
  /** Everybody who may approve may also revoke, until the approval is used. */
  revoke(request: RevocationRequest): Promise<VoteOutcome>;
  /** Resolves to `claimed` at most once per approval; the ledger has it by then (promise 6). */
  claim(claim: Claim): Promise<ClaimOutcome>;
  /** Resolves once the approval is decided, or after `ms`; to its state then. */
  decided(wait: { readonly id: string; readonly ms: number }): Promise<ApprovalState>;
  /** The caller no longer wants it. */
  cancel(by: { readonly id: string; readonly caller: Person }): Promise<void>;
  /** Resolves to the approval, or null. */
  get(id: string): Promise<Approval | null>;
  /** Resolves to the newest approvals, at most 500, of one state or of all. */
  list(filter: { readonly state: ApprovalState | null }): Promise<readonly Approval[]>;
  /** Resolves to the bytes that would be forwarded, for an approver to read; null for none, or none any more. */
  body(id: string): Promise<Uint8Array | null>;
}

/** The verbs of `Approvals`, for asking across threads. */
export const APPROVAL_VERBS = [
  'request',
  'vote',
  'revoke',
  'claim',
  'decided',
  'cancel',
  'get',
  'list',
  'body',
] as const satisfies (keyof Approvals)[];
