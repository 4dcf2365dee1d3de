import { describe, expect, it } from 'vitest';
import { ALICE, approving, CALL, DIGEST } from '../../test/support/approving.ts';
import { APPROVAL_STATES, type ApprovalState } from '../store/approvals.ts';
import { expireDue, move } from './moves.ts';

/** An approval in any state, and what a move to another one makes of it. */
const moving = async () => {
  const { ask, store, time } = approving();
  const { id, expires } = await ask();
  const stand = (state: ApprovalState, useBy: number | null = null): void => {
    store.raw.prepare('UPDATE approvals SET state = ?, use_by = ?').run(state, useBy);
  };
  const moveAt = (now: number, ...[to, more]: [Parameters<typeof move>[3], Parameters<typeof move>[4]?]) =>
    store.db.transaction().execute((trx) => move(trx, now, id, to, more));
  const state = (): unknown => store.raw.prepare('SELECT state FROM approvals').get()?.['state'];
  return { id, expires, now: time.now, stand, moveAt, state, store };
};

const TARGETS = ['approved', 'denied', 'cancelled', 'consumed', 'revoked', 'superseded'] as const;

/** The state machine, written a second time. */
const ALLOWED = new Set([
  'pending approved',
  'pending denied',
  'pending cancelled',
  'pending superseded',
  'approved consumed',
  'approved revoked',
  'approved superseded',
]);

describe('the moves of an approval', () => {
  it.each(APPROVAL_STATES.flatMap((from) => TARGETS.map((to) => [from, to] as const)))('%s to %s', async (from, to) => {
    const { stand, moveAt, state, now } = await moving();
    stand(from, now + 1000);
    const allowed = ALLOWED.has(`${from} ${to}`);
    expect(await moveAt(now, to)).toBe(allowed);
    expect(state()).toBe(allowed ? to : from);
  });

  it('end with the time: to decide before expires, to use before use_by', async () => {
    const { stand, moveAt, expires } = await moving();
    stand('pending');
    expect(await moveAt(expires, 'approved')).toBe(false);
    expect(await moveAt(expires - 1, 'approved')).toBe(true);
    stand('approved', 5_000);
    expect(await moveAt(5_000, 'consumed')).toBe(false);
    expect(await moveAt(4_999, 'consumed')).toBe(true);
  });

  it('expire exactly what they do not allow any more', async () => {
    const { stand, store, expires, state } = await moving();
    const expire = (now: number) => store.db.transaction().execute((trx) => expireDue(trx, now));
    stand('pending');
    expect(await expire(expires - 1)).toHaveLength(0);
    expect(await expire(expires)).toHaveLength(1);
    stand('approved', 5_000);
    expect(await expire(4_999)).toHaveLength(0);
    expect(await expire(5_000)).toHaveLength(1);
    expect(state()).toBe('expired');
    for (const over of ['consumed', 'denied', 'cancelled', 'superseded', 'revoked', 'expired'] as const) {
      stand(over, 5_000);
      expect(await expire(10 ** 12)).toHaveLength(0);
    }
  });

  it.each(['issuer', 'subject', 'digest', 'call'] as const)('can ask for the %s', async (column) => {
    const { stand, moveAt, now } = await moving();
    stand('approved', now + 1);
    const match = { ...ALICE, digest: DIGEST, call: CALL };
    expect(await moveAt(now, 'consumed', { match: { ...match, [column]: 'other' } })).toBe(false);
    expect(await moveAt(now, 'consumed', { match })).toBe(true);
  });

  it('keep the body only while a call may need it', async () => {
    const { moveAt, now, store } = await moving();
    const kept = () => store.raw.prepare('SELECT body IS NOT NULL AS body, stored > 0 AS stored FROM approvals').get();
    await moveAt(now, 'approved', { change: { use_by: now + 1 } });
    expect(kept()).toEqual({ body: 1, stored: 1 });
    await moveAt(now, 'consumed');
    expect(kept()).toEqual({ body: 0, stored: 0 });
  });
});
