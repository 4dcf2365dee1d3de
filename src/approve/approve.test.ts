import { describe, expect, it } from 'vitest';
import { ALICE, approving, ASKED, DIGEST, IDP, lead } from '../../test/support/approving.ts';
import { STORED_PER_CALLER } from './request.ts';

const hex = (digit: string): string => digit.repeat(64);

describe('promise 6: approvals bind', () => {
  it('lets the approved call pass once, with the bytes that were stored', async () => {
    const { ask, vote, claim, leaves, time } = approving();
    const asked = await ask();
    expect(await claim(asked.id)).toEqual({ kind: 'refused', reason: 'approval-required' });
    expect(await vote(asked, lead('bob'))).toMatchObject({
      kind: 'counted',
      approval: { state: 'approved', useBy: time.now + 10_000 },
    });
    expect(await claim(asked.id)).toEqual({
      kind: 'claimed',
      bytes: Uint8Array.from(Buffer.from('{"secret":"prompt"}')),
    });
    expect(await claim(asked.id)).toEqual({ kind: 'refused', reason: 'approval-used' });
    expect(leaves.map(({ type }) => type)).toEqual([
      'approval.requested',
      'approval.voted',
      'approval.approved',
      'approval.consumed',
    ]);
  });

  it('forwards the rendering that was stored, and shows approvers that one', async () => {
    const { approvals, ask, vote, claim } = approving();
    const asked = await ask({ forwarded: Buffer.from('{"secret":"[MASKED]"}') });
    expect(Buffer.from((await approvals.body(asked.id)) ?? []).toString()).toBe('{"secret":"[MASKED]"}');
    await vote(asked, lead('bob'));
    expect(await claim(asked.id)).toEqual({
      kind: 'claimed',
      bytes: Uint8Array.from(Buffer.from('{"secret":"[MASKED]"}')),
    });
  });

  it('is for one call: another one is refused and uses nothing up', async () => {
    const { ask, vote, claim } = approving();
    const asked = await ask();
    await vote(asked, lead('bob'));
    expect(await claim(asked.id, { call: hex('e') })).toEqual({ kind: 'refused', reason: 'approval-mismatch' });
    expect(await claim(asked.id)).toMatchObject({ kind: 'claimed' });
  });

  it.each([[true], [false]])(
    'is superseded when the same call would now mean something else (approved: %s)',
    async (approved) => {
      const { approvals, ask, vote, claim, leaves } = approving();
      const asked = await ask();
      if (approved) await vote(asked, lead('bob'));
      expect(await claim(asked.id, { digest: hex('e') })).toEqual({ kind: 'refused', reason: 'approval-expired' });
      expect(await approvals.get(asked.id)).toMatchObject({ state: 'superseded' });
      expect(leaves.at(-1)).toEqual({ type: 'approval.superseded', approval: asked.id });
      expect(await claim(asked.id)).toEqual({ kind: 'refused', reason: 'approval-expired' });
    },
  );

  it('is for one caller: its id is no bearer capability', async () => {
    const { ask, vote, claim } = approving();
    const asked = await ask();
    await vote(asked, lead('bob'));
    const others = [
      { ...ALICE, subject: 'mallory' },
      { ...ALICE, issuer: 'https://other.example' },
    ];
    for (const caller of others) {
      expect(await claim(asked.id, { caller })).toEqual({ kind: 'refused', reason: 'approval-unknown' });
    }
    expect(await claim('ap-none')).toEqual({ kind: 'refused', reason: 'approval-unknown' });
    expect(await claim(asked.id)).toMatchObject({ kind: 'claimed' });
  });

  it.each([
    ['the requester, administrator or not', lead('alice', { groups: ['leads', 'admins'] }), 'requester'],
    ['who acts for the requester', lead('alices-agent'), 'requester'],
    ['an administrator whom the rule does not name', lead('dave', { groups: ['admins'] }), 'not-eligible'],
    [
      'somebody of that name at another issuer',
      lead('carol', { issuer: 'https://other.example', groups: [] }),
      'not-eligible',
    ],
    [
      'who is in a group of that name at another issuer',
      lead('mallory', { issuer: 'https://other.example' }),
      'not-eligible',
    ],
    ['a workload', lead('ci', { kind: 'workload' }), 'not-human'],
    ['an agent', lead('agent', { kind: 'agent' }), 'not-human'],
  ] as const)('is never given or denied by %s', async (_who, voter, why) => {
    const { approvals, ask, vote } = approving();
    const asked = await ask();
    expect(await vote(asked, voter)).toEqual({ kind: 'refused', why });
    expect(await vote(asked, voter, { decision: 'deny' })).toEqual({ kind: 'refused', why });
    expect(await approvals.get(asked.id)).toMatchObject({ state: 'pending', votes: [] });
  });

  it('counts distinct humans: one person in two groups fills one place of a quorum', async () => {
    const { ask, vote } = approving();
    const asked = await ask({ quorum: 2, by: [`group:${IDP}|leads`, `group:${IDP}|security`, `subject:${IDP}|bob`] });
    const bob = lead('bob', { groups: ['leads', 'security'] });
    expect(await vote(asked, bob)).toMatchObject({ approval: { state: 'pending' } });
    expect(await vote(asked, lead('bob', { groups: ['security'] }))).toEqual({ kind: 'refused', why: 'voted' });
    expect(await vote(asked, lead('erin'))).toMatchObject({ approval: { state: 'approved' } });
  });

  it('takes the same subject at two issuers for two people', async () => {
    const { ask, vote } = approving();
    const asked = await ask({ quorum: 2, by: [`group:${IDP}|leads`, 'group:https://other.example|leads'] });
    await vote(asked, lead('bob'));
    expect(await vote(asked, lead('bob', { issuer: 'https://other.example' }))).toMatchObject({
      approval: { state: 'approved' },
    });
  });

  it('does not take somebody of the same name at another issuer for the requester', async () => {
    const { ask, vote } = approving();
    const asked = await ask({ by: ['group:https://other.example|leads'] });
    expect(await vote(asked, lead('alice', { issuer: 'https://other.example' }))).toMatchObject({ kind: 'counted' });
  });

  it('counts votes for it only', async () => {
    const { ask, vote, store } = approving();
    const asked = await ask({ quorum: 2 });
    store.raw
      .prepare(`INSERT INTO votes VALUES (?, ?, 'erin', 'deny', '', 0, '["leads"]', 9000000000000)`)
      .run(asked.id, IDP);
    expect(await vote(asked, lead('bob'))).toMatchObject({ approval: { state: 'pending' } });
    expect(await vote(asked, lead('frank'))).toMatchObject({ approval: { state: 'approved' } });
  });

  describe('at the deciding vote', () => {
    /** bob votes with a token that is good for ten seconds more, and some of them pass. */
    const afterBob = async (seconds: number) => {
      const house = approving();
      const asked = await house.ask({ quorum: 2 });
      const soon = (house.time.now + 10_000) / 1000;
      await house.vote(asked, lead('bob', { expiresAt: soon }));
      house.time.now += seconds * 1000;
      return { ...house, asked };
    };

    it('counts an earlier voter whose token still vouches for them', async () => {
      const { vote, asked } = await afterBob(9);
      expect(await vote(asked, lead('erin'))).toMatchObject({ approval: { state: 'approved' } });
    });

    it('does not count one whose token has expired: they may have left the group since', async () => {
      const { vote, asked, approvals } = await afterBob(10);
      expect(await vote(asked, lead('erin'))).toMatchObject({ approval: { state: 'pending' } });
      expect((await approvals.get(asked.id))?.votes).toMatchObject([
        { subject: 'bob', counts: false },
        { subject: 'erin', counts: true },
      ]);
    });

    it('lets them vote again, with what their new token says', async () => {
      const { vote, asked, time } = await afterBob(10);
      await vote(asked, lead('erin'));
      time.now += 1000;
      expect(await vote(asked, lead('bob', { groups: [] }))).toEqual({ kind: 'refused', why: 'not-eligible' });
      expect(await vote(asked, lead('erin'))).toEqual({ kind: 'refused', why: 'voted' });
      expect(await vote(asked, lead('bob'))).toMatchObject({
        approval: {
          state: 'approved',
          votes: [
            { subject: 'erin', counts: true },
            { subject: 'bob', counts: true },
          ],
        },
      });
    });

    it('does not count one whom the rule names no more', async () => {
      const { vote, asked, store } = await afterBob(1);
      store.raw.prepare('UPDATE approvals SET approvers = ?').run(JSON.stringify([`group:${IDP}|security`]));
      expect(await vote(asked, lead('erin', { groups: ['security'] }))).toMatchObject({
        approval: { state: 'pending' },
      });
    });

    it('counts the vote itself, though its token is only good within the tolerance of the clock', async () => {
      const { ask, vote, time } = approving();
      const late = lead('bob', { expiresAt: time.now / 1000 - 5 });
      expect(await vote(await ask(), late)).toMatchObject({ approval: { state: 'approved' } });
    });
  });

  it('approves when there are more votes than the quorum asks for', async () => {
    const { approvals, ask, vote, store } = approving();
    const asked = await ask({ quorum: 3 });
    await vote(asked, lead('bob'));
    await vote(asked, lead('erin'));
    // as if the terms had been three when the first two voted, and one now
    store.raw.exec('UPDATE approvals SET quorum = 1');
    await vote(asked, lead('frank'));
    expect(await approvals.get(asked.id)).toMatchObject({ state: 'approved' });
  });

  it('wants the digest that the voter was shown', async () => {
    const { ask, vote } = approving();
    const [asked, other] = [await ask(), await ask({ digest: hex('e') })];
    expect(asked.digest).not.toBe(DIGEST);
    for (const digest of [DIGEST, other.digest, '']) {
      expect(await vote(asked, lead('bob'), { digest })).toEqual({ kind: 'refused', why: 'digest' });
    }
  });

  it('ends with one denial, whatever the quorum; a later vote is refused', async () => {
    const { approvals, ask, vote, claim } = approving();
    const asked = await ask({ quorum: 2 });
    await vote(asked, lead('bob'));
    expect(await vote(asked, lead('erin'), { decision: 'deny' })).toMatchObject({ approval: { state: 'denied' } });
    expect(await vote(asked, lead('frank'))).toEqual({ kind: 'refused', why: 'over' });
    expect(await claim(asked.id)).toEqual({ kind: 'refused', reason: 'approval-denied' });
    expect((await approvals.get(asked.id))?.votes.map(({ subject }) => subject)).toEqual(['bob', 'erin']);
  });

  it('takes a reason of at most 4 KiB', async () => {
    const { approvals, ask, vote } = approving();
    const asked = await ask({ quorum: 2 });
    expect(await vote(asked, lead('bob'), { reason: `${'é'.repeat(2048)}.` })).toEqual({
      kind: 'refused',
      why: 'reason-too-long',
    });
    await vote(asked, lead('bob'), { reason: 'é'.repeat(2048) });
    expect((await approvals.get(asked.id))?.votes).toMatchObject([{ reason: 'é'.repeat(2048) }]);
  });

  it('can be revoked until it is used, by those who may approve', async () => {
    const { approvals, ask, vote, claim, leaves } = approving();
    const asked = await ask();
    const revoke = (voter = lead('erin')) => approvals.revoke({ id: asked.id, voter, reason: 'a mistake' });
    expect(await revoke()).toEqual({ kind: 'refused', why: 'over' });
    await vote(asked, lead('bob'));
    expect(await revoke(lead('dave', { groups: [] }))).toEqual({ kind: 'refused', why: 'not-eligible' });
    expect(await revoke(lead('alice'))).toEqual({ kind: 'refused', why: 'requester' });
    expect(await revoke()).toMatchObject({
      approval: { state: 'revoked', revoked: { by: { issuer: IDP, subject: 'erin' }, reason: 'a mistake' } },
    });
    expect(await claim(asked.id)).toEqual({ kind: 'refused', reason: 'approval-denied' });
    expect(leaves.at(-1)).toMatchObject({ type: 'approval.revoked', approval: asked.id });
    expect(await approvals.revoke({ id: 'ap-none', voter: lead('erin'), reason: '' })).toEqual({
      kind: 'refused',
      why: 'unknown',
    });
  });

  it('cannot be revoked once it is used', async () => {
    const { approvals, ask, vote, claim } = approving();
    const asked = await ask();
    await vote(asked, lead('bob'));
    await claim(asked.id);
    expect(await approvals.revoke({ id: asked.id, voter: lead('bob'), reason: '' })).toEqual({
      kind: 'refused',
      why: 'over',
    });
  });
});

