import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { listSessions, type SessionFilter } from './list-sessions.ts';
import { type IndexTables, indexWriter, type SessionRow } from './sessions.ts';
import { openIndex, type Store } from './sqlite.ts';

/** An id whose first ten characters tell the time, as those of sessions do. */
const idAt = (at: number, rest = '0'): string => String(at).padStart(10, '0') + rest.padStart(16, '0');

const rowOf = (n: number): SessionRow => {
  const pick = <T>(from: readonly T[]): T | undefined => from[(n * 7919) % from.length];
  const kinds = n % 11 === 0 ? (n % 22 === 0 ? ' email phone ' : ' iban ') : '';
  return {
    id: idAt(n, String((n * 31) % 1000)),
    at: n,
    issuer: n % 2 === 0 ? 'https://one.example' : 'https://two.example',
    subject: `person-${n % 17}`,
    kind: 'human',
    service: n === 1500 ? 'rare' : `service-${n % 3}`,
    operation: 'chat',
    model: pick(['small', 'large', 'small', 'tiny']) ?? '',
    effect: 'allow',
    rule: '',
    reason: pick(['completed', 'completed', 'policy-denied', 'completed', '']) ?? '',
    status: 200,
    ended: 'ok',
    approval: n % 97 === 0 ? `approval-${n}` : '',
    duration: 1,
    first: 1,
    input_tokens: 1,
    output_tokens: 1,
    request_bytes: 1,
    answer_bytes: 1,
    findings: 0,
    kinds,
    features: '',
    leaf: n,
    end_leaf: n,
    stream: 's',
    places: '',
  };
};

const rows = Array.from({ length: 3000 }, (_, n) => rowOf(n));

const passes = (row: SessionRow, filter: SessionFilter): boolean => {
  const { caller, service, model, reason, finding, approval, since, until, before } = filter;
  return (
    (caller === undefined || caller === row.subject || caller === `${row.issuer}|${row.subject}`) &&
    (service === undefined || service === row.service) &&
    (model === undefined || model === row.model) &&
    (reason === undefined || (reason === 'open' ? '' : reason) === row.reason) &&
    (finding === undefined || row.kinds.includes(` ${finding} `)) &&
    (approval === undefined || approval === row.approval) &&
    (since === undefined || row.at >= since) &&
    (until === undefined || row.at < until) &&
    (before === undefined || row.id < before)
  );
};

const expected = (filter: SessionFilter): readonly string[] =>
  rows
    .filter((row) => passes(row, filter))
    .map(({ id }) => id)
    .toReversed()
    .slice(0, filter.limit);

let store: Store<IndexTables>;

const open = (): Store<IndexTables> => openIndex<IndexTables>(mkdtempSync(join(tmpdir(), 'sallyport-list-')));

const listed = async (filter: SessionFilter): Promise<readonly string[]> =>
  (await listSessions(store.db, filter, (at) => idAt(at, ''))).map(({ id }) => id);

beforeAll(() => {
  store = open();
  const writer = indexWriter(store.raw);
  // sessions end in another order than they began in, and are told of while they are open
  const order = rows.toSorted((a, b) => (a.at % 40) * 100 - (b.at % 40) * 100 + a.at - b.at);
  for (const row of rows.slice(0, 500)) writer.session({ ...row, reason: '', kinds: '' });
  for (const row of order) {
    writer.session(row);
    if (writer.waiting > 200) writer.commit(null);
  }
  writer.commit(null);
});

const FILTERS: readonly Omit<SessionFilter, 'limit'>[] = [
  {},
  { caller: 'person-3' },
  { caller: 'https://two.example|person-3' },
  { service: 'service-1' },
  { service: 'rare' },
  { service: 'none' },
  { model: 'tiny' },
  { service: 'service-2', model: 'large' },
  { service: 'rare', model: 'large' },
  { reason: 'policy-denied' },
  { reason: 'completed', service: 'service-0' },
  { reason: 'open' },
  { finding: 'email' },
  { finding: 'iban', service: 'service-1' },
  { finding: 'none' },
  { approval: 'approval-97' },
  { since: 1000, until: 1100 },
  { since: 2990, service: 'service-0' },
  { until: 10, model: 'small' },
  { caller: 'person-5', reason: 'policy-denied', since: 100, until: 2000 },
  { caller: 'person-3', service: 'rare' },
  { caller: 'person-3', service: 'service-1' },
  { caller: 'https://one.example|person-4', model: 'small', finding: 'email' },
  { reason: 'policy-denied', service: 'rare' },
  { reason: 'policy-denied', finding: 'iban' },
  { reason: 'open', model: 'large', service: 'service-1' },
  { reason: 'completed', finding: 'phone', caller: 'person-2' },
  { reason: 'policy-denied', finding: 'phone', service: 'service-0', model: 'small', caller: 'person-2' },
  { finding: 'email', service: 'rare' },
  { finding: 'none', service: 'service-0' },
  { approval: 'approval-194', caller: 'person-7' },
  { approval: 'approval-194', service: 'service-2' },
  { model: 'small', service: 'service-0', reason: 'policy-denied', since: 400, until: 2600 },
];

