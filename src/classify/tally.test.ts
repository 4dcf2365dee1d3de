import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Classified } from '../call.ts';
import { afterFailure, afterSaid, NOT_ASKED } from './tally.ts';

type Event = 'passed' | 'flagged' | 'failed' | 'not asked';

interface Tally {
  readonly first: Classified;
  readonly said: typeof afterSaid;
  readonly failure: typeof afterFailure;
}

const OURS: Tally = { first: NOT_ASKED, said: afterSaid, failure: afterFailure };

/** Ways to log a guard that did not run as passed. */
const MUTANTS: Readonly<Record<string, Tally>> = {
  'begins with a pass': { ...OURS, first: { ...NOT_ASKED, outcome: 'passed' } },
  'forgets a failure': { ...OURS, failure: (before) => before },
  'takes a failure for a pass': {
    ...OURS,
    failure: (before, why, micros, asked) => ({ ...afterFailure(before, why, micros, asked), outcome: 'passed' }),
  },
  'lets a later pass make up for a failure': {
    ...OURS,
    said: (before, said, micros) => ({
      ...afterSaid(before, said, micros),
      outcome: said.flagged ? 'flagged' : 'passed',
    }),
  },
  'keeps a pass over a failure': {
    ...OURS,
    failure: (before, why, micros, asked) =>
      before.outcome === 'passed' ? before : afterFailure(before, why, micros, asked),
  },
  'counts a failure that was not asked as skipped': {
    ...OURS,
    failure: (before, why, micros, asked) => (asked === 0 ? before : afterFailure(before, why, micros, asked)),
  },
};

const run = ({ first, said, failure }: Tally, events: readonly Event[]): Classified => {
  let tally = first;
  for (const event of events) {
    if (event === 'failed' || event === 'not asked') tally = failure(tally, 'why', 1, event === 'failed' ? 1 : 0);
    else tally = said(tally, { flagged: event === 'flagged', labels: [event], score: 0.5, spans: [] }, 2);
  }
  return tally;
};

/** The rule in words: what was flagged is flagged; a pass takes nothing but answers, and one at least. */
const expected = (events: readonly Event[]): Classified['outcome'] => {
  if (events.includes('flagged')) return 'flagged';
  if (events.includes('failed') || events.includes('not asked')) return 'failed';
  return events.length === 0 ? 'skipped' : 'passed';
};

const sequences = fc.array(fc.constantFrom<Event>('passed', 'flagged', 'failed', 'not asked'), { maxLength: 6 });
const holds = (tally: Tally): boolean =>
  !fc.check(
    fc.property(sequences, (events) => run(tally, events).outcome === expected(events)),
    { numRuns: 1_000 },
  ).failed;

describe('a guard that did not run is never logged as passed', () => {
  it('whatever comes in whatever order', () => expect(holds(OURS)).toBe(true));

  it.each(Object.keys(MUTANTS))('and a tally that %s is found out', (name) => {
    const mutant = MUTANTS[name];
    if (mutant === undefined) throw new Error('expected a mutant');
    expect(holds(mutant)).toBe(false);
  });

  it('says how often it was asked, the longest that took, and why it failed', () => {
    expect(run(OURS, ['passed', 'failed', 'not asked'])).toEqual({
      outcome: 'failed',
      labels: ['passed'],
      score: 0.5,
      asked: 2,
      micros: 2,
      why: 'why',
    });
  });
});
