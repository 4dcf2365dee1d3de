import { describe, expect, it } from 'vitest';
import { configSchema } from '../config.ts';
import { subjectOf, writtenCallSchema } from './case.ts';
import { explain } from './explain.ts';

const source = {
  policies: configSchema.shape.policies.parse([
    { name: 'ml', when: 'call.service == "llm" && "ml" in caller.groups', then: 'allow' },
    { name: 'shell', when: 'call.tools.exists(t, t.name == "shell")', then: 'deny' },
    { name: 'cleared', when: 'caller.claims.clearance > 2', then: 'allow' },
    { name: 'big', when: 'size(call.texts) > 1 || call.model.startsWith("o")', then: { approve: { by: ['group:a'] } } },
  ]),
  masking: configSchema.shape.masking.parse([{ name: 'pii', when: 'call.n == 1', entities: ['email'] }]),
  services: [{ name: 'llm' }],
};

const subject = subjectOf(
  writtenCallSchema.parse({
    caller: { groups: ['ml'] },
    call: { service: 'llm', model: 'gpt', tools: ['search'], texts: ['a'.repeat(100)] },
  }),
  0,
);

describe('explaining a verdict', () => {
  it('gives the verdict that decide gives, and what came of every rule', () => {
    const { verdict, rules } = explain(source, subject);
    expect(verdict).toMatchObject({ effect: 'allow', rule: 'ml' });
    expect(rules.map(({ name, kind, outcome, counts }) => [name, kind, outcome, counts])).toEqual([
      ['ml', 'allow', 'matched', true],
      ['shell', 'deny', 'not matched', false],
      ['cleared', 'allow', 'error', false],
      ['big', 'approve', 'not matched', false],
      ['pii', 'mask', 'matched', true],
    ]);
  });

  it('tells the values that the conditions read, and no more than was evaluated', () => {
    const parts = explain(source, subject).rules.map(({ parts }) =>
      parts.map(({ text, value }) => `${text} = ${value}`),
    );
    expect(parts).toEqual([
      ['call.service = "llm"', 'caller.groups = ["ml"]'],
      ['call.tools = [{name: "search", type: "function"}]'],
      ['caller.claims = {}', 'caller.claims.clearance = error: no such key'],
      [
        `call.texts = [{role: "user", text: "${'a'.repeat(80)}"… (100)}]`,
        'size(call.texts) = 1',
        'call.model = "gpt"',
        'call.model.startsWith("o") = false',
      ],
      ['call.n = 1'],
    ]);
  });

  it('tells why a condition has no value', () => {
    expect(explain(source, subject).rules[2]).toMatchObject({ outcome: 'error', fault: 'no such key' });
  });
});
