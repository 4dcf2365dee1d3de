/** Asking for an approval, and no longer wanting it. */

import { Failure } from '../reasons.ts';
import type { ApprovalRow } from '../store/approvals.ts';
import type { Approval, ApprovalRequest, Person } from './approvals.ts';
import { move } from './moves.ts';
import { newRow, sizeOf } from './row.ts';
import { hashOf, showApproval, type Step } from './step.ts';

/** Bytes of one caller's bodies that are kept at a time: two of the largest calls, each with its rendering. */
export const STORED_PER_CALLER = 64 * 1024 ** 2;

/** Resolves to the pending approval of this caller and digest, made if there is none. Rejects with Failure `approval-limit`. */
export async function request(step: Step, asked: ApprovalRequest): Promise<Approval> {
  const { trx, parts, now } = step;
  const known = await pendingOf(step, asked);
  if (known !== undefined) return showApproval(step, known.id);
  await checkLimits(step, asked);
  const row = newRow(asked, now, parts.box);
  await trx.insertInto('approvals').values(row).execute();
  await step.owe({
    type: 'approval.requested',
    approval: row.id,
    subj: hashOf(step, asked.caller),
    service: row.service,
    rule: row.rule,
    digest: parts.hashes.digest(row.digest),
    quorum: row.quorum,
    expires: row.expires,
  });
  return showApproval(step, row.id);
}

const pendingOf = ({ trx }: Step, { caller, digest }: ApprovalRequest): Promise<Pick<ApprovalRow, 'id'> | undefined> =>
  trx
    .selectFrom('approvals')
    .select('id')
    .where('issuer', '=', caller.issuer)
    .where('subject', '=', caller.subject)
    .where('digest', '=', digest)
    .where('state', '=', 'pending')
    .executeTakeFirst();

async function checkLimits({ trx, parts }: Step, asked: ApprovalRequest): Promise<void> {
  const open = await trx
    .selectFrom('approvals')
    .select(['state', 'stored'])
    .where('issuer', '=', asked.caller.issuer)
    .where('subject', '=', asked.caller.subject)
    .where('state', 'in', ['pending', 'approved'])
    .execute();
  const pending = open.filter(({ state }) => state === 'pending').length;
  if (pending >= parts.pendingPerCaller)
    throw new Failure('approval-limit', `the caller has ${pending} pending approvals`);
  const stored = open.reduce((sum, row) => sum + row.stored, sizeOf(asked));
  if (stored > STORED_PER_CALLER)
    throw new Failure('approval-limit', `the held bodies of the caller would take ${stored} bytes`);
}

/** Cancels a pending approval, when it is this caller's. */
export async function cancel(
  step: Step,
  { id, caller }: { readonly id: string; readonly caller: Person },
): Promise<void> {
  const match = { issuer: caller.issuer, subject: caller.subject };
  if (await move(step.trx, step.now, id, 'cancelled', { match }))
    await step.owe({ type: 'approval.cancelled', approval: id });
}
