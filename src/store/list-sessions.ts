/** Lists sessions out of index.db, newest first. */

import { type Kysely, type RawBuilder, type SelectQueryBuilder, sql } from 'kysely';
import type { ErasedRow, IndexTables, SessionRow } from './sessions.ts';
import {
  END,
  type FirstIdAt,
  isUnwanted,
  type Range,
  rangeOf,
  type SessionFilter,
  subjectOf,
  wordOf,
} from './session-filter.ts';
import { listByShortest } from './short-list.ts';
import type { What } from './spans.ts';

export type { FirstIdAt, SessionFilter } from './session-filter.ts';

type Query = SelectQueryBuilder<IndexTables, 'session', SessionRow>;

function restrict(query: Query, { caller, service, model, reason, approval }: SessionFilter): Query {
  let rest = query;
  if (caller !== undefined) {
    const bar = caller.indexOf('|');
    rest = rest.where('subject', '=', subjectOf(caller));
    if (bar !== -1) rest = rest.where('issuer', '=', caller.slice(0, bar));
  }
  if (service !== undefined) rest = rest.where('service', '=', service);
  if (model !== undefined) rest = rest.where('model', '=', model);
  if (reason !== undefined) rest = rest.where('reason', '=', wordOf(reason));
  // as literals: only so SQLite sees that the partial indexes cover the query; for callers there is another way
  if (reason !== undefined && reason !== 'completed' && caller === undefined)
    rest = rest.where('reason', '<>', sql.lit('completed'));
  if (approval !== undefined) rest = rest.where('approval', '=', approval).where('approval', '<>', sql.lit(''));
  return rest;
}

/** Something that occurs in spans. */
interface SpanKey {
  readonly what: What;
  readonly value: string;
}

/** What the spans can tell of a filter. */
function spanKey({ service, model }: SessionFilter): SpanKey | null {
  if (model !== undefined) return { what: 'model', value: model };
  return service === undefined ? null : { what: 'service', value: service };
}

/** These have an index of their own, which leads to the rows at once. */
const hasIndex = ({ caller, reason, approval, service, model }: SessionFilter): boolean =>
  (service !== undefined && model !== undefined) ||
  caller !== undefined ||
  approval !== undefined ||
  (reason !== undefined && reason !== 'completed');

const inRange = (db: Kysely<IndexTables>, filter: SessionFilter, { low, high }: Range, limit: number): Query =>
  restrict(
    db
      .selectFrom('session')
      .selectAll()
      .where('id', '>=', low)
      .where('id', '<', high)
      .orderBy('id', 'desc')
      .limit(limit),
    filter,
  );

/** Restricts sessions to those in which something was found, where they are few already. */
const withFinding = (query: Query, { finding }: SessionFilter): Query =>
  finding === undefined
    ? query
    : query.where(sql<boolean>`EXISTS (SELECT 1 FROM finding WHERE kind = ${finding} AND finding.id = session.id)`);

/** Returns what only rows tell: who said who the caller is, and that a call ended well. */
function restOf({ caller = '', reason }: SessionFilter): RawBuilder<boolean> {
  const bar = caller.indexOf('|');
  const issuer = bar === -1 ? sql<boolean>`true` : sql<boolean>`session.issuer = ${caller.slice(0, bar)}`;
  return reason === 'completed' ? sql<boolean>`${issuer} AND session.reason = 'completed'` : issuer;
}

/** How many spans are looked up at once. */
const SPANS = 64;

/** Resolves to the newest sessions in the spans that hold what is looked for. */
async function listInSpans(
  db: Kysely<IndexTables>,
  filter: SessionFilter,
  key: SpanKey,
  range: Range,
): Promise<SessionRow[]> {
  const found: SessionRow[] = [];
  for (let below: string | null = range.high; below !== null; ) {
    const spans = await spansBelow(db, key, below);
    for (const { first, next } of spans) {
      const low = first > range.low ? first : range.low;
      const high = next < range.high ? next : range.high;
      if (low < high) found.push(...(await inSpan(db, filter, { low, high }, filter.limit - found.length).execute()));
      if (found.length >= filter.limit || first <= range.low) return found;
    }
    below = spans.length < SPANS ? null : (spans.at(-1)?.first ?? null);
  }
  return found;
}

/** Looks through a span by its narrow index: rows are wide, and few of them are wanted. */
function inSpan(db: Kysely<IndexTables>, filter: SessionFilter, { low, high }: Range, limit: number): Query {
  const { service, model } = filter;
  const named = service === undefined ? sql`model = ${model ?? ''}` : sql`service = ${service}`;
  const ids = sql<string>`(SELECT id FROM session INDEXED BY session_route WHERE id >= ${low} AND id < ${high} AND ${named})`;
  return restrict(
    withFinding(db.selectFrom('session').selectAll().where('id', 'in', ids), filter)
      .orderBy('id', 'desc')
      .limit(limit),
    filter,
  );
}

