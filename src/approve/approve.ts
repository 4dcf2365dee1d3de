/**
 * The approvals of a deployment, over the state database. A transition and the leaf that tells of it are committed in one
 * transaction; nobody hears of it before the ledger has the leaf too (docs/adr/0010-approvals.md).
 */

import type { Transaction } from 'kysely';
import type { Clock } from '../clock.ts';
import type { LeafBody } from '../ledger/leaf.ts';
import { Failure } from '../reasons.ts';
import { APPROVAL_STEPS, type ApprovalRow, type ApprovalState, type ApprovalTables } from '../store/approvals.ts';
import { migrate } from '../store/migrate.ts';
import type { Store } from '../store/sqlite.ts';
import type {
  Approval,
  ApprovalRequest,
  Approvals,
  Ballot,
  Claim,
  ClaimOutcome,
  Person,
  VoteOutcome,
} from './approvals.ts';
import type { ApprovalHashes } from './envelope.ts';
import { expireDue, move } from './moves.ts';
import { openOutbox } from './outbox.ts';
import { type Box, bytesOf, newRow, shownApproval, sizeOf } from './row.ts';
import { refusedRevocation, refusedVote } from './voter.ts';
import { createWaiting } from './waiting.ts';

export type { Box } from './row.ts';

/** What approvals are made of. */
export interface ApprovalParts {
  readonly store: Store<ApprovalTables>;
  /** Resolves when the leaf is durable in the ledger. */
  readonly seal: (leaf: LeafBody) => Promise<void>;
  readonly hashes: ApprovalHashes;
  readonly box: Box;
  readonly clock: Clock;
  /** Pending approvals per caller. */
  readonly pendingPerCaller: number;
}

/** Approvals with what only their owner may do. */
export interface OwnedApprovals extends Approvals {
  /** Ends what is out of time. Resolves to how many. */
  expire(): Promise<number>;
  /** Seals leaves that a crash kept from the ledger. */
  settle(): Promise<void>;
}

/** Bodies of one caller that are kept for decisions and uses, together, in bytes: two of the largest calls with their renderings. */
export const STORED_PER_CALLER = 64 * 1024 ** 2;

type Trx = Transaction<ApprovalTables>;

/** One transaction under way. */
interface Step {
  readonly trx: Trx;
  /** Milliseconds since the epoch; one time for all of the transaction. */
  readonly now: number;
  owe(leaf: ApprovalLeaf): Promise<void>;
}

type ApprovalLeaf = Extract<LeafBody, { readonly approval: string }>;

/** Returns the approvals of a state database; makes their tables when missing. */
export function openApprovals(parts: ApprovalParts): OwnedApprovals {
  const { store, hashes, box, clock } = parts;
  migrate(store.raw, 'approvals', APPROVAL_STEPS);
  const outbox = openOutbox(store.db, parts.seal);
  const waiting = createWaiting();

  /** Runs a transaction, after ending what is out of time; resolves once the ledger has what it owes. */
  const commit = async <T>(run: (step: Step) => Promise<T>): Promise<T> => {
    const touched: string[] = [];
    const result = await store.db.transaction().execute(async (trx) => {
      const step: Step = {
        trx,
        now: clock.now(),
        async owe(leaf) {
          touched.push(leaf.approval);
          await outbox.owe(trx, leaf);
        },
      };
      for (const approval of await expireDue(trx, step.now)) await step.owe({ type: 'approval.expired', approval });
      return run(step);
    });
    await outbox.settle();
    for (const id of touched) waiting.wake(id);
    return result;
  };

  const expire = (): Promise<number> =>
    commit(async ({ trx, now }) => {
      const { ended } = await trx
        .selectFrom('approvals')
        .select(({ fn }) => fn.countAll<number>().as('ended'))
        .where('state', '=', 'expired')
        .where('expires', '<=', now)
        .executeTakeFirstOrThrow();
      return ended;
    });

  return { ...TODO };
}
