/** `sallyport policy`: tries policies on calls that are written down, without a gateway. */

import { Command, Option } from 'commander';
import type { CallerKind, Verdict } from '../call.ts';
import { systemClock } from '../clock.ts';
import type { Config } from '../config.ts';
import { classifierResultsSchema, subjectOf, type WrittenCall, writtenCallSchema } from '../decide/case.ts';
import { type CaseResult, casesSchema, type GuardsOf, policiesOf, runCases } from '../decide/cases.ts';
import type { Alternative, ClassifierForeseen, GuardForeseen } from '../decide/foresee.ts';
import { explain, type Explanation, type RuleExplained } from '../decide/explain.ts';
import { PolicyError, showPolicyProblem } from '../decide/policy-error.ts';
import { CliError, EXIT } from './exit.ts';
import type { Io } from './io.ts';
import { configOption, loadConfigFor } from './load.ts';
import { guardsOf } from './policy-guards.ts';
import { showPolicy } from './policy-show.ts';
import { readYamlFor } from './read-yaml.ts';
import { type Line, type Style, styled } from './table.ts';

/** Returns what `work` returns. Mistakes in policies are told, and end the command. */
const withPolicies = <T>(io: Io, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    io.say(...error.problems.flatMap((problem) => showPolicyProblem(problem).split('\n')));
    throw new CliError(EXIT.usage, `${error.problems.length} of the conditions cannot be used`, { cause: error });
  }
};

const EFFECTS: Readonly<Record<Verdict['effect'], Style>> = { allow: 'green', hold: 'yellow', deny: 'red' };

const showVerdict = ({ effect, reason, rule }: Verdict): Line => [
  styled(EFFECTS[effect], effect),
  rule === '' ? '' : ` by ${rule}`,
  `, reason ${reason}`,
];

const showCase = ({ name, verdict, differences }: CaseResult): readonly Line[] => {
  if (differences.length === 0) return [[styled('green', 'pass '), name]];
  const shown = differences.flatMap(({ what, expected, found }): readonly Line[] => [
    [`       ${what}`],
    ['         ', styled('green', `expected ${expected}`)],
    ['         ', styled('red', `found    ${found}`)],
  ]);
  return [[styled('red', 'fail '), name], ['       the verdict is ', ...asPieces(showVerdict(verdict))], ...shown];
};

const asPieces = (line: Line): readonly Exclude<Line, readonly unknown[]>[] =>
  typeof line === 'string' || 'text' in line ? [line] : line;

const test = (io: Io, file: string, config: string): void => {
  const cases = readYamlFor(io, file, casesSchema);
  const own = policiesOf(cases, null);
  // policies that stand beside the cases are of no service: nothing guards them
  const loaded = own === null ? sourceOf(io, config) : null;
  const guards: GuardsOf = (written, facts) => (loaded === null ? [] : guardsOf(loaded, written, facts));
  const source = own ?? loaded ?? sourceOf(io, config);
  const results = withPolicies(io, () => runCases(cases, source, systemClock.now(), guards));
  const failed = results.filter(({ differences }) => differences.length > 0).length;
  io.print(results, results.flatMap(showCase));
  io.say(failed === 0 ? `${results.length} passed` : `${failed} of ${results.length} failed`);
  if (failed > 0) io.exit(EXIT.found);
};

const sourceOf = (io: Io, config: string): Config => loadConfigFor(io, config).config;

interface ExplainOptions {
  readonly call: string;
  readonly config: string;
  readonly as?: string;
  readonly groups?: string;
  readonly kind?: CallerKind;
  readonly classifierResult?: string;
}

/** Returns the call with the caller that the options name, over what the file says. */
const calledBy = ({ caller, ...rest }: WrittenCall, { as, groups, kind }: ExplainOptions): WrittenCall => ({
  ...rest,
  caller: {
    ...caller,
    subject: as ?? caller.subject,
    groups: groups?.split(',').filter((group) => group !== '') ?? caller.groups,
    kind: kind ?? caller.kind,
  },
});

const OUTCOMES: Readonly<Record<RuleExplained['outcome'], Style>> = {
  matched: 'green',
  'not matched': 'dim',
  error: 'red',
  'not asked': 'dim',
};

const showRule = ({ name, kind, outcome, counts, limit, fault, parts }: RuleExplained): readonly Line[] => [
  [
    counts ? styled('bold', '→ ') : '  ',
    styled(OUTCOMES[outcome], outcome.padEnd(12)),
    kind.padEnd(8),
    counts ? styled('bold', name) : name,
    limit === '' ? '' : styled('yellow', `  at most ${limit}`),
    fault === '' ? '' : styled('red', `  ${fault}`),
  ],
  ...parts.map(({ text, value }): Line => styled('dim', `      ${text} = ${value}`)),
];

const GUARDS: Readonly<Record<GuardForeseen['outcome'], Style>> = {
  passes: 'green',
  refuses: 'red',
  'not known': 'yellow',
};

const showGuard = ({ name, outcome, why }: GuardForeseen, rule: string): Line => [
  name === rule ? styled('bold', '→ ') : '  ',
  styled(GUARDS[outcome], outcome.padEnd(12)),
  'guard   ',
  name,
  why === '' ? '' : `  ${why}`,
];

const showClassifier = ({ name, asked, why, said }: ClassifierForeseen): Line => [
  '  ',
  styled(asked === 'not asked' ? 'dim' : 'green', (asked === 'not asked' ? asked : 'asked').padEnd(12)),
  'classifier ',
  name,
  asked === 'not asked'
    ? `  ${why}`
    : styled(said === null ? 'yellow' : 'dim', `  ${asked}; ${said ?? 'what it says is not given'}`),
];

