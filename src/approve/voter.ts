/** Who may decide on an approval: humans who are named by its rule, and never the one who asks or acts for them. */

import { timingSafeEqual } from 'node:crypto';
import type { ApprovalRow, ApprovalState } from '../store/approvals.ts';
import type { Ballot, RevocationRequest, Voter, VoteRefusal } from './approvals.ts';
import type { ApprovalHashes } from './envelope.ts';
import { approversOf, partiesOf } from './row.ts';

/** The longest reason, in bytes of UTF-8. */
export const MAX_REASON = 4096;

/** Returns why a ballot does not count, or null. */
export function refusedVote(
  { voter, digest, reason }: Ballot,
  row: ApprovalRow | undefined,
  hashes: ApprovalHashes,
): VoteRefusal | null {
  const why = refusedVoter(voter, reason, row, 'pending');
  if (why !== null || row === undefined) return why;
  // the voter confirms what they were shown, not whatever stands here now
  return equalText(digest, hashes.digest(row.digest)) ? null : 'digest';
}

/** Returns why a revocation does not count, or null. */
export const refusedRevocation = (
  { voter, reason }: RevocationRequest,
  row: ApprovalRow | undefined,
): VoteRefusal | null => refusedVoter(voter, reason, row, 'approved');

function refusedVoter(
  voter: Voter,
  reason: string,
  row: ApprovalRow | undefined,
  state: ApprovalState,
): VoteRefusal | null {
  if (row === undefined) return 'unknown';
  if (row.state !== state) return 'over';
  if (voter.kind !== 'human') return 'not-human';
  if (isParty(voter, row)) return 'requester';
  if (!approversOf(row).some((entry) => isNamed(voter, entry))) return 'not-eligible';
  return Buffer.byteLength(reason) > MAX_REASON ? 'reason-too-long' : null;
}

type Named = Pick<Voter, 'issuer' | 'subject' | 'groups'>;

const isParty = (voter: Named, row: ApprovalRow): boolean =>
  partiesOf(row).some(({ issuer, subject }) => issuer === voter.issuer && subject === voter.subject);

/** Returns whether this person may still decide on an approval that they voted on. */
export const isEligible = (voter: Named, row: ApprovalRow): boolean =>
  !isParty(voter, row) && approversOf(row).some((entry) => isNamed(voter, entry));

/** Returns whether an entry of `by` names this person. Nobody is an approver by being an administrator. */
export function isNamed({ issuer, subject, groups }: Named, entry: string): boolean {
  const own = `group:${issuer}|`;
  if (entry.startsWith(own)) return groups.includes(entry.slice(own.length));
  return entry === `subject:${issuer}|${subject}`;
}

/** Returns an entry of `by` as the caller reads it, who knows people and not issuers. */
export const shortName = (entry: string): string => entry.replace(/^group:[^|]*\|/, 'group:');

function equalText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
