import { describe, expect, it } from 'vitest';
import { configSchema } from '../config.ts';
import { subjectOf, writtenCallSchema } from './case.ts';
import { compilePolicies, type PolicySource } from './compile.ts';
import { decide } from './decide.ts';
import { PolicyError } from './policy-error.ts';

const source = (policies: readonly unknown[], masking: readonly unknown[] = []): PolicySource => ({
  policies: configSchema.shape.policies.parse(policies),
  masking: configSchema.shape.masking.parse(masking),
  services: [{ name: 'llm' }, { name: 'images' }],
});

const errorOf = (made: PolicySource): PolicyError => {
  try {
    compilePolicies(made);
  } catch (error) {
    if (error instanceof PolicyError) return error;
    throw error;
  }
  throw new Error('expected a PolicyError');
};

const rule = (when: string) => ({ name: 'r', when, then: 'allow' });

const basis = (made: PolicySource): string => {
  const policy = compilePolicies(made);
  const written = writtenCallSchema.parse({ call: { service: 'llm', n: 2 } });
  const { caller, request, facts, now } = subjectOf(written, 0);
  const verdict = decide(policy, caller, request, facts, now);
  expect(verdict.effect).toBe('hold');
  return policy.basis(verdict);
};

describe('compiling policies', () => {
  it('tells every mistake at once, each with its rule, place and excerpt', () => {
    const error = errorOf(
      source(
        [
          { name: 'fine', when: 'true', then: 'allow' },
          { name: 'typo', when: 'call.service == "llm" &&\n  call.modle == "gpt"', then: 'deny' },
          { name: 'number', when: 'call.n', then: 'allow' },
        ],
        [{ name: 'pii', when: 'caller.group == "x"', entities: ['email'] }],
      ),
    );
    expect(error.problems).toEqual([
      {
        path: ['policies', 1, 'when'],
        rule: 'typo',
        line: 2,
        column: 8,
        message: 'call has no field modle; did you mean model?',
        excerpt: '    call.modle == "gpt"\n         ^',
      },
      {
        path: ['policies', 2, 'when'],
        rule: 'number',
        line: 1,
        column: 1,
        message: 'expected a bool, found int',
        excerpt: '  call.n\n  ^',
      },
      {
        path: ['masking', 0, 'when'],
        rule: 'pii',
        line: 1,
        column: 8,
        message: 'caller has no field group; did you mean groups?',
        excerpt: '  caller.group == "x"\n         ^',
      },
    ]);
    expect(error.message).toContain('policies[1].when (rule typo), line 2, column 8: call has no field modle');
  });

  it.each([
    ['call.service == "lmm"', 'no service is named "lmm"; did you mean llm?'],
    ['call.service in ["llm", "imags"]', 'no service is named "imags"; did you mean images?'],
    ['caller.kind == "robot"', 'no kind of caller is named "robot"; there are human, workload, agent'],
    ['call.protocol == "opnai"', 'no protocol is named "opnai"; did you mean openai?'],
    ['call.findings.emial > 0', 'no entity is named emial; did you mean email?'],
    ['call.findings["secret.gitub"] > 0', 'no entity is named secret.gitub; did you mean secret.github'],
    ['caller.email == "x"', 'caller has no field email'],
    ['request.path == "/"', 'there is no request'],
    ['has(caller.claim.x)', 'caller has no field claim; did you mean claims?'],
    ['call.max_tokens > "8000"', 'there is no int > string'],
  ])('refuses %s, which could never match', (when, message) => {
    expect(errorOf(source([rule(when)])).problems[0]?.message).toContain(message);
  });

  it('keeps the caret under its place in long lines and behind tabs', () => {
    const long = errorOf(source([rule(`"${'x'.repeat(200)}" == call.modle`)])).problems[0];
    const [shown = '', caret = ''] = long?.excerpt.split('\n') ?? [];
    expect(shown.slice(caret.indexOf('^'))).toBe('modle');
    expect(errorOf(source([rule('\tcall.modle == ""')])).problems[0]?.excerpt).toBe('  \tcall.modle == ""\n  \t     ^');
  });

  it('gives a verdict a basis that only its own rule and masking rules change', () => {
    const ask = { name: 'ask', when: 'call.n > 1', then: { approve: { by: ['group:a'] } } };
    const pii = { name: 'pii', entities: ['email'] };
    const first = basis(source([ask], [pii]));
    expect(basis(source([rule('true'), ask], [pii]))).toBe(first);
    expect(basis(source([ask], [pii, { name: 'other', when: 'false', entities: ['phone'] }]))).toBe(first);
    expect(basis(source([{ ...ask, when: 'call.n >= 2' }], [pii]))).not.toBe(first);
    expect(basis(source([{ ...ask, then: { approve: { by: ['group:a'], quorum: 2 } } }], [pii]))).not.toBe(first);
    expect(basis(source([ask], [{ ...pii, at: { roles: ['user'] } }]))).not.toBe(first);
    expect(basis(source([{ ...ask, on: 'request' }], [pii]))).not.toBe(first);
    expect(basis(source([ask], [{ ...pii, with: 'drop' }]))).not.toBe(first);
    expect(basis(source([ask], [pii, { name: 'other', entities: ['phone'] }]))).not.toBe(first);
  });
});

describe('what a rule looks at', () => {
  const policy = compilePolicies(
    source([
      { name: 'anything', when: 'call.service == "llm"', then: 'allow' },
      { name: 'first', on: 'request', when: 'true', then: 'deny' },
      { name: 'later', on: 'message', when: 'true', then: 'deny' },
      { name: 'back', on: 'answer', when: 'answer.status == 200 && answer.findings.secret > 0', then: 'deny' },
    ]),
  );
  const names = (rules: readonly { readonly name: string }[]) => rules.map(({ name }) => name);

  it('is all that the caller sends, unless it says request or message', () => {
    expect([names(policy.allow), names(policy.deny)]).toEqual([['anything'], ['first']]);
    expect([names(policy.messages.allow), names(policy.messages.deny)]).toEqual([['anything'], ['later']]);
  });

  it('is the answer only where it says so, and only there a condition can read one', () => {
    expect(names(policy.answers.deny)).toEqual(['back']);
    expect(policy.answers.readsFindings).toBe(true);
    const [problem] = errorOf(source([{ ...rule('answer.status == 200'), then: 'deny' }])).problems;
    expect(problem?.message).toContain('answer');
  });

  it.each([
    ['answer.tool_calls.size() > 0', true, false, false, false],
    ['answer.commands.size() > 0', true, true, false, false],
    ['answer.injection.score > 0.5', false, false, true, false],
    ['.answer.findings.secret > 0', false, false, false, true],
    ['answer.status == 200', false, false, false, false],
    // by another name, it may read anything of it
    ['[answer].exists(a, a.status == 200)', true, true, true, true],
    ['(call.n > 1 ? [answer] : [answer]).exists(a, a.tool_calls.size() > 0)', true, true, true, true],
  ])(
    'knows what of answers must be looked at for %s',
    (when, readsToolCalls, readsCommands, readsInjection, readsFindings) => {
      const { answers } = compilePolicies(source([{ name: 'r', on: 'answer', when, then: 'deny' }]));
      expect(answers).toMatchObject({ readsToolCalls, readsCommands, readsInjection, readsFindings });
    },
  );
});
