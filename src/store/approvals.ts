/** The tables of approvals in `state.db`. What moves an approval from one state to the next is in approve/. */

import type { Generated } from 'kysely';

/** The states of an approval. From `pending` and `approved` it goes on; the others are final (docs/adr/0010-approvals.md). */
export const APPROVAL_STATES = [
  'pending',
  'approved',
  'consumed',
  'denied',
  'expired',
  'cancelled',
  'superseded',
  'revoked',
] as const;
export type ApprovalState = (typeof APPROVAL_STATES)[number];

/** Times are milliseconds since the epoch. */
export interface ApprovalRow {
  readonly id: string;
  readonly state: ApprovalState;
  readonly issuer: string;
  readonly subject: string;
  /** Subjects that act for the caller, as a JSON array of [issuer, subject]; none of them may vote. */
  readonly actors: string;
  readonly digest: string;
  readonly call: string;
  readonly service: string;
  readonly model: string;
  readonly operation: string;
  readonly rule: string;
  readonly message: string;
  /** Who may approve, as a JSON array. */
  readonly approvers: string;
  readonly quorum: number;
  readonly use_within: number;
  readonly created: number;
  readonly expires: number;
  readonly use_by: number | null;
  /** The session that asked, and the one that used it. */
  readonly asked_by: string;
  readonly used_by: string | null;
  /** Who revoked it, as a JSON array of issuer and subject, and why. */
  readonly revoked_by: string | null;
  readonly revoked_why: string | null;
  /** Bytes that it keeps: of `body` and `forwarded`, before sealing. */
  readonly stored: number;
  /** The body as it came and, where masking changed it, the bytes to forward; sealed. */
  readonly body: Uint8Array | null;
  readonly forwarded: Uint8Array | null;
}

export interface VoteRow {
  readonly approval: string;
  readonly issuer: string;
  readonly subject: string;
  readonly decision: 'approve' | 'deny';
  readonly reason: string;
  readonly at: number;
  /** The groups that the voter's token spoke of, as a JSON array, and until when it was good. */
  readonly groups: string;
  readonly good_until: number;
}

/** Leaves that a transition owes the ledger, written with it in one transaction. */
export interface OutboxRow {
  readonly id: Generated<number>;
  readonly leaf: string;
}

/** What kysely knows of the tables. */
export interface ApprovalTables {
  readonly approvals: ApprovalRow;
  readonly votes: VoteRow;
  readonly outbox: OutboxRow;
}

/** The steps that make the tables; never changed once released. */
export const APPROVAL_STEPS: readonly string[] = [
  `CREATE TABLE approvals (
     id TEXT PRIMARY KEY, state TEXT NOT NULL, issuer TEXT NOT NULL, subject TEXT NOT NULL, actors TEXT NOT NULL,
     digest TEXT NOT NULL, call TEXT NOT NULL, service TEXT NOT NULL, model TEXT NOT NULL, operation TEXT NOT NULL,
     rule TEXT NOT NULL, message TEXT NOT NULL, approvers TEXT NOT NULL, quorum INTEGER NOT NULL,
     use_within INTEGER NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL, use_by INTEGER,
     asked_by TEXT NOT NULL, used_by TEXT, revoked_by TEXT, revoked_why TEXT, stored INTEGER NOT NULL,
     body BLOB, forwarded BLOB
   ) STRICT;
   CREATE UNIQUE INDEX one_pending ON approvals (issuer, subject, digest) WHERE state = 'pending';
   CREATE INDEX by_state ON approvals (state, created);
   CREATE TABLE votes (
     approval TEXT NOT NULL REFERENCES approvals (id), issuer TEXT NOT NULL, subject TEXT NOT NULL,
     decision TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL,
     PRIMARY KEY (approval, issuer, subject)
   ) STRICT;
   CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, leaf TEXT NOT NULL) STRICT;`,
  `ALTER TABLE votes ADD COLUMN groups TEXT NOT NULL DEFAULT '[]';
   ALTER TABLE votes ADD COLUMN good_until INTEGER NOT NULL DEFAULT 0;`,
];
