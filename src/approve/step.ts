/** One transaction of the state machine, and what its verbs work with. */

import type { Transaction } from 'kysely';
import type { Clock } from '../clock.ts';
import type { ApprovalRow, ApprovalTables } from '../store/approvals.ts';
import type { Store } from '../store/sqlite.ts';
import type { Approval, Person } from './approvals.ts';
import type { ApprovalHashes } from './envelope.ts';
import { expireDue } from './moves.ts';
import type { ApprovalLeaf, Outbox } from './outbox.ts';
import { type Box, shownApproval } from './row.ts';
import type { Waiting } from './waiting.ts';

/** What approvals are made of. */
export interface ApprovalParts {
  readonly store: Store<ApprovalTables>;
  /** Resolves when the leaf is durable in the ledger. */
  readonly seal: (leaf: ApprovalLeaf) => Promise<void>;
  readonly hashes: ApprovalHashes;
  readonly box: Box;
  readonly clock: Clock;
  /** Pending approvals per caller. */
  readonly pendingPerCaller: number;
}

/** A transaction under way. */
export interface Step {
  readonly parts: ApprovalParts;
  readonly trx: Transaction<ApprovalTables>;
  /** Milliseconds since the epoch: one time for all of the transaction. */
  readonly now: number;
  /** Owes the ledger a leaf. */
  owe(leaf: ApprovalLeaf): Promise<void>;
}

/** Runs a transaction. Resolves to its result once the ledger has what it owes. */
export type Transact = <T>(run: (step: Step) => Promise<T>) => Promise<T>;

/** Returns how transactions are run: what is out of time ends first, and whoever waits hears last. */
export const createTransact = (parts: ApprovalParts, outbox: Outbox, waiting: Waiting): Transact => {
  return async (run) => {
    const touched: string[] = [];
    const result = await parts.store.db.transaction().execute(async (trx) => {
      const owe = async (leaf: ApprovalLeaf): Promise<void> => {
        touched.push(leaf.approval);
        await outbox.owe(trx, leaf);
      };
      const now = parts.clock.now();
      // An UPDATE first: it takes the write lock, so that all of the transaction sees what it then changes.
      for (const approval of await expireDue(trx, now)) await owe({ type: 'approval.expired', approval });
      return run({ parts, trx, now, owe });
    });
    await outbox.settle();
    for (const id of touched) waiting.wake(id);
    return result;
  };
};

/** Resolves to the row of an approval, if there is one. */
export const findRow = ({ trx }: Step, id: string): Promise<ApprovalRow | undefined> =>
  trx.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirst();

/** Resolves to an approval that there is, with its votes. */
export async function showApproval({ trx, parts, now }: Step, id: string): Promise<Approval> {
  const row = await trx.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  const votes = await trx.selectFrom('votes').selectAll().where('approval', '=', id).orderBy('at').execute();
  return shownApproval(row, votes, parts.hashes, now);
}

/** Returns a person as the ledger sees them. */
export const hashOf = ({ parts }: Step, { issuer, subject }: Person): string => parts.hashes.subject(issuer, subject);
