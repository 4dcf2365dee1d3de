import { describe, expect, it } from 'vitest';
import type { Caller, Classified, Facts } from '../call.ts';
import { configSchema } from '../config.ts';
import { look } from '../../test/kit/inspected.ts';
import { compilePolicies } from './compile.ts';
import { decide, decideAnswer } from './decide.ts';
import { PolicyError } from './policy-error.ts';

interface Written {
  readonly when: string;
  readonly then?: 'allow' | 'deny';
  readonly on?: 'request' | 'answer';
}

const compiled = (...rules: readonly Written[]) =>
  compilePolicies({
    policies: configSchema.shape.policies
      .unwrap()
      .parse(rules.map((rule, at) => ({ name: `rule-${at}`, then: 'deny', ...rule }))),
    masking: [],
    services: [{ name: 'llm' }],
    classifiers: [{ name: 'guard' }, { name: 'pii' }],
  });

const caller: Caller = {
  issuer: 'https://i.example',
  subject: 's',
  kind: 'human',
  groups: [],
  claims: {},
  expiresAt: 0,
};
const request = {
  method: 'POST',
  service: 'llm',
  path: '/',
  query: '',
  rawHeaders: [],
  source: '',
  protocol: 'openai',
};
const { facts: plain } = look({ model: 'm', messages: [{ role: 'user', content: 'Hi' }] });
const said = (guard: Partial<Classified>): Facts => ({
  ...plain,
  classified: { guard: { outcome: 'passed', labels: [], score: 0, asked: 1, micros: 1, ...guard } },
});
const effectOf = (policy: ReturnType<typeof compiled>, facts: Facts): string =>
  decide(policy, caller, request, facts, 0).effect;

describe('what classifiers say', () => {
  it('is read by rules, and always there: a classifier that did not look was skipped', () => {
    const policy = compiled(
      { when: 'true', then: 'allow' },
      {
        when: 'call.classified.guard.flagged && call.classified.guard.score > 0.5 && "S1" in call.classified.guard.labels',
      },
      { when: 'call.classified.pii.outcome != "skipped"' },
    );
    expect(effectOf(policy, plain)).toBe('allow');
    expect(effectOf(policy, said({ outcome: 'flagged', labels: ['S1'], score: 0.9 }))).toBe('deny');
    expect(effectOf(policy, said({ outcome: 'failed', labels: ['S1'], score: 0.9 }))).toBe('allow');
  });

  it('of an answer is read by rules on answers', () => {
    const { answers } = compiled({ when: 'answer.classified.guard.outcome == "failed"', on: 'answer' });
    const answer = {
      status: 200,
      contentType: '',
      findings: {},
      inputTokens: 0,
      outputTokens: 0,
      toolCalls: [],
      commands: [],
      injection: { score: 0, evidence: [] },
    };
    const { classified } = said({ outcome: 'failed' });
    const subject = { caller, request, facts: plain, now: 0 };
    expect(decideAnswer(answers, { ...subject, answer })).toBeNull();
    expect(decideAnswer(answers, { ...subject, answer: { ...answer, classified: classified ?? {} } })?.rule).toBe(
      'rule-0',
    );
  });

  it('is checked by name and type when the config is loaded', () => {
    for (const when of [
      'call.classified.gaurd.flagged',
      'call.classified.guard.flaged',
      'call.classified.guard.score == "high"',
      'call.classified.guard.outcome == "pass"',
      'answer.classified.guard.flagged',
    ])
      expect(() => compiled({ when }), when).toThrow(PolicyError);
  });
});

describe('which classifiers are asked', () => {
  it.each([
    ['call.service == "llm"', [], []],
    ['call.classified.guard.flagged', ['guard'], []],
    ['call.classified.pii.score > 0.5 || call.classified.guard.flagged', ['guard', 'pii'], []],
    // what cannot be told apart reads them all: one that is not asked would look like one that found nothing
    ['[call.classified].exists(c, c.pii.flagged)', ['guard', 'pii'], []],
    ['[call].exists(c, c.classified.pii.flagged)', ['guard', 'pii'], []],
  ])('%s', (when, calls, answers) => {
    const { classifiers } = compiled({ when });
    expect([[...classifiers.request].toSorted(), [...classifiers.answer].toSorted()]).toEqual([calls, answers]);
  });

  it('tells answers from requests', () => {
    const { classifiers } = compiled({
      when: 'answer.classified.pii.flagged && call.classified.guard.flagged',
      on: 'answer',
    });
    expect([[...classifiers.request], [...classifiers.answer]]).toEqual([['guard'], ['pii']]);
  });
});

describe('the rules before classifiers are asked', () => {
  const policies = [
    compiled({ when: 'call.classified.guard.flagged' }),
    compiled({ when: 'call.model == "m"', then: 'allow' }, { when: 'call.classified.guard.flagged' }),
    compiled({ when: 'call.classified.guard.score < 0.5', then: 'allow' }),
    compiled({ when: 'true', then: 'allow' }, { when: 'call.model == "m"' }, { when: 'call.classified.pii.flagged' }),
  ];

  it('deny only what the rules deny whatever classifiers say', () => {
    const answers = [said({}), said({ outcome: 'flagged', score: 1 }), said({ outcome: 'failed' }), plain];
    const denied = policies.map(
      (policy) => effectOf({ ...policy, ...policy.beforeClassifying.request }, plain) === 'deny',
    );
    expect(denied).toEqual([true, false, false, true]);
    policies.forEach((policy, at) => {
      if (denied[at] === true) for (const facts of answers) expect(effectOf(policy, facts)).toBe('deny');
    });
  });
});