describe('the time of an approval', () => {
  it('ends undecided after within', async () => {
    const { ask, vote, claim, time, leaves } = approving();
    const asked = await ask();
    time.now += 59_999;
    expect(await vote(asked, lead('x', { groups: [] }))).toEqual({ kind: 'refused', why: 'not-eligible' });
    time.now += 1;
    expect(await vote(asked, lead('bob'))).toEqual({ kind: 'refused', why: 'over' });
    expect(await claim(asked.id)).toEqual({ kind: 'refused', reason: 'approval-expired' });
    expect(leaves.at(-1)).toEqual({ type: 'approval.expired', approval: asked.id });
  });

  it('ends unused after use_within', async () => {
    const { ask, vote, claim, time } = approving();
    const asked = await ask();
    await vote(asked, lead('bob'));
    time.now += 10_000;
    expect(await claim(asked.id)).toEqual({ kind: 'refused', reason: 'approval-expired' });
  });

  it('can be used to its last millisecond, and nothing starts the time again', async () => {
    const { approvals, ask, vote, claim, time } = approving();
    const asked = await ask();
    await vote(asked, lead('bob'));
    const useBy = (await approvals.get(asked.id))?.useBy;
    time.now += 9_999;
    await claim(asked.id, { call: hex('e') });
    await vote(asked, lead('erin'));
    await approvals.get(asked.id);
    expect(await approvals.get(asked.id)).toMatchObject({ useBy });
    expect(await claim(asked.id)).toMatchObject({ kind: 'claimed' });
  });

  it('is over without anybody asking: nothing is pending forever', async () => {
    const { approvals, ask, time, store } = approving();
    await ask();
    time.now += 60_000;
    await approvals.expire();
    expect(store.raw.prepare('SELECT state, body FROM approvals').all()).toEqual([{ state: 'expired', body: null }]);
  });

  it('tells who waits as soon as it is decided, and once the time to wait is over', async () => {
    const { approvals, ask, vote } = approving();
    const asked = await ask();
    const waiting = approvals.decided({ id: asked.id, ms: 60_000 });
    await vote(asked, lead('bob'));
    expect(await waiting).toBe('approved');
    expect(await approvals.decided({ id: asked.id, ms: 60_000 })).toBe('approved');
    const other = await ask({ digest: hex('f') });
    expect(await approvals.decided({ id: other.id, ms: 5 })).toBe('pending');
    expect(await approvals.decided({ id: 'ap-none', ms: 60_000 })).toBe('cancelled');
  });

  it('tells who waits when it is cancelled, denied or out of time', async () => {
    const { approvals, ask, vote, time } = approving();
    const [cancelled, denied, late] = [await ask({ digest: hex('1') }), await ask({ digest: hex('2') }), await ask()];
    const states = [cancelled, denied, late].map(({ id }) => approvals.decided({ id, ms: 60_000 }));
    await approvals.cancel({ id: cancelled.id, caller: ALICE });
    await vote(denied, lead('bob'), { decision: 'deny' });
    time.now += 60_000;
    await approvals.expire();
    expect(await Promise.all(states)).toEqual(['cancelled', 'denied', 'expired']);
  });
});

