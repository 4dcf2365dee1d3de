/**
 * Filters of several conditions, each of which many sessions may meet and hardly any meets all. Of the indexes that lead to
 * what one condition names, the one that leads to the fewest sessions is walked, and the others are asked of each session
 * that it names; all of them are narrow, and rows are read of what meets every condition only. Which one leads to the
 * fewest, a look into each tells: no statistics are kept.
 */

import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { IndexTables, SessionRow } from './sessions.ts';
import { isUnwanted, type Range, type SessionFilter, subjectOf, wordOf } from './session-filter.ts';

/** How far a look goes: beyond it all are many. */
const MANY = 10_000;

type Condition = 'caller' | 'reason' | 'finding' | 'approval' | 'service' | 'model';

/** An index, by the conditions that it meets together. */
interface Lead {
  readonly meets: readonly Condition[];
  readonly table: RawBuilder<unknown>;
  /** Of `led`, the entry of the table. */
  readonly where: RawBuilder<unknown>;
}

/** What only the rows themselves tell is no condition here: a call that ended well. */
const conditionsOf = (filter: SessionFilter): readonly Condition[] => {
  const { caller, finding, approval, service, model } = filter;
  const given = { caller, reason: isUnwanted(filter) ? filter.reason : undefined, finding, approval, service, model };
  const all: readonly Condition[] = ['caller', 'reason', 'finding', 'approval', 'service', 'model'];
  return all.filter((condition) => given[condition] !== undefined);
};

// the literals let SQLite see that the partial indexes cover the query
const leadsOf = (filter: SessionFilter): readonly Lead[] => {
  const { caller = '', reason = '', finding = '', approval = '', service = '', model = '' } = filter;
  const [subject, word] = [subjectOf(caller), wordOf(reason)];
  return [
    {
      meets: ['approval'],
      table: sql`session AS led INDEXED BY session_approval`,
      where: sql`led.approval = ${approval} AND led.approval <> ''`,
    },
    {
      meets: ['caller', 'reason'],
      table: sql`session AS led INDEXED BY session_unwanted`,
      where: sql`led.subject = ${subject} AND led.reason = ${word} AND led.reason <> 'completed'`,
    },
    {
      meets: ['service', 'model'],
      table: sql`session AS led INDEXED BY session_pair`,
      where: sql`led.service = ${service} AND led.model = ${model}`,
    },
    {
      meets: ['caller'],
      table: sql`session AS led INDEXED BY session_subject`,
      where: sql`led.subject = ${subject}`,
    },
    { meets: ['finding'], table: sql`finding AS led`, where: sql`led.kind = ${finding}` },
    {
      meets: ['reason'],
      table: sql`session AS led INDEXED BY session_reason`,
      where: sql`led.reason = ${word} AND led.reason <> 'completed'`,
    },
  ];
};

const holds = (table: RawBuilder<unknown>, where: RawBuilder<unknown>): RawBuilder<boolean> =>
  sql<boolean>`EXISTS (SELECT 1 FROM ${table} WHERE other.id = led.id AND ${where})`;

/** Returns what asks the index of one condition whether it holds of `led`. */
function askOf(condition: Condition, filter: SessionFilter): RawBuilder<boolean> {
  const { caller = '', reason = '', finding = '', service = '', model = '' } = filter;
  if (condition === 'finding') return holds(sql`finding AS other`, sql`other.kind = ${finding}`);
  if (condition === 'caller')
    return holds(sql`session AS other INDEXED BY session_subject`, sql`other.subject = ${subjectOf(caller)}`);
  if (condition === 'service')
    return holds(sql`session AS other INDEXED BY session_route`, sql`other.service = ${service}`);
  if (condition === 'model') return holds(sql`session AS other INDEXED BY session_route`, sql`other.model = ${model}`);
  if (condition === 'approval')
    return holds(
      sql`session AS other INDEXED BY session_approval`,
      sql`other.approval = ${filter.approval ?? ''} AND other.approval <> ''`,
    );
  return holds(
    sql`session AS other INDEXED BY session_reason`,
    sql`other.reason = ${wordOf(reason)} AND other.reason <> 'completed'`,
  );
}

const within = ({ low, high }: Range): RawBuilder<unknown> => sql`led.id >= ${low} AND led.id < ${high}`;

/** Resolves to how many sessions an index leads to, looking no further than `most`. */
async function sizeOf(db: Kysely<IndexTables>, { table, where }: Lead, range: Range, most: number): Promise<number> {
  const { rows } = await sql<{ readonly n: number }>`SELECT count(*) AS n FROM
    (SELECT 1 FROM ${table} WHERE ${where} AND ${within(range)} LIMIT ${sql.lit(most)})`.execute(db);
  return rows[0]?.n ?? 0;
}

/** How a list is read: which index leads, and to at most how many sessions. */
interface Shortest {
  readonly lead: Lead;
  readonly size: number;
}

async function shortestOf(db: Kysely<IndexTables>, leads: readonly Lead[], range: Range): Promise<Shortest | null> {
  let shortest: Shortest | null = null;
  for (const lead of leads) {
    const most = shortest?.size ?? MANY;
    const size = await sizeOf(db, lead, range, most);
    if (shortest === null || size < shortest.size) shortest = { lead, size };
  }
  return shortest;
}

/** Filters that one index meets whole, or that only spans can tell of, are none of these. */
function leadsFor(filter: SessionFilter): readonly Lead[] {
  const conditions = conditionsOf(filter);
  const leads = leadsOf(filter).filter(({ meets }) => meets.every((condition) => conditions.includes(condition)));
  return leads.some(({ meets }) => meets.length === conditions.length) ? [] : leads;
}

/**
 * Resolves to the newest sessions of a filter that no index meets whole; null where one does, or where all that each leads
 * to are many and `isRare` says that there is another way. `rest` is what only the rows tell.
 */
export async function listByShortest(
  db: Kysely<IndexTables>,
  filter: SessionFilter,
  range: Range,
  rest: RawBuilder<boolean>,
  isRare: () => Promise<boolean>,
): Promise<SessionRow[] | null> {
  const shortest = await shortestOf(db, leadsFor(filter), range);
  if (shortest === null || (shortest.size === MANY && (await isRare()))) return null;
  const { meets, table, where } = shortest.lead;
  const asked = conditionsOf(filter)
    .filter((condition) => !meets.includes(condition))
    .map((condition) => askOf(condition, filter));
  const { rows } = await sql<SessionRow>`SELECT session.* FROM ${table} CROSS JOIN session ON session.id = led.id
    WHERE ${sql.join([where, within(range), ...asked, rest], sql` AND `)}
    ORDER BY led.id DESC LIMIT ${filter.limit}`.execute(db);
  return rows;
}
