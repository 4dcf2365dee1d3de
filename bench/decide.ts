/** `npm run bench -- decide`: what twenty rules and a masking rule cost a call, and what single conditions cost. */

import { configSchema } from '../src/config.ts';
import { subjectOf, writtenCallSchema } from '../src/decide/case.ts';
import { compilePolicies, type Policy } from '../src/decide/compile.ts';
import { decide } from '../src/decide/decide.ts';
import type { BenchOptions } from './bench.ts';

/** Microseconds, the median of some rounds. */
export interface DecideReport {
  /** A verdict for which every one of twenty rules is evaluated. */
  readonly verdict: number;
  /** One condition alone. */
  readonly conditions: Readonly<Record<string, number>>;
  /** Compiling the twenty rules. */
  readonly compile: number;
}

const CONDITIONS = [
  'call.service == "llm" && "contractors" in caller.groups',
  'call.tools.exists(t, t.name == "shell")',
  'call.max_tokens > 8000 || call.input_tokens > 50000',
  'caller.kind == "agent" && call.model.startsWith("gpt-4")',
  'call.operation in ["embeddings", "responses"]',
  'call.images > 0 && !("vision" in caller.groups)',
  'caller.claims.department == "finance" && call.service == "llm"',
  'call.stream && call.n > 1',
  'call.texts.exists(t, t.role == "system" && t.text.contains("ignore previous"))',
  'call.temperature > 1.5',
  'call.body_bytes > 1000000',
  'now.getHours("Europe/Zurich") < 0',
  'has(caller.claims.tenant) && caller.claims.tenant == "other"',
  'call.tools.size() > 10',
  'call.method == "POST" && call.path.startsWith("/admin/")',
  'caller.issuer == "https://idp.example.com" && caller.subject == "mallory"',
  'size(call.texts) > 100',
  'call.findings.secret > 0',
  'call.opaque',
] as const;

/** Patterns take some 10 ns a character; they are told alone, so that the verdict shows what rules cost. */
const PATTERNS = [
  'call.texts.exists(t, t.text.matches("ignore (all )?previous"))',
  'call.texts.exists(t, t.text.matches("(?i)ignore (all )?previous"))',
] as const;

const SERVICES = [{ name: 'llm' }];
const ROUNDS = 7;

/** A prompt of some 1,100 bytes with two tools, from a caller with three groups. */
const SUBJECT = subjectOf(
  writtenCallSchema.parse({
    caller: {
      issuer: 'https://idp.example.com',
      subject: 'ada',
      groups: ['ml', 'eng', 'all'],
      claims: { department: 'eng', tenant: 'acme', sub: 'ada', iat: 1_700_000_000 },
    },
    call: {
      service: 'llm',
      model: 'gpt-4o-mini',
      stream: true,
      max_tokens: 1024,
      temperature: 0.7,
      tools: ['search', 'calc'],
      texts: [
        { role: 'system', text: 'You are a helpful assistant. '.repeat(10) },
        { role: 'user', text: 'What does this mean? '.repeat(35) },
        { role: 'assistant', text: 'It means that. '.repeat(5) },
      ],
    },
  }),
  Date.UTC(2026, 0, 5, 12),
);

const micros = (count: number, work: () => unknown): number => {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const began = performance.now();
    for (let at = 0; at < count; at++) work();
    return ((performance.now() - began) * 1000) / count;
  });
  return rounds.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Number.NaN;
};

const policyOf = (rules: readonly unknown[], masking: readonly unknown[]): Policy =>
  compilePolicies({
    policies: configSchema.shape.policies.parse(rules),
    masking: configSchema.shape.masking.parse(masking),
    services: SERVICES,
  });

const TWENTY = [
  ...CONDITIONS.map((when, at) => ({ name: `rule-${at}`, when, then: 'deny' })),
  { name: 'ml', when: '"ml" in caller.groups', then: 'allow' },
];
const MASKING = [{ name: 'pii', when: '!("privacy-cleared" in caller.groups)', entities: ['email'] }];

const verdictOn = (policy: Policy) => {
  const { caller, request, facts, now } = SUBJECT;
  return decide(policy, caller, request, facts, now);
};

/** Measures and tells. */
export function run({ quick, say }: BenchOptions): Promise<DecideReport> {
  const count = quick ? 5_000 : 50_000;
  const policy = policyOf(TWENTY, MASKING);
  const found = verdictOn(policy);
  if (found.effect !== 'allow') throw new Error(`expected every rule to be evaluated, found ${found.rule} to match`);
  const verdict = micros(count, () => verdictOn(policy));
  const compile = micros(quick ? 10 : 50, () => policyOf(TWENTY, MASKING));
  say(`  ${verdict.toFixed(2).padStart(8)} µs  a verdict: ${TWENTY.length} rules and a masking rule, all evaluated`);
  say(`  ${compile.toFixed(0).padStart(8)} µs  compiling them`);
  const conditions = Object.fromEntries(
    [...CONDITIONS, ...PATTERNS].map((when) => {
      const one = policyOf([{ name: 'one', when, then: 'deny' }], []);
      const cost = micros(count, () => one.deny[0]?.when(SUBJECT));
      say(`  ${cost.toFixed(2).padStart(8)} µs  ${when}`);
      return [when, cost];
    }),
  );
  return Promise.resolve({ verdict, conditions, compile });
}