describe('what is asked', () => {
  it('is one approval per caller and digest while it is pending', async () => {
    const { approvals, ask, vote } = approving();
    const [first, again] = await Promise.all([ask(), ask({ session: '01kbfz4m5nz3q8v6w7x9y2a1b1' })]);
    expect(again.id).toBe(first.id);
    expect((await ask({ caller: { ...ALICE, subject: 'zoe' } })).id).not.toBe(first.id);
    await vote(first, lead('bob'), { decision: 'deny' });
    expect((await ask()).id).not.toBe(first.id);
    expect(await approvals.list({ state: 'pending' })).toHaveLength(2);
    expect(await approvals.list({ state: null })).toHaveLength(3);
  });

  it('is limited in number for each caller', async () => {
    const { approvals, ask } = approving();
    const asked = [];
    for (const digit of ['1', '2', '3']) asked.push(await ask({ digest: hex(digit) }));
    await expect(ask({ digest: hex('4') })).rejects.toMatchObject({ reason: 'approval-limit' });
    await ask({ caller: { ...ALICE, subject: 'zoe' }, digest: hex('4') });
    await approvals.cancel({ id: asked[0]?.id ?? '', caller: ALICE });
    await ask({ digest: hex('4') });
  });

  it('is limited in bytes for each caller, approved ones included', async () => {
    const { ask, vote, claim } = approving();
    const half = Buffer.alloc(STORED_PER_CALLER / 4);
    const first = await ask({ body: half, forwarded: half });
    await vote(first, lead('bob'));
    await ask({ digest: hex('1'), body: half, forwarded: half });
    await expect(ask({ digest: hex('2'), body: Buffer.alloc(1) })).rejects.toMatchObject({ reason: 'approval-limit' });
    await claim(first.id);
    await ask({ digest: hex('2'), body: half });
  });

  it('can be cancelled by its caller only, and only before it is decided', async () => {
    const { approvals, ask, vote } = approving();
    const asked = await ask();
    await approvals.cancel({ id: asked.id, caller: { ...ALICE, subject: 'zoe' } });
    expect(await approvals.get(asked.id)).toMatchObject({ state: 'pending' });
    await vote(asked, lead('bob'));
    await approvals.cancel({ id: asked.id, caller: ALICE });
    expect(await approvals.get(asked.id)).toMatchObject({ state: 'approved' });
    const other = await ask();
    await approvals.cancel({ id: other.id, caller: ALICE });
    expect(await approvals.get(other.id)).toMatchObject({ state: 'cancelled' });
  });

  it('keeps no readable body, none under another approval, and none at all once it is over', async () => {
    const { approvals, ask, vote, store } = approving();
    const asked = await ask();
    const stored = (): unknown => store.raw.prepare('SELECT body FROM approvals WHERE id = ?').get(asked.id)?.['body'];
    const readable = store.raw.prepare("SELECT count(*) AS n FROM approvals WHERE instr(body, 'prompt') > 0");
    expect(stored()).toBeInstanceOf(Uint8Array);
    expect(readable.get()).toEqual({ n: 0 });
    const other = await ask({ digest: hex('1'), body: Buffer.from('{"other":"body"}') });
    store.raw
      .prepare('UPDATE approvals SET body = (SELECT body FROM approvals WHERE id = ?) WHERE id = ?')
      .run(other.id, asked.id);
    await expect(approvals.body(asked.id)).rejects.toThrow('another context');
    await vote(asked, lead('bob'), { decision: 'deny' });
    expect(stored()).toBeNull();
    expect(await approvals.body(asked.id)).toBeNull();
  });
});

