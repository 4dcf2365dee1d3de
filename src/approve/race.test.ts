/** Rivals on one database, each a thread with a connection of its own: the database decides, not a process's memory. */

import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type { Race } from '../../test/support/approval-racer.ts';
import { ALICE, approving, CALL, DIGEST, lead } from '../../test/support/approving.ts';
import type { Ballot, Claim } from './approvals.ts';

const RACERS = 4;

interface Outcome {
  readonly kind: string;
  readonly reason?: string;
  readonly why?: string;
}

/** Runs the racers at once; each gets what `work` gives it. Resolves to everything that came of it. */
const race = async (
  { folder, now }: { readonly folder: string; readonly now: number },
  work: (racer: number) => { readonly claims?: readonly Claim[]; readonly ballots?: readonly Ballot[] },
): Promise<readonly Outcome[]> => {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const outcomes = Array.from({ length: RACERS }, (_, racer) => {
    const { claims = [], ballots = [] } = work(racer);
    const workerData: Race = { folder, now, gate, racers: RACERS, claims, ballots };
    const worker = new Worker(new URL('../../test/support/approval-racer.ts', import.meta.url), { workerData });
    return new Promise<readonly Outcome[]>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  });
  return (await Promise.all(outcomes)).flat();
};

const kinds = (outcomes: readonly Outcome[]): readonly string[] =>
  outcomes.map(({ kind, reason, why }) => reason ?? why ?? kind).sort();

const sessionOf = (racer: number, at: number): string => `01kbfz4m5nz3q8v6w7x9y2${racer}0${at}0`;

describe('promise 6: approvals bind, whoever races', () => {
  it('lets exactly one of many claims pass, in one thread', async () => {
    const { ask, vote, claim, leaves } = approving();
    const asked = await ask();
    await vote(asked, lead('bob'));
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, at) => claim(asked.id, { session: sessionOf(0, at % 10) })),
    );
    expect(outcomes.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
    expect(leaves.filter(({ type }) => type === 'approval.consumed')).toHaveLength(1);
  });

  it('lets exactly one of many claims pass, over several connections', async () => {
    const { ask, vote, folder, time, store } = approving();
    const asked = await ask({ body: null });
    await vote(asked, lead('bob'));
    const outcomes = await race({ folder, now: time.now }, (racer) => ({
      claims: Array.from({ length: 5 }, (_, at) => ({
        id: asked.id,
        caller: ALICE,
        digest: DIGEST,
        call: CALL,
        session: sessionOf(racer, at),
      })),
    }));
    expect(kinds(outcomes)).toEqual([...Array.from({ length: RACERS * 5 - 1 }, () => 'approval-used'), 'claimed']);
    expect(store.raw.prepare('SELECT state FROM approvals').all()).toEqual([{ state: 'consumed' }]);
  });

  it('counts one vote of one person, and approves once, over several connections', async () => {
    const { ask, folder, time, store } = approving();
    const asked = await ask({ quorum: 2 });
    const ballot = (subject: string): Ballot => ({
      id: asked.id,
      voter: lead(subject),
      digest: asked.digest,
      decision: 'approve',
      reason: '',
    });
    const outcomes = await race({ folder, now: time.now }, () => ({
      ballots: [ballot('bob'), ballot('bob'), ballot('erin')],
    }));
    expect(kinds(outcomes).filter((kind) => kind === 'counted')).toHaveLength(2);
    expect(store.raw.prepare('SELECT subject FROM votes ORDER BY subject').all()).toEqual([
      { subject: 'bob' },
      { subject: 'erin' },
    ]);
    expect(store.raw.prepare('SELECT state FROM approvals').all()).toEqual([{ state: 'approved' }]);
  });

  it('ends in one state when approvals and denials race, and claims pass only where it is approved', async () => {
    const { ask, folder, time, store } = approving();
    const asked = await ask({ body: null });
    const outcomes = await race({ folder, now: time.now }, (racer) => ({
      ballots: [
        {
          id: asked.id,
          voter: lead(`voter-${racer}`),
          digest: asked.digest,
          decision: racer % 2 === 0 ? 'approve' : 'deny',
          reason: '',
        },
      ],
      claims: [{ id: asked.id, caller: ALICE, digest: DIGEST, call: CALL, session: sessionOf(racer, 0) }],
    }));
    // quorum 1: the first vote decides, and every later one is refused
    expect(outcomes.filter(({ kind }) => kind === 'counted')).toHaveLength(1);
    const [vote] = store.raw.prepare('SELECT decision FROM votes').all();
    const [approval] = store.raw.prepare('SELECT state FROM approvals').all();
    const claimed = outcomes.filter(({ kind }) => kind === 'claimed').length;
    expect(claimed).toBeLessThanOrEqual(vote?.['decision'] === 'approve' ? 1 : 0);
    expect(vote?.['decision'] === 'deny' ? ['denied'] : ['approved', 'consumed']).toContain(approval?.['state']);
    expect(approval?.['state'] === 'consumed').toBe(claimed === 1);
  });
});
