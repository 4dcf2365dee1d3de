/** An approval as the API, the CLI and the data workers see it. */

import type { ApprovalRow, VoteRow } from '../store/approvals.ts';
import type { Approval } from './approvals.ts';
import type { ApprovalHashes } from './envelope.ts';

/** Returns the approval in a row, with its votes. Plain digests stay in the database. */
export function shownApproval(row: ApprovalRow, votes: readonly VoteRow[], hashes: ApprovalHashes): Approval {
  const approvers: readonly string[] = JSON.parse(row.approvers);
  return {
    id: row.id,
    state: row.state,
    caller: { issuer: row.issuer, subject: row.subject },
    service: row.service,
    model: row.model,
    operation: row.operation,
    rule: row.rule,
    message: row.message,
    approvers,
    quorum: row.quorum,
    created: row.created,
    expires: row.expires,
    useBy: row.use_by,
    digest: hashes.digest(row.digest),
    askedBy: row.asked_by,
    usedBy: row.used_by,
    votes: votes.map(({ issuer, subject, decision, reason, at }) => ({ issuer, subject, decision, reason, at })),
  };
}
