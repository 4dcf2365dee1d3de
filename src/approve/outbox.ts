/** Leaves that transitions owe the ledger: written with them in one transaction, sealed before anybody hears of them. */

import type { Kysely, Transaction } from 'kysely';
import type { LeafBody } from '../ledger/leaf.ts';
import type { ApprovalTables } from '../store/approvals.ts';

/** What is owed to the ledger. */
export interface Outbox {
  /** Owes a leaf, as part of a transaction. */
  owe(trx: Transaction<ApprovalTables>, leaf: ApprovalLeaf): Promise<void>;
  /**
   * Resolves when the ledger has every leaf that was owed when it was called. Rejects when the ledger refuses one; it
   * stays owed, and the next call tries again.
   */
  settle(): Promise<void>;
}

/** A leaf about an approval. */
export type ApprovalLeaf = Extract<LeafBody, { readonly approval: string }>;

// Its other members are checked where it is sealed: see encodeLeaf.
const isApprovalLeaf = (value: unknown): value is ApprovalLeaf =>
  typeof value === 'object' && value !== null && 'approval' in value && typeof value.approval === 'string';

const readLeaf = (text: string): ApprovalLeaf => {
  const value: unknown = JSON.parse(text);
  if (!isApprovalLeaf(value)) throw new Error('expected a leaf about an approval in the outbox');
  return value;
};

/** Returns the outbox of a database. `seal` resolves when a leaf is durable in the ledger. */
export function openOutbox(db: Kysely<ApprovalTables>, seal: (leaf: ApprovalLeaf) => Promise<void>): Outbox {
  // One pass at a time, so that leaves keep their order.
  let last: Promise<unknown> = Promise.resolve();

  // A leaf is dropped only once the ledger has it: a crash in between repeats it, and never loses it.
  const pass = async (): Promise<void> => {
    for (const { id, leaf } of await db.selectFrom('outbox').selectAll().orderBy('id').execute()) {
      await seal(readLeaf(leaf));
      await db.deleteFrom('outbox').where('id', '=', id).execute();
    }
  };

  return {
    async owe(trx, leaf) {
      await trx
        .insertInto('outbox')
        .values({ leaf: JSON.stringify(leaf) })
        .execute();
    },
    settle() {
      const next = last.then(pass);
      last = next.catch(() => {});
      return next;
    },
  };
}
