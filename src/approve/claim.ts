/** Using an approval: once, by the caller that it is for, for the call that it is for. */

import type { ApprovalRow, ApprovalState } from '../store/approvals.ts';
import type { Claim, ClaimOutcome, Person } from './approvals.ts';
import { move } from './moves.ts';
import { bytesOf } from './row.ts';
import { findRow, type Step } from './step.ts';

type Refusal = Extract<ClaimOutcome, { kind: 'refused' }>['reason'];

const refused = (reason: Refusal): ClaimOutcome => ({ kind: 'refused', reason });

/** What a claim hears of an approval that it cannot use, by the state of it. */
const REFUSALS: Readonly<Record<ApprovalState, Refusal>> = {
  pending: 'approval-required',
  approved: 'approval-expired',
  consumed: 'approval-used',
  denied: 'approval-denied',
  revoked: 'approval-denied',
  expired: 'approval-expired',
  cancelled: 'approval-expired',
  superseded: 'approval-expired',
};

/** Resolves to `claimed`, with the bytes that were approved, at most once for an approval. */
export async function claim(step: Step, claimed: Claim): Promise<ClaimOutcome> {
  const { trx, now, parts } = step;
  const { id, caller, digest, call, session } = claimed;
  const row = await findRow(step, id);
  // somebody else's approval is as unknown as one that never was
  if (row === undefined || !isCaller(row, caller)) return refused('approval-unknown');
  if (row.call !== call) return refused('approval-mismatch');
  if (row.digest !== digest) return supersede(step, row);
  const bytes = bytesOf(row, parts.box);
  const match = { issuer: caller.issuer, subject: caller.subject, digest, call };
  if (!(await move(trx, now, id, 'consumed', { change: { used_by: session }, match })))
    return refused(REFUSALS[row.state]);
  await step.owe({ type: 'approval.consumed', approval: id, digest: parts.hashes.digest(digest), sid: session });
  return { kind: 'claimed', bytes };
}

const isCaller = (row: Person, { issuer, subject }: Person): boolean =>
  row.issuer === issuer && row.subject === subject;

/** The same call under other rules, another model server or another rendering: what was approved is not what would happen. */
async function supersede(step: Step, row: ApprovalRow): Promise<ClaimOutcome> {
  if (await move(step.trx, step.now, row.id, 'superseded'))
    await step.owe({ type: 'approval.superseded', approval: row.id });
  return refused(row.state === 'pending' ? 'approval-expired' : REFUSALS[row.state]);
}
