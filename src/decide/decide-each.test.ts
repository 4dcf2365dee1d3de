import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PolicyConfig } from '../config.ts';
import { subjectOf, writtenCallSchema } from './case.ts';
import { compilePolicies, type PolicySource } from './compile.ts';
import { decide } from './decide.ts';
import { decideEach } from './decide-each.ts';
import type { Subject } from './environment.ts';

const NOW = Date.UTC(2026, 0, 5, 12);
const approve = (by: string): PolicyConfig['then'] => ({
  approve: { by: [by], quorum: 1, within: 1000, use_within: 1000 },
});

const SOURCE: PolicySource = {
  policies: [
    { name: 'no-shell', when: 'call.operation == "shell"', then: 'deny', message: 'No shell.' },
    { name: 'ask-leads', when: 'call.operation == "big"', then: approve('group:leads') },
    { name: 'ask-law', when: 'call.operation == "legal"', then: approve('group:law') },
    { name: 'may', when: 'call.operation in ["list", "call"]', then: 'allow' },
    { name: 'few', when: 'call.operation == "list"', limit: { per: ['operation'], requests: 5, within: 60_000 } },
  ],
  masking: [
    {
      name: 'lists',
      when: 'call.operation == "list"',
      direction: 'response',
      entities: ['email'],
      with: 'replace',
      restore: true,
    },
    {
      name: 'calls',
      when: 'call.operation == "call"',
      direction: 'both',
      entities: ['email'],
      with: 'replace',
      restore: true,
    },
  ],
  services: [{ name: 'llm' }],
};
const policy = compilePolicies(SOURCE);

const calling = (operation: string): Subject =>
  subjectOf(writtenCallSchema.parse({ call: { service: 'llm', operation } }), NOW);
const { caller, request } = calling('list');
const on = (...operations: readonly string[]) =>
  decideEach(
    policy,
    caller,
    request,
    operations.map((operation) => calling(operation).facts),
    NOW,
  );

describe('a call of several operations', () => {
  it('is allowed when each of them is', () => {
    expect(on('list', 'call', 'list')).toMatchObject({ effect: 'allow', reason: 'completed', rule: 'may', at: 0 });
  });

  it('is limited for each of them, so that a batch is no way around a limit', () => {
    const key = '4:list';
    expect(on('list', 'call', 'list').limits).toEqual([
      { rule: 'few', keys: [key], at: 0 },
      { rule: 'few', keys: [key], at: 2 },
    ]);
    expect(on('call', 'call').limits).toBeUndefined();
    expect(on('list', 'shell').limits).toBeUndefined();
  });

  it('is denied when no rule allows one of them, and says which', () => {
    expect(on('list', 'call', 'other')).toMatchObject({ effect: 'deny', reason: 'no-rule', rule: '', at: 2 });
  });

  it('is denied when a rule denies one of them, whatever the others are', () => {
    expect(on('big', 'shell', 'list')).toMatchObject({ effect: 'deny', rule: 'no-shell', message: 'No shell.', at: 1 });
  });

  it('is held when one of them is and none is denied', () => {
    expect(on('list', 'big', 'big')).toMatchObject({
      effect: 'hold',
      rule: 'ask-leads',
      at: 1,
      approve: { by: ['group:leads'] },
    });
  });

  it('is denied when its operations wait for approvals of different people: one of them would pass unseen', () => {
    expect(on('big', 'list', 'legal')).toMatchObject({
      effect: 'deny',
      reason: 'policy-denied',
      rule: 'ask-law',
      at: 2,
    });
  });

  it('is denied when it holds none', () => {
    expect(on()).toMatchObject({ effect: 'deny', reason: 'no-rule' });
  });

  it('is masked by every rule that applies to one of them, in the order of the config', () => {
    expect(on('call', 'list').mask).toEqual({ request: ['calls'], answer: ['lists', 'calls'] });
    expect(on('list', 'list').mask).toEqual({ request: [], answer: ['lists'] });
  });

  it('is decided as ever when it holds one', () => {
    for (const operation of ['list', 'big', 'shell', 'other'])
      expect(on(operation)).toEqual(decide(policy, caller, request, calling(operation).facts, NOW));
  });

  it('promise 1: an operation never passes in company that would not pass alone', () => {
    const words = fc.array(fc.constantFrom('list', 'call', 'big', 'legal', 'shell', 'other'), { minLength: 1 });
    const strictness = { allow: 0, hold: 1, deny: 2 } as const;
    fc.assert(
      fc.property(words, (operations) => {
        const alone = operations.map((operation) => strictness[on(operation).effect]);
        expect(strictness[on(...operations).effect]).toBeGreaterThanOrEqual(Math.max(...alone));
      }),
    );
  });
});