const showAlternative = ({ said, verdict }: Alternative): Line => [
  '  ',
  styled(
    'yellow',
    Object.entries(said)
      .map(([name, outcome]) => `${name} ${outcome}`)
      .join(', '),
  ),
  ': ',
  ...asPieces(showVerdict(verdict)),
];

const showOutcome = ({ verdict, missing, alternatives }: Explanation): readonly Line[] => {
  if (missing.length === 0) return [showVerdict(verdict), ...(verdict.message === '' ? [] : [`  ${verdict.message}`])];
  return [
    [styled('yellow', 'not known'), `, for want of what ${missing.join(' and ')} would say`],
    ...(alternatives.length === 0 ? [['  by what is given: ', ...asPieces(showVerdict(verdict))]] : []),
    ...alternatives.map(showAlternative),
  ];
};

const showExplanation = (explanation: Explanation): readonly Line[] => [
  ...showOutcome(explanation),
  ...explanation.rules.flatMap(showRule),
  ...explanation.guards.map((guard) => showGuard(guard, explanation.verdict.rule)),
  ...explanation.classifiers.map(showClassifier),
];

/** Returns the call with what a file says that classifiers said, over what the call says. */
const classifiedBy = (io: Io, written: WrittenCall, file: string | undefined): WrittenCall => {
  if (file === undefined) return written;
  const { call } = written;
  const classified = { ...call.classified, ...readYamlFor(io, file, classifierResultsSchema) };
  return { ...written, call: { ...call, classified } };
};

const explainCall = (io: Io, options: ExplainOptions): void => {
  const asked = calledBy(readYamlFor(io, options.call, writtenCallSchema), options);
  const written = classifiedBy(io, asked, options.classifierResult);
  const source = sourceOf(io, options.config);
  const known = source.services.map(({ name }) => name);
  if (!known.includes(written.call.service))
    io.say(`no service is named ${written.call.service}; there are ${known.join(', ')}`);
  for (const name of Object.keys(written.call.classified))
    if (!source.classifiers.some((each) => each.name === name)) io.say(`no classifier is named ${name}`);
  const subject = subjectOf(written, systemClock.now());
  const guards = guardsOf(source, written, subject.facts);
  const explanation = withPolicies(io, () => explain(source, subject, guards));
  io.print(explanation, showExplanation(explanation));
};

const CASES_HELP = `
FILE holds cases, in YAML or JSON. What a case leaves out is that of a plain call; what "expect" leaves out is not
compared. Policies written in FILE take the place of those of the config.

  cases:
    - name: the ml group may chat
      caller: { subject: ada, groups: [ml], claims: { department: research } }
      call: { service: llm, model: gpt-4o, max_tokens: 500, texts: [Hello.], tools: [search] }
      now: 2026-01-05T12:00:00Z
      expect: { effect: allow, rule: ml-may-chat, reason: completed, mask: { answer: [pii] }, limits: [fair-use] }

What a classifier says that would be asked is given with the call, as "classified: { guard: { outcome: flagged, labels: [S1] } }",
and what a model takes whose tensors are guarded beside it, as "metadata: [[{ name: x, datatype: FP32, shape: [-1, 4] }]]". A
case without them fails where they could change the verdict. Guards of tools and tensors are those of the config.

Ends with 0 when every case passes and with 1 when one does not.`;

const CALL_HELP = `
FILE holds a call, in YAML or JSON, written as in the cases of "policy test": the facts of the call as conditions name
them, who makes it, and when. The arrow marks the rule or the guard that decides, and the limits and masking rules that apply.
What guards of the service say stands behind the rules, and which classifiers would be asked. Where what one of them says is
not given and matters, no verdict is told but what it hangs on; --classifier-result gives it:

  guard: { outcome: flagged, labels: [violence], score: 0.9 }

  caller: { subject: ada, groups: [ml] }
  call: { service: llm, model: gpt-4o, max_tokens: 500, texts: [{ role: user, text: Hello. }] }`;

/** Returns `sallyport policy`. */
export const policyCommand = (io: Io): Command => {
  const command = new Command('policy').description('try policies on calls that are written down');
  command
    .command('test')
    .description('run cases and tell which verdicts differ')
    .argument('<file>', 'the cases')
    .addOption(configOption())
    .addHelpText('after', CASES_HELP)
    .action((file: string, { config }: { config: string }) => test(io, file, config));
  command
    .command('explain')
    .description('tell what every rule says of a call, and why')
    .requiredOption('--call <file>', 'the call')
    .option('--as <subject>', 'who makes the call, instead of what the file says')
    .option('--groups <list>', 'the groups of the caller, with commas between them')
    .option('--classifier-result <file>', 'what classifiers say of it, by their names, over what the call says')
    .addOption(new Option('--kind <kind>', 'what kind of caller').choices(['human', 'workload', 'agent']))
    .addOption(configOption())
    .addHelpText('after', CALL_HELP)
    .action((options: ExplainOptions) => explainCall(io, options));
  command
    .command('show')
    .description(
      'show what a session was decided under, by the hash that it cites; without one, what the config says now',
    )
    .argument('[hash]', 'the hash, or its first 8 digits or more')
    .addOption(configOption())
    .action((cited: string | undefined, { config }: { config: string }) => showPolicy(io, cited, config));
  return command;
};
