import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LeafBody } from '../ledger/leaf.ts';
import type { ApprovalTables } from '../store/approvals.ts';
import { openState, type Store } from '../store/sqlite.ts';
import type { Approval, ApprovalRequest, Ballot, Person } from './approvals.ts';
import { openApprovals, type OwnedApprovals } from './approve.ts';
import { approvalHashes } from './envelope.ts';

const IDP = 'https://idp.example';
const alice: Person = { issuer: IDP, subject: 'alice' };
const digest = 'd'.repeat(64);
const call = 'c'.repeat(64);
const asked: ApprovalRequest = {
  caller: alice,
  actors: [{ issuer: IDP, subject: 'alices-agent' }],
  digest,
  call,
  service: 'llm',
  model: 'm',
  operation: 'chat',
  rule: 'big',
  message: '',
  by: ['group:leads', `subject:${IDP}|carol`],
  quorum: 1,
  within: 60_000,
  useWithin: 10_000,
  session: 's1',
  body: Buffer.from('{"secret":"prompt"}'),
  forwarded: null,
};
const lead = (subject: string, over: Partial<Ballot['voter']> = {}) => ({
  issuer: IDP,
  subject,
  kind: 'human',
  groups: ['leads'],
  ...over,
});

let folder: string;
let store: Store<ApprovalTables>;
let leaves: LeafBody[];
let now: number;
let approvals: OwnedApprovals;

const open = (over: { seal?: (leaf: LeafBody) => Promise<void>; store?: Store<ApprovalTables> } = {}): OwnedApprovals =>
  openApprovals({
    store: over.store ?? store,
    seal: over.seal ?? (async (leaf) => void leaves.push(leaf)),
    hashes: approvalHashes(new Uint8Array(32)),
    // reversed: unreadable enough to see that bodies pass through it
    box: { seal: (bytes) => Uint8Array.from(bytes).toReversed(), open: (bytes) => Uint8Array.from(bytes).toReversed() },
    clock: { now: () => now, mono: () => now * 1000 },
    pendingPerCaller: 3,
  });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-approve-'));
  store = openState<ApprovalTables>(folder);
  leaves = [];
  now = 1_000_000;
  approvals = open();
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const vote = ({ id, digest }: Approval, voter: Ballot['voter'], over: Partial<Ballot> = {}) =>
  approvals.vote({ id, voter, digest, decision: 'approve', reason: '', ...over });
const claim = (id: string, over: { caller?: Person; digest?: string; call?: string; session?: string } = {}) =>
  approvals.claim({ id, caller: alice, digest, call, session: 's2', ...over });

