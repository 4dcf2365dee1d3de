import { describe, expect, it } from 'vitest';
import { configSchema } from '../config.ts';
import { subjectOf, writtenCallSchema } from './case.ts';
import { compilePolicies } from './compile.ts';
import { foresee, type GuardForeseen } from './foresee.ts';

const source = {
  policies: configSchema.shape.policies.parse([
    { name: 'ml', when: '"ml" in caller.groups', then: 'allow' },
    { name: 'unsafe', when: 'call.classified.guard.flagged', then: 'deny' },
    { name: 'shouting', when: 'call.model == "loud"', then: 'deny' },
    { name: 'elsewhere', when: 'call.classified.other.flagged', then: 'deny' },
    { name: 'unsure', when: 'call.classified.loose.outcome == "failed" && call.n > 1', then: 'deny' },
  ]),
  masking: configSchema.shape.masking.parse([
    { name: 'names', when: 'call.n > 2', direction: 'request', entities: ['people.person', 'email'] },
    { name: 'out', direction: 'response', entities: ['people'] },
  ]),
  services: [{ name: 'llm' }],
  classifiers: [
    { name: 'guard', on_error: 'deny' as const },
    { name: 'people', on_error: 'deny' as const },
    { name: 'loose', on_error: 'allow' as const },
    { name: 'other', services: ['images'], on_error: 'deny' as const },
  ],
};
const policy = compilePolicies(source);

const foreseen = (call: object, guards: readonly GuardForeseen[] = []) => {
  const written = writtenCallSchema.parse({ caller: { groups: ['ml'] }, call: { service: 'llm', ...call } });
  return foresee(policy, source, subjectOf(written, 0), guards);
};

const both = { guard: { outcome: 'passed' }, loose: { outcome: 'passed' } };

describe('what is foreseen of a call', () => {
  it('is its verdict where what classifiers say is given', () => {
    expect(foreseen({ classified: both })).toMatchObject({ verdict: { effect: 'allow', rule: 'ml' }, missing: [] });
    const flagged = { ...both, guard: { outcome: 'flagged', labels: ['S1'] } };
    expect(foreseen({ classified: flagged })).toMatchObject({
      verdict: { effect: 'deny', rule: 'unsafe' },
      missing: [],
    });
  });

  it('says for each classifier whether it is asked, and why not', () => {
    const { classifiers } = foreseen({ classified: both });
    expect(classifiers.map(({ name, asked, why }) => [name, asked, why])).toEqual([
      ['guard', 'by rules', ''],
      ['people', 'not asked', 'no rule and no mask of this request needs it'],
      ['loose', 'by rules', ''],
      ['other', 'not asked', 'it does not look at this service'],
    ]);
    const denied = foreseen({ model: 'loud' });
    expect(denied).toMatchObject({ verdict: { effect: 'deny', rule: 'shouting' }, missing: [] });
    expect(denied.classifiers.filter(({ asked }) => asked !== 'not asked')).toEqual([]);
  });

  it('is not known while what one says matters and is not given, and tells what becomes of each', () => {
    const { missing, alternatives } = foreseen({ classified: { loose: { outcome: 'passed' } } });
    expect(missing).toEqual(['guard']);
    expect(alternatives.map(({ said, verdict }) => [said['guard'], verdict.effect, verdict.reason])).toEqual([
      ['passed', 'allow', 'completed'],
      ['flagged', 'deny', 'policy-denied'],
      ['failed', 'deny', 'classifier-unavailable'],
    ]);
  });

  it('is known where whatever is missing says makes no difference', () => {
    expect(foreseen({ classified: { guard: { outcome: 'passed' } } })).toMatchObject({ missing: [], alternatives: [] });
    expect(foreseen({ n: 2, classified: { guard: { outcome: 'passed' } } }).missing).toEqual(['loose']);
  });

  it('ends as classifier-unavailable where one failed that must not, for rules and for masks', () => {
    const failed = { ...both, guard: { outcome: 'failed' } };
    expect(foreseen({ classified: failed }).verdict).toMatchObject({
      effect: 'deny',
      reason: 'classifier-unavailable',
    });
    const masked = foreseen({ n: 3, classified: { ...both, people: { outcome: 'failed' } } });
    expect(masked.verdict.reason).toBe('classifier-unavailable');
    expect(masked.classifiers[1]).toMatchObject({ asked: 'by masks', said: 'failed' });
    expect(foreseen({ n: 3, classified: both }).missing).toEqual(['people']);
  });

  it('is what guards say where rules allow, and not known where one cannot be held against anything', () => {
    const refusing: GuardForeseen = { name: 'llm.tools', outcome: 'refuses', why: 'Not that tool.' };
    const unknown: GuardForeseen = { name: 'llm.tensors', outcome: 'not known', why: 'metadata' };
    expect(foreseen({ classified: both }, [refusing])).toMatchObject({
      verdict: { effect: 'deny', reason: 'policy-denied', rule: 'llm.tools', message: 'Not that tool.' },
      missing: [],
    });
    expect(foreseen({ classified: both }, [unknown]).missing).toEqual(['llm.tensors']);
    expect(foreseen({ model: 'loud', classified: both }, [unknown, refusing])).toMatchObject({
      verdict: { rule: 'shouting' },
      missing: [],
    });
  });

  it('takes no outcome for granted that is not written', () => {
    expect(() => foreseen({ classified: { guard: { labels: [] } } })).toThrow('outcome');
  });
});