describe('the ledger', () => {
  it('has every transition before anybody hears of it', async () => {
    let sealed = 0;
    const seal = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      sealed++;
    };
    const { approvals, ask, vote, claim } = approving({ seal });
    const asked = await ask();
    expect(sealed).toBe(1);
    const waiting = approvals.decided({ id: asked.id, ms: 60_000 }).then(() => sealed);
    await vote(asked, lead('bob'));
    expect(sealed).toBe(3);
    expect(await waiting).toBe(3);
    await claim(asked.id);
    expect(sealed).toBe(4);
  });

  it('hears of a transition after a crash before the seal, and nobody does when it refuses', async () => {
    const { ask, store, restart, leaves } = approving({ seal: () => Promise.reject(new Error('disk gone')) });
    await expect(ask()).rejects.toThrow('disk gone');
    // the transition is committed and owed: a new start settles it
    await restart().settle();
    expect(leaves.map(({ type }) => type)).toEqual(['approval.requested']);
    expect(store.raw.prepare('SELECT count(*) AS n FROM outbox').get()).toEqual({ n: 0 });
  });

  it('is asked again after it refused once, in the order of the transitions', async () => {
    let broken = false;
    const types: string[] = [];
    const { approvals, ask, vote } = approving({
      seal: async ({ type }) => {
        if (broken) throw new Error('for now');
        types.push(type);
      },
    });
    const asked = await ask();
    broken = true;
    await expect(vote(asked, lead('bob'))).rejects.toThrow('for now');
    broken = false;
    expect(await approvals.get(asked.id)).toMatchObject({ state: 'approved' });
    expect(types).toEqual(['approval.requested', 'approval.voted', 'approval.approved']);
  });

  it('does not let a claim pass that it could not hear of, and never lets it pass later', async () => {
    let broken = false;
    const { ask, vote, claim } = approving({
      seal: () => (broken ? Promise.reject(new Error('disk gone')) : Promise.resolve()),
    });
    const asked = await ask();
    await vote(asked, lead('bob'));
    broken = true;
    await expect(claim(asked.id)).rejects.toThrow('disk gone');
    broken = false;
    expect(await claim(asked.id)).toEqual({ kind: 'refused', reason: 'approval-used' });
  });

  it('never holds a plain digest or name', async () => {
    const { ask, vote, claim, leaves } = approving();
    const asked = await ask();
    await vote(asked, lead('bob'));
    await claim(asked.id);
    const text = JSON.stringify(leaves);
    for (const plain of [DIGEST, ASKED.call, 'alice', 'bob', IDP]) expect(text).not.toContain(plain);
  });
});