describe('promise 6: approvals bind', () => {
  it('lets the approved call pass once, with the bytes that were stored', async () => {
    const asking = await approvals.request(asked);
    expect(await claim(asking.id)).toEqual({ kind: 'refused', reason: 'approval-required' });
    expect(await vote(asking, lead('bob'))).toMatchObject({
      kind: 'counted',
      approval: { state: 'approved', useBy: now + 10_000 },
    });
    expect(await claim(asking.id)).toEqual({
      kind: 'claimed',
      bytes: Uint8Array.from(Buffer.from('{"secret":"prompt"}')),
    });
    expect(await claim(asking.id)).toEqual({ kind: 'refused', reason: 'approval-used' });
    expect(leaves.map(({ type }) => type)).toEqual([
      'approval.requested',
      'approval.voted',
      'approval.approved',
      'approval.consumed',
    ]);
  });

  it('is for one digest', async () => {
    const asking = await approvals.request(asked);
    await vote(asking, lead('bob'));
    expect(await claim(asking.id, { call: 'e'.repeat(64) })).toEqual({ kind: 'refused', reason: 'approval-mismatch' });
    expect(await claim(asking.id, { digest: 'e'.repeat(64) })).toEqual({ kind: 'refused', reason: 'approval-expired' });
    expect(await approvals.get(asking.id)).toMatchObject({ state: 'superseded' });
  });

  it('is for one caller: its id is no bearer capability', async () => {
    const asking = await approvals.request(asked);
    await vote(asking, lead('bob'));
    for (const caller of [
      { ...alice, subject: 'mallory' },
      { ...alice, issuer: 'https://other.example' },
    ])
      expect(await claim(asking.id, { caller })).toEqual({ kind: 'refused', reason: 'approval-unknown' });
  });

  it('is used once however many calls race for it', async () => {
    const asking = await approvals.request(asked);
    await vote(asking, lead('bob'));
    const outcomes = await Promise.all(Array.from({ length: 40 }, (_, at) => claim(asking.id, { session: `s${at}` })));
    expect(outcomes.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
    // the database says so, not this process's memory
    const second = openState<ApprovalTables>(folder);
    const other = open({ store: second });
    expect(await other.claim({ id: asking.id, caller: alice, digest, call, session: 's99' })).toEqual({
      kind: 'refused',
      reason: 'approval-used',
    });
    await second.close();
  });

  it('is never given by the requester, an actor of theirs, a stranger to the rule, or a machine', async () => {
    const asking = await approvals.request({ ...asked, by: ['group:leads'] });
    const cases = [
      [lead('alice', { groups: ['leads', 'admins'] }), 'requester'],
      [lead('alices-agent'), 'requester'],
      [lead('dave', { groups: ['admins'] }), 'not-eligible'],
      [lead('ci', { kind: 'workload' }), 'not-human'],
      [lead('agent', { kind: 'agent' }), 'not-human'],
    ] as const;
    for (const [voter, why] of cases) expect(await vote(asking, voter)).toEqual({ kind: 'refused', why });
    expect(await approvals.get(asking.id)).toMatchObject({ state: 'pending', votes: [] });
  });

  it('counts distinct humans: one person in two groups fills one place of a quorum', async () => {
    const asking = await approvals.request({ ...asked, quorum: 2, by: ['group:leads', 'group:security'] });
    expect(await vote(asking, lead('bob', { groups: ['leads', 'security'] }))).toMatchObject({
      approval: { state: 'pending' },
    });
    expect(await vote(asking, lead('bob', { groups: ['security'] }))).toEqual({ kind: 'refused', why: 'voted' });
    expect(await vote(asking, lead('carol', { groups: [] }))).toEqual({ kind: 'refused', why: 'not-eligible' });
    expect(await vote(asking, lead('erin'))).toMatchObject({ approval: { state: 'approved' } });
  });

  it('approves when votes for the last place race, and seals one decision', async () => {
    const asking = await approvals.request({ ...asked, quorum: 2 });
    await Promise.all(['bob', 'erin', 'frank'].map((name) => vote(asking, lead(name))));
    expect(await approvals.get(asking.id)).toMatchObject({ state: 'approved' });
    expect(leaves.filter(({ type }) => type === 'approval.approved')).toHaveLength(1);
  });

  it('wants the digest that the voter was shown', async () => {
    const asking = await approvals.request(asked);
    expect(await vote(asking, lead('bob'), { digest })).toEqual({ kind: 'refused', why: 'digest' });
  });

  it('ends with one denial, and a later vote is refused', async () => {
    const asking = await approvals.request({ ...asked, quorum: 2 });
    await vote(asking, lead('bob'));
    expect(await vote(asking, lead('erin'), { decision: 'deny' })).toMatchObject({ approval: { state: 'denied' } });
    expect(await vote(asking, lead('frank'))).toEqual({ kind: 'refused', why: 'over' });
    expect(await claim(asking.id)).toEqual({ kind: 'refused', reason: 'approval-denied' });
  });
});

describe('the time of an approval', () => {
  it('ends undecided after within', async () => {
    const asking = await approvals.request(asked);
    now += 60_000;
    expect(await vote(asking, lead('bob'))).toEqual({ kind: 'refused', why: 'over' });
    expect(await claim(asking.id)).toEqual({ kind: 'refused', reason: 'approval-expired' });
  });

  it('ends unused after use_within, which does not start again at the claim', async () => {
    const asking = await approvals.request(asked);
    await vote(asking, lead('bob'));
    now += 10_000;
    expect(await claim(asking.id)).toEqual({ kind: 'refused', reason: 'approval-expired' });
  });

  it('tells who waits, as soon as it is decided', async () => {
    const asking = await approvals.request(asked);
    const waiting = approvals.decided({ id: asking.id, ms: 60_000 });
    await vote(asking, lead('bob'));
    expect(await waiting).toBe('approved');
    expect(await approvals.decided({ id: asking.id, ms: 60_000 })).toBe('approved');
    const other = await approvals.request({ ...asked, digest: 'f'.repeat(64) });
    expect(await approvals.decided({ id: other.id, ms: 5 })).toBe('pending');
  });
});

describe('what is asked', () => {
  it('is one approval per caller and digest while it is pending', async () => {
    const first = await approvals.request(asked);
    expect((await approvals.request({ ...asked, session: 's9' })).id).toBe(first.id);
    expect((await approvals.request({ ...asked, caller: { ...alice, subject: 'zoe' } })).id).not.toBe(first.id);
    await vote(first, lead('bob'), { decision: 'deny' });
    expect((await approvals.request(asked)).id).not.toBe(first.id);
  });

  it('is limited per caller', async () => {
    for (const n of ['1', '2', '3']) await approvals.request({ ...asked, digest: n.repeat(64) });
    await expect(approvals.request({ ...asked, digest: '4'.repeat(64) })).rejects.toMatchObject({
      reason: 'approval-limit',
    });
    await approvals.request({ ...asked, caller: { ...alice, subject: 'zoe' }, digest: '4'.repeat(64) });
  });

  it('can be cancelled by its caller only', async () => {
    const asking = await approvals.request(asked);
    await approvals.cancel({ id: asking.id, caller: { ...alice, subject: 'zoe' } });
    expect(await approvals.get(asking.id)).toMatchObject({ state: 'pending' });
    await approvals.cancel({ id: asking.id, caller: alice });
    expect(await approvals.get(asking.id)).toMatchObject({ state: 'cancelled' });
  });

  it('keeps no readable body, and none at all once it is over', async () => {
    const asking = await approvals.request(asked);
    const stored = () => store.raw.prepare('SELECT body FROM approvals WHERE id = ?').get(asking.id)?.['body'];
    const sealed = stored();
    expect(sealed).toBeInstanceOf(Uint8Array);
    expect(sealed instanceof Uint8Array && Buffer.from(sealed).toString()).not.toContain('prompt');
    expect(Buffer.from((await approvals.body(asking.id)) ?? []).toString()).toBe('{"secret":"prompt"}');
    await vote(asking, lead('bob'), { decision: 'deny' });
    expect(stored()).toBeNull();
  });
});

describe('the ledger', () => {
  it('has every transition before anybody hears of it, and after a crash in between', async () => {
    const failing = open({ seal: () => Promise.reject(new Error('disk gone')) });
    await expect(failing.request(asked)).rejects.toThrow('disk gone');
    // the transition is committed and owed: a new start settles it
    const restarted = open();
    await restarted.settle();
    expect(leaves.map(({ type }) => type)).toEqual(['approval.requested']);
    expect(store.raw.prepare('SELECT count(*) AS n FROM outbox').get()).toEqual({ n: 0 });
  });

  it('never holds a plain digest or name', async () => {
    const asking = await approvals.request(asked);
    await vote(asking, lead('bob'));
    await claim(asking.id);
    const text = JSON.stringify(leaves);
    for (const plain of [digest, 'alice', 'bob', IDP]) expect(text).not.toContain(plain);
  });
});
