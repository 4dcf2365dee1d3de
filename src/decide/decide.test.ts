import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { PolicyConfig } from '../config.ts';
import { subjectOf, writtenCallSchema } from './case.ts';
import { casesSchema, policiesOf, runCases } from './cases.ts';
import { compilePolicies, type PolicySource } from './compile.ts';
import { decide } from './decide.ts';
import type { Subject } from './environment.ts';

const NOW = Date.UTC(2026, 0, 5, 12);
const CASES = new URL('../../test/cases/', import.meta.url);

describe.each(readdirSync(CASES).filter((name) => name.startsWith('policy')))('%s', (file) => {
  const cases = casesSchema.parse(parse(readFileSync(new URL(file, CASES), 'utf8')));
  const source = policiesOf(cases, null);
  if (source === null) throw new Error(`${file} has no policies`);
  it.each(runCases(cases, source, NOW))('$name', ({ differences }) => {
    expect(differences).toEqual([]);
  });
});

const subject = (written: unknown): Subject => subjectOf(writtenCallSchema.parse(written), NOW);

const verdictOn = (source: Pick<PolicySource, 'policies' | 'masking'>, { caller, request, facts, now }: Subject) =>
  decide(compilePolicies({ ...source, services: [{ name: 'llm' }] }), caller, request, facts, now);

/** Rules that match by the numbers in `n` and `images`, or have an error. */
const CONDITIONS = [
  'true',
  'false',
  'call.n > 1',
  'call.images > 1',
  'caller.claims.gone == 1',
  'call.n / (call.images - 1) > 0',
];

const rules = (then: fc.Arbitrary<PolicyConfig['then']>) =>
  fc.record({ when: fc.constantFrom(...CONDITIONS), then }).map((rule): Omit<PolicyConfig, 'name'> => ({ ...rule }));

const HOLD: PolicyConfig['then'] = { approve: { by: ['group:leads'], quorum: 1, within: 1000, use_within: 1000 } };
const any = fc.constantFrom<PolicyConfig['then']>('allow', 'deny', HOLD);
const subjects = fc
  .record({ n: fc.integer({ min: 0, max: 3 }), images: fc.integer({ min: 0, max: 3 }) })
  .map((facts) => subject({ call: { service: 'llm', ...facts } }));

const named = (list: readonly Omit<PolicyConfig, 'name'>[]): PolicyConfig[] =>
  list.map((rule, at) => ({ ...rule, name: `rule-${at}` }));

const STRICTNESS = { allow: 0, hold: 1, deny: 2 } as const;

describe('promise 1: default deny; deny wins', () => {
  it('denies everything when there are no rules', () => {
    fc.assert(
      fc.property(subjects, (call) => {
        const verdict = verdictOn({ policies: [], masking: [] }, call);
        expect(verdict).toMatchObject({ effect: 'deny', reason: 'no-rule', rule: '' });
      }),
    );
  });

  it('never becomes less strict by one more rule that denies or asks for an approval', () => {
    const strict = fc.constantFrom<PolicyConfig['then']>('deny', HOLD);
    fc.assert(
      fc.property(
        fc.array(rules(any), { maxLength: 6 }),
        rules(strict),
        fc.nat(6),
        subjects,
        (list, more, at, call) => {
          const before = verdictOn({ policies: named(list), masking: [] }, call);
          const after = verdictOn({ policies: named(list.toSpliced(at, 0, more)), masking: [] }, call);
          // Where no rule denies by itself, one that asks for an approval turns "nobody allows it" into "a human may".
          if (before.effect === 'deny' && named(list).find(({ name }) => name === before.rule)?.then !== 'deny') return;
          expect(STRICTNESS[after.effect]).toBeGreaterThanOrEqual(STRICTNESS[before.effect]);
        },
      ),
    );
  });

  it('denies whenever a rule that denies matches or has an error, whatever else there is and in whatever order', () => {
    fc.assert(
      fc.property(
        fc.array(rules(any), { maxLength: 6 }),
        fc.constantFrom('true', 'caller.claims.gone == 1'),
        fc.nat(6),
        subjects,
        (list, when, at, call) => {
          const policies = named(list.toSpliced(at, 0, { when, then: 'deny' }));
          expect(verdictOn({ policies, masking: [] }, call).effect).toBe('deny');
        },
      ),
    );
  });

  it('never becomes stricter by one more rule that allows', () => {
    fc.assert(
      fc.property(fc.array(rules(any), { maxLength: 6 }), rules(fc.constant('allow')), subjects, (list, more, call) => {
        const before = verdictOn({ policies: named(list), masking: [] }, call);
        const after = verdictOn({ policies: named([...list, more]), masking: [] }, call);
        expect(STRICTNESS[after.effect]).toBeLessThanOrEqual(STRICTNESS[before.effect]);
      }),
    );
  });

  it('allows only what a rule allows', () => {
    fc.assert(
      fc.property(fc.array(rules(any), { maxLength: 6 }), subjects, (list, call) => {
        const policies = named(list);
        const verdict = verdictOn({ policies, masking: [] }, call);
        if (verdict.effect !== 'allow') return;
        expect(policies.find(({ name }) => name === verdict.rule)?.then).toBe('allow');
        expect(policies.some(({ then, when }) => then !== 'allow' && when === 'true')).toBe(false);
      }),
    );
  });

  it('denies when a condition costs more than it may', () => {
    const texts = Array.from({ length: 5_000 }, (_, at) => `text ${at}`);
    const call = subject({ call: { service: 'llm', texts } });
    const when = 'call.texts.all(a, call.texts.all(b, a.text != "x" || b.text != "y"))';
    const allow: PolicyConfig = { name: 'all', when: 'true', then: 'allow' };
    expect(verdictOn({ policies: [allow], masking: [] }, call).effect).toBe('allow');
    expect(verdictOn({ policies: [allow, { name: 'slow', when, then: 'deny' }], masking: [] }, call)).toMatchObject({
      effect: 'deny',
      rule: 'slow',
      reason: 'policy-error',
    });
  });

  it('hands the terms of the approval on', () => {
    const policies: PolicyConfig[] = [{ name: 'ask', when: 'true', then: HOLD }];
    expect(verdictOn({ policies, masking: [] }, subject({ call: { service: 'llm' } }))).toMatchObject({
      effect: 'hold',
      approve: { by: ['group:leads'], quorum: 1, within: 1000, useWithin: 1000 },
    });
  });
});
