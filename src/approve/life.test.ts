/** Whatever is done in whatever order, an approval keeps its promises. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALICE, approving, lead } from '../../test/support/approving.ts';

const QUORUM = 2;

const PEOPLE = {
  bob: lead('bob'),
  erin: lead('erin'),
  frank: lead('frank', { groups: ['leads', 'security'] }),
  stranger: lead('stranger', { groups: ['admins'] }),
  alice: lead('alice'),
  agent: lead('alices-agent'),
  robot: lead('robot', { kind: 'agent' }),
} as const;

type Name = keyof typeof PEOPLE;

const name = fc.constantFrom<Name>('bob', 'erin', 'frank', 'stranger', 'alice', 'agent', 'robot');
const act = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('vote' as const), name, deny: fc.nat(9).map((n) => n === 0) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('claim' as const),
      wrong: fc.constantFrom('', '', 'caller', 'call', 'digest'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke' as const), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 9_000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('read' as const) }) },
);

const OVER = new Set(['consumed', 'denied', 'expired', 'cancelled', 'superseded', 'revoked']);

describe('the life of an approval', () => {
  it('keeps what it promises', async () => {
    const { approvals, ask, vote, claim, time, store, leaves } = approving({ pendingPerCaller: 1000 });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 25 }), async (acts) => {
        const asked = await ask({ quorum: QUORUM });
        const began = leaves.length - 1;
        let claimed = 0;
        let last = 'pending';
        for (const step of acts) {
          if (step.do === 'vote') await vote(asked, PEOPLE[step.name], { decision: step.deny ? 'deny' : 'approve' });
          if (step.do === 'revoke') await approvals.revoke({ id: asked.id, voter: PEOPLE[step.name], reason: '' });
          if (step.do === 'cancel') await approvals.cancel({ id: asked.id, caller: ALICE });
          if (step.do === 'wait') time.now += step.ms;
          if (step.do === 'claim') {
            const wrong =
              step.wrong === ''
                ? {}
                : { [step.wrong]: step.wrong === 'caller' ? { ...ALICE, subject: 'eve' } : 'e'.repeat(64) };
            const before = await approvals.get(asked.id);
            const outcome = await claim(asked.id, wrong);
            if (outcome.kind === 'claimed') {
              claimed++;
              expect(step.wrong).toBe('');
              expect(before).toMatchObject({ state: 'approved' });
              expect(time.now).toBeLessThan(before?.useBy ?? 0);
            }
          }
          const now = await approvals.get(asked.id);
          // what is over stays over
          if (OVER.has(last)) expect(now?.state).toBe(last);
          last = now?.state ?? '';
          const approving = now?.votes.filter(({ decision }) => decision === 'approve') ?? [];
          const people = new Set(approving.map(({ subject }) => subject));
          expect(people.size).toBe(approving.length);
          expect([...people].every((subject) => ['bob', 'erin', 'frank'].includes(subject))).toBe(true);
          if (last === 'approved' || last === 'consumed' || last === 'revoked')
            expect(people.size).toBeGreaterThanOrEqual(QUORUM);
        }
        expect(claimed).toBe(last === 'consumed' ? 1 : 0);
        const told = leaves.slice(began).filter((leaf) => 'approval' in leaf && leaf.approval === asked.id);
        // one leaf for each state that it went through, in order, and the last one is where it is
        const states = told.map(({ type }) => type.replace('approval.', '')).filter((state) => state !== 'voted');
        expect(states).toEqual([...new Set(states)]);
        expect(states.at(-1)?.replace('requested', 'pending')).toBe(last);
        if (OVER.has(last)) {
          expect(store.raw.prepare('SELECT body, forwarded, stored FROM approvals WHERE id = ?').get(asked.id)).toEqual(
            {
              body: null,
              forwarded: null,
              stored: 0,
            },
          );
        } else {
          // the next life begins with a new approval
          await approvals.cancel({ id: asked.id, caller: ALICE });
          time.now += 100_000;
        }
      }),
      { numRuns: 150 },
    );
  });
});
