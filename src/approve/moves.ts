/** The moves of an approval from state to state, each one conditional UPDATE: the database says which of two rivals wins. */

import { sql, type RawBuilder, type Transaction } from 'kysely';
import type { ApprovalRow, ApprovalState, ApprovalTables } from '../store/approvals.ts';

type Trx = Transaction<ApprovalTables>;
type Moved = Exclude<ApprovalState, 'pending'>;

/** Every move that there is: to each state, from which. */
const FROM: Readonly<Record<Moved, readonly ApprovalState[]>> = {
  approved: ['pending'],
  denied: ['pending'],
  cancelled: ['pending'],
  consumed: ['approved'],
  revoked: ['approved'],
  superseded: ['pending', 'approved'],
  expired: ['pending', 'approved'],
};

/** `use_by` is set once, at the decision: nothing starts the time again. Times in milliseconds since the epoch. */
const inTime = (now: number): RawBuilder<boolean> =>
  sql`((state = 'pending' AND expires > ${now}) OR (state = 'approved' AND use_by > ${now}))`;

const outOfTime = (now: number): RawBuilder<boolean> =>
  sql`((state = 'pending' AND expires <= ${now}) OR (state = 'approved' AND use_by <= ${now}))`;

/** What an approval must still be for a move. */
type Match = Partial<Pick<ApprovalRow, 'issuer' | 'subject' | 'digest' | 'call'>>;

/** What a move writes beside the state. */
type Change = Partial<Pick<ApprovalRow, 'use_by' | 'used_by' | 'revoked_by' | 'revoked_why'>>;

/** Resolves to true when approval `id` went to state `to` by this very call. */
export async function move(
  trx: Trx,
  now: number,
  id: string,
  to: Exclude<Moved, 'expired'>,
  { change = {}, match = {} }: { readonly change?: Change; readonly match?: Match } = {},
): Promise<boolean> {
  let update = trx
    .updateTable('approvals')
    .set({ ...change, ...kept(to), state: to })
    .where('id', '=', id)
    .where('state', 'in', FROM[to])
    .where(inTime(now));
  for (const column of ['issuer', 'subject', 'digest', 'call'] as const) {
    const value = match[column];
    if (value !== undefined) update = update.where(column, '=', value);
  }
  const { numUpdatedRows } = await update.executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Ends what is out of time. Resolves to the ids. */
export async function expireDue(trx: Trx, now: number): Promise<readonly string[]> {
  const rows = await trx
    .updateTable('approvals')
    .set({ ...kept('expired'), state: 'expired' })
    .where(outOfTime(now))
    .returning('id')
    .execute();
  return rows.map(({ id }) => id);
}

/** A body stays only while a call may still need it. */
const kept = (to: Moved): Partial<Pick<ApprovalRow, 'body' | 'forwarded' | 'stored'>> =>
  to === 'approved' ? {} : { body: null, forwarded: null, stored: 0 };