describe('a list of sessions', () => {
  it.each(FILTERS)('holds what a look at every row finds: %j', async (filter) => {
    for (const limit of [1, 7, 10_000])
      expect(await listed({ ...filter, limit })).toEqual(expected({ ...filter, limit }));
  });

  it.each(FILTERS)('goes on behind its cursor until nothing is left: %j', async (filter) => {
    const all: string[] = [];
    for (let before: string | undefined; ; ) {
      const page = await listed({ ...filter, ...(before === undefined ? {} : { before }), limit: 40 });
      all.push(...page);
      before = page.at(-1);
      if (before === undefined || page.length < 40) break;
    }
    expect(all).toEqual(expected({ ...filter, limit: 10_000 }));
  });

  it('of what many sessions meet, and few together, holds these', async () => {
    const other = open();
    const writer = indexWriter(other.raw);
    const many = Array.from({ length: 12_000 }, (_, n): SessionRow => {
      const isRare = n % 5000 === 77;
      const service = isRare ? 'rare' : 'usual';
      const kinds = n % 3 === 0 || isRare ? ' email ' : '';
      return { ...rowOf(n), subject: 'busy', service, model: isRare ? 'odd' : 'usual', reason: 'policy-denied', kinds };
    });
    for (const row of many) writer.session(row);
    writer.commit(null);
    const filters: readonly Omit<SessionFilter, 'limit'>[] = [
      { caller: 'busy', service: 'rare' },
      { caller: 'https://one.example|busy', service: 'rare' },
      { caller: 'busy', service: 'rare', finding: 'email' },
      { reason: 'policy-denied', model: 'odd' },
      { reason: 'policy-denied', service: 'rare', until: 6000 },
      { reason: 'policy-denied', service: 'usual', finding: 'email', since: 11_000 },
      { caller: 'busy', service: 'usual', model: 'odd' },
      { caller: 'busy', service: 'nowhere' },
      { caller: 'https://two.example|busy', model: 'usual' },
    ];
    for (const filter of filters) {
      for (const limit of [2, 100]) {
        const found = await listSessions(other.db, { ...filter, limit }, (at) => idAt(at, ''));
        const wanted = many.filter((row) => passes(row, { ...filter, limit })).toReversed();
        expect(
          found.map(({ id }) => id),
          JSON.stringify(filter),
        ).toEqual(wanted.slice(0, limit).map(({ id }) => id));
      }
    }
    await other.close();
  });

  it('holds nothing of what was erased', async () => {
    const other = open();
    const writer = indexWriter(other.raw);
    for (const row of rows.slice(0, 50)) writer.session(row);
    writer.commit(null);
    const sids = rows.slice(0, 23).map(({ id }) => id);
    writer.erase({ leaf: 1, at: 1, rule: 'r' }, sids);
    const left = await listSessions(other.db, { finding: 'email', limit: 100 }, (at) => idAt(at, ''));
    expect(left.map(({ at }) => at)).toEqual([44]);
    expect(Number(other.raw.prepare('SELECT count(*) AS n FROM finding').get()?.['n'])).toBe(3);
    await other.close();
  });

  it('goes on in the spans of an earlier run', async () => {
    const writer = indexWriter(store.raw);
    const late = { ...rowOf(4000), service: 'late' };
    writer.session(late);
    writer.commit(null);
    expect(await listed({ service: 'late', limit: 5 })).toEqual([late.id]);
    store.raw.prepare('DELETE FROM session WHERE id = ?').run(late.id);
  });
});
