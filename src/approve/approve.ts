/**
 * The approvals of a deployment, over the state database. A transition and the leaf that tells of it are committed in one
 * transaction, and nobody hears of it before the ledger has the leaf too (docs/adr/0010-approvals.md).
 */

import { APPROVAL_STEPS, type ApprovalState } from '../store/approvals.ts';
import { migrate } from '../store/migrate.ts';
import type { Approval, Approvals } from './approvals.ts';
import { claim } from './claim.ts';
import { openOutbox } from './outbox.ts';
import { cancel, request } from './request.ts';
import { bytesOf, shownApproval } from './row.ts';
import { type ApprovalParts, createTransact, findRow, showApproval, type Step } from './step.ts';
import { revoke, vote } from './vote.ts';
import { createWaiting } from './waiting.ts';

export type { Box } from './row.ts';
export type { ApprovalParts } from './step.ts';

/** Approvals with what only their owner may do. */
export interface OwnedApprovals extends Approvals {
  /** Ends what is out of time. */
  expire(): Promise<void>;
  /** Seals leaves that a crash kept from the ledger. */
  settle(): Promise<void>;
}

const MAX_LISTED = 500;

/** Returns the approvals of a state database; makes their tables when missing. */
export function openApprovals(parts: ApprovalParts): OwnedApprovals {
  migrate(parts.store.raw, 'approvals', APPROVAL_STEPS);
  const outbox = openOutbox(parts.store.db, parts.seal);
  const waiting = createWaiting();
  const transact = createTransact(parts, outbox, waiting);
  const stateOf = (id: string): Promise<ApprovalState> =>
    transact(async (step) => (await findRow(step, id))?.state ?? 'cancelled');

  return {
    request: (asked) => transact((step) => request(step, asked)),
    vote: (ballot) => transact((step) => vote(step, ballot)),
    revoke: (asked) => transact((step) => revoke(step, asked)),
    claim: (claimed) => transact((step) => claim(step, claimed)),
    cancel: (asked) => transact((step) => cancel(step, asked)),
    get: (id) => transact(async (step) => ((await findRow(step, id)) === undefined ? null : showApproval(step, id))),
    list: ({ state }) => transact((step) => list(step, state)),
    body: (id) =>
      transact(async (step) => {
        const row = await findRow(step, id);
        return row === undefined ? null : bytesOf(row, parts.box);
      }),
    async decided({ id, ms }) {
      // it waits before it looks, so that no decision falls in between
      const { woken, giveUp } = waiting.until(id, ms);
      try {
        const state = await stateOf(id);
        if (state !== 'pending') return state;
        await woken;
        return await stateOf(id);
      } finally {
        giveUp();
      }
    },
    expire: () => transact(async () => {}),
    settle: () => outbox.settle(),
  };
}

async function list({ trx, parts, now }: Step, state: ApprovalState | null): Promise<readonly Approval[]> {
  const query = trx.selectFrom('approvals').selectAll().orderBy('created', 'desc').orderBy('id').limit(MAX_LISTED);
  const rows = await (state === null ? query : query.where('state', '=', state)).execute();
  const ids = rows.map(({ id }) => id);
  const votes = await trx.selectFrom('votes').selectAll().where('approval', 'in', ids).orderBy('at').execute();
  const byApproval = Map.groupBy(votes, ({ approval }) => approval);
  return rows.map((row) => shownApproval(row, byApproval.get(row.id) ?? [], parts.hashes, now));
}
