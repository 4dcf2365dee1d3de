/** Who may vote on an approval: humans who are named by its rule, and never the one who asks or acts for them. */

import { timingSafeEqual } from 'node:crypto';
import type { ApprovalRow } from '../store/approvals.ts';
import type { Ballot, Person, VoteRefusal } from './approvals.ts';
import type { ApprovalHashes } from './envelope.ts';

const MAX_REASON = 4096;

/** Returns why a ballot does not count, or null. */
export function refusedVote(ballot: Ballot, row: ApprovalRow | undefined, hashes: ApprovalHashes): VoteRefusal | null {
  const { voter } = ballot;
  if (row === undefined) return 'unknown';
  if (row.state !== 'pending') return 'over';
  if (voter.kind !== 'human') return 'not-human';
  if (isParty(row, voter)) return 'requester';
  if (!isEligible(row, voter)) return 'not-eligible';
  // the voter confirms what they were shown, not whatever stands here now
  if (!equalText(ballot.digest, hashes.digest(row.digest))) return 'digest';
  if (Buffer.byteLength(ballot.reason) > MAX_REASON) return 'reason-too-long';
  return null;
}

function isParty(row: ApprovalRow, voter: Person): boolean {
  // as: `#newRow` wrote pairs of strings
  const actors = JSON.parse(row.actors) as readonly (readonly [string, string])[];
  return [[row.issuer, row.subject], ...actors].some(
    ([issuer, subject]) => issuer === voter.issuer && subject === voter.subject,
  );
}

function isEligible(row: ApprovalRow, voter: Ballot['voter']): boolean {
  // as: `#newRow` wrote a list of strings
  const approvers = JSON.parse(row.approvers) as readonly string[];
  return approvers.some((entry) => {
    if (entry.startsWith('group:')) return voter.groups.includes(entry.slice('group:'.length));
    return entry === `subject:${voter.issuer}|${voter.subject}`;
  });
}

const equalText = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
