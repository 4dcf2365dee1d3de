/** Voting on an approval, and taking one back. */

import type { ApprovalRow } from '../store/approvals.ts';
import type { Ballot, RevocationRequest, VoteOutcome, VoteRefusal } from './approvals.ts';
import { move } from './moves.ts';
import { findRow, hashOf, showApproval, type Step } from './step.ts';
import { votingPerson } from './row.ts';
import { isEligible, refusedRevocation, refusedVote } from './voter.ts';

const refused = (why: VoteRefusal): VoteOutcome => ({ kind: 'refused', why });

/** Counts a ballot. One person has one vote; one denial ends it. */
export async function vote(step: Step, ballot: Ballot): Promise<VoteOutcome> {
  const row = await findRow(step, ballot.id);
  const why = refusedVote(ballot, row, step.parts.hashes);
  if (why !== null || row === undefined) return refused(why ?? 'unknown');
  if (!(await cast(step, ballot))) return refused('voted');
  await step.owe({
    type: 'approval.voted',
    approval: row.id,
    voter: hashOf(step, ballot.voter),
    digest: step.parts.hashes.digest(row.digest),
    decision: ballot.decision,
  });
  if (ballot.decision === 'deny') await deny(step, row);
  else await approveAtQuorum(step, row);
  return { kind: 'counted', approval: await showApproval(step, row.id) };
}

/**
 * Resolves to false when this person has a vote that still counts: the primary key says so, whatever else races. One that
 * no longer does is theirs to cast again.
 */
async function cast({ trx, now }: Step, { id, voter, decision, reason }: Ballot): Promise<boolean> {
  const { issuer, subject, groups, expiresAt } = voter;
  // a token that is accepted within the clock's tolerance is good for the vote that it casts
  const fresh = {
    decision,
    reason,
    at: now,
    groups: JSON.stringify(groups),
    good_until: Math.max(expiresAt * 1000, now + 1),
  };
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('votes')
    .values({ approval: id, issuer, subject, ...fresh })
    .onConflict((conflict) =>
      conflict.columns(['approval', 'issuer', 'subject']).doUpdateSet(fresh).where('votes.good_until', '<=', now),
    )
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}

async function deny(step: Step, { id }: ApprovalRow): Promise<void> {
  if (await move(step.trx, step.now, id, 'denied')) await step.owe({ type: 'approval.denied', approval: id });
}

/** Every earlier voter is looked at again: they must be named still, by groups that their token still vouches for. */
async function approveAtQuorum(step: Step, row: ApprovalRow): Promise<void> {
  const { trx, now, parts } = step;
  const votes = await trx
    .selectFrom('votes')
    .selectAll()
    .where('approval', '=', row.id)
    .where('decision', '=', 'approve')
    .where('good_until', '>', now)
    .execute();
  if (votes.filter((each) => isEligible(votingPerson(each), row)).length < row.quorum) return;
  const moved = await move(trx, now, row.id, 'approved', { change: { use_by: now + row.use_within } });
  if (!moved) return;
  await step.owe({ type: 'approval.approved', approval: row.id, digest: parts.hashes.digest(row.digest) });
}

/** Revokes an approval that has not been used. */
export async function revoke(step: Step, { id, voter, reason }: RevocationRequest): Promise<VoteOutcome> {
  const row = await findRow(step, id);
  const why = refusedRevocation({ id, voter, reason }, row);
  if (why !== null) return refused(why);
  const change = { revoked_by: JSON.stringify([voter.issuer, voter.subject]), revoked_why: reason };
  if (!(await move(step.trx, step.now, id, 'revoked', { change }))) return refused('over');
  await step.owe({ type: 'approval.revoked', approval: id, voter: hashOf(step, voter) });
  return { kind: 'counted', approval: await showApproval(step, id) };
}