/** Calls of one caller that did not end well: by an index that has only these, which the planner would pass over. */
function unwanted(db: Kysely<IndexTables>, filter: SessionFilter, { low, high }: Range): Query {
  const { caller = '', reason = '' } = filter;
  const ids = sql<string>`(SELECT id FROM session INDEXED BY session_unwanted
    WHERE subject = ${subjectOf(caller)} AND reason = ${wordOf(reason)} AND reason <> 'completed'
      AND id >= ${low} AND id < ${high})`;
  return restrict(
    db.selectFrom('session').selectAll().where('id', 'in', ids).orderBy('id', 'desc').limit(filter.limit),
    filter,
  );
}

/** So many spans, of about a thousand sessions each, are looked through where other conditions lead to many more. */
const FEW_SPANS = 128;

async function isInFewSpans(db: Kysely<IndexTables>, { what, value }: SpanKey, { high }: Range): Promise<boolean> {
  const spans = await db
    .selectFrom('seen')
    .select('span')
    .where('what', '=', what)
    .where('value', '=', value)
    .where('span', '<', high)
    .limit(FEW_SPANS + 1)
    .execute();
  return spans.length <= FEW_SPANS;
}

/** Beside a service or a model: conditions that no index meets together with it. */
const hasOthers = (filter: SessionFilter): boolean =>
  filter.caller !== undefined || filter.approval !== undefined || filter.finding !== undefined || isUnwanted(filter);

interface Span {
  readonly first: string;
  /** Where the next one begins. */
  readonly next: string;
}

async function spansBelow(db: Kysely<IndexTables>, { what, value }: SpanKey, below: string): Promise<readonly Span[]> {
  const rows = await db
    .selectFrom('seen')
    .where('what', '=', what)
    .where('value', '=', value)
    .where('span', '<', below)
    .orderBy('span', 'desc')
    .limit(SPANS)
    .select((from) => [
      'span as first',
      from
        .selectFrom('span')
        .whereRef('span.first', '>', 'seen.span')
        .select(({ fn }) => fn.min('span.first').as('n'))
        .as('next'),
    ])
    .execute();
  return rows.map(({ first, next }) => ({ first, next: next ?? END }));
}

/** Resolves to the newest sessions in which something of this kind was found. */
const listWithFinding = (
  db: Kysely<IndexTables>,
  filter: SessionFilter,
  kind: string,
  { low, high }: Range,
): Promise<SessionRow[]> =>
  restrict(
    db
      .selectFrom('finding')
      // in this order: the findings of a kind are few beside all sessions
      .crossJoin('session')
      .whereRef('session.id', '=', 'finding.id')
      .where('finding.kind', '=', kind)
      .where('finding.id', '>=', low)
      .where('finding.id', '<', high)
      .orderBy('finding.id', 'desc')
      .limit(filter.limit)
      .selectAll('session'),
    filter,
  ).execute();

/** Resolves to the newest sessions that pass the filter. The id of the last one is the cursor for more. */
export async function listSessions(
  db: Kysely<IndexTables>,
  filter: SessionFilter,
  firstIdAt: FirstIdAt,
): Promise<SessionRow[]> {
  const range = rangeOf(filter, firstIdAt);
  const key = spanKey(filter);
  const isRare = async (): Promise<boolean> => key !== null && (await isInFewSpans(db, key, range));
  const pair = await listByShortest(db, filter, range, restOf(filter), isRare);
  if (pair !== null) return pair;
  if (key !== null && hasOthers(filter)) return listInSpans(db, filter, key, range);
  if (filter.finding !== undefined) return listWithFinding(db, filter, filter.finding, range);
  if (filter.caller !== undefined && isUnwanted(filter)) return unwanted(db, filter, range).execute();
  return key !== null && !hasIndex(filter)
    ? listInSpans(db, filter, key, range)
    : inRange(db, filter, range, filter.limit).execute();
}

/** Resolves to how many sessions pass a filter. */
export async function countSessions(
  db: Kysely<IndexTables>,
  filter: Pick<SessionFilter, 'caller' | 'service' | 'since' | 'until'>,
  firstIdAt: FirstIdAt,
): Promise<number> {
  const { low, high } = rangeOf({ ...filter, limit: 0 }, firstIdAt);
  const every = { ...filter, limit: Number.MAX_SAFE_INTEGER };
  const rows = inRange(db, every, { low, high }, every.limit)
    .clearSelect()
    .select(({ fn }) => fn.countAll<number>().as('n'));
  return (await rows.executeTakeFirst())?.n ?? 0;
}

/** Resolves to the session with this id, or null. */
export async function findSession(db: Kysely<IndexTables>, id: string): Promise<SessionRow | null> {
  return (await db.selectFrom('session').selectAll().where('id', '=', id).executeTakeFirst()) ?? null;
}

/** Resolves to the erasures that can be about the session with this id: their leaves say which sessions they are about. */
export const findErased = (db: Kysely<IndexTables>, id: string): Promise<ErasedRow[]> =>
  db.selectFrom('erased').selectAll().where('last', '>=', id).where('first', '<=', id).execute();
