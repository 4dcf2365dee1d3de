/** Lists sessions out of index.db, newest first. */

import type { Kysely } from 'kysely';
import type { ErasedRow, IndexTables, SessionRow } from './sessions.ts';

/** Which sessions; what is absent restricts nothing. */
export interface SessionFilter {
  /** A subject, or `ISSUER|SUBJECT`. */
  readonly caller?: string;
  readonly service?: string;
  readonly model?: string;
  /** A reason, or `open` for calls under way. */
  readonly reason?: string;
  /** Opened at this time or later, and before that one: ms since the epoch. */
  readonly since?: number;
  readonly until?: number;
  /** Cursor: only sessions older than the one with this id. */
  readonly before?: string;
  readonly limit: number;
}

/** Resolves to the newest sessions that pass the filter. The id of the last one is the cursor for more. */
export function listSessions(db: Kysely<IndexTables>, filter: SessionFilter): Promise<SessionRow[]> {
  const { caller, service, model, reason, since, until, before, limit } = filter;
  let query = db.selectFrom('session').selectAll().orderBy('id', 'desc').limit(limit);
  if (caller !== undefined) {
    const bar = caller.indexOf('|');
    query = query.where('subject', '=', caller.slice(bar + 1));
    if (bar !== -1) query = query.where('issuer', '=', caller.slice(0, bar));
  }
  if (service !== undefined) query = query.where('service', '=', service);
  if (model !== undefined) query = query.where('model', '=', model);
  if (reason !== undefined) query = query.where('reason', '=', reason === 'open' ? '' : reason);
  if (since !== undefined) query = query.where('at', '>=', since);
  if (until !== undefined) query = query.where('at', '<', until);
  if (before !== undefined) query = query.where('id', '<', before);
  return query.execute();
}

/** Resolves to the session with this id, or null. */
export async function findSession(db: Kysely<IndexTables>, id: string): Promise<SessionRow | null> {
  return (await db.selectFrom('session').selectAll().where('id', '=', id).executeTakeFirst()) ?? null;
}

/** Resolves to the erasures that can be about the session with this id: their leaves say which sessions they are about. */
export const findErased = (db: Kysely<IndexTables>, id: string): Promise<ErasedRow[]> =>
  db.selectFrom('erased').selectAll().where('last', '>=', id).where('first', '<=', id).execute();
