/** `sallyport approvals`: the held calls of a running gateway, and your decision on them. */

import { Command, Option } from 'commander';
import { approvalListSchema, approvalSchema, type ApprovalWithBody, approvalWithBodySchema } from '../approve/api.ts';
import type { Approval } from '../approve/approvals.ts';
import { type BodyView, FULL, SHORT, viewBody } from '../approve/view.ts';
import { APPROVAL_STATES, type ApprovalState } from '../store/approvals.ts';
import { type ControlClient, type ControlOptions, controlOptions, createControlClient } from './control-client.ts';
import { CliError, EXIT } from './exit.ts';
import type { Io } from './io.ts';
import { type Line, type Style, styled } from './table.ts';

const COLUMNS = [
  { key: 'id', title: 'APPROVAL' },
  { key: 'state', title: 'STATE' },
  { key: 'caller', title: 'CALLER' },
  { key: 'service', title: 'SERVICE' },
  { key: 'model', title: 'MODEL' },
  { key: 'rule', title: 'RULE' },
  { key: 'votes', title: 'VOTES', right: true },
  { key: 'until', title: 'UNTIL' },
];

const STYLES: Partial<Record<ApprovalState, Style>> = {
  pending: 'yellow',
  approved: 'green',
  denied: 'red',
  revoked: 'red',
};

const instant = (at: number): string => new Date(at).toISOString().replace('.000Z', 'Z');

const showState = (state: ApprovalState) => styled(STYLES[state] ?? 'dim', state);

const votesOf = ({ votes, quorum }: Approval): string =>
  `${votes.filter(({ decision, counts }) => decision === 'approve' && counts).length}/${quorum}`;

const rowOf = (approval: Approval) => ({
  id: approval.id,
  state: showState(approval.state),
  caller: approval.caller.subject,
  service: approval.service,
  model: approval.model,
  rule: approval.rule,
  votes: votesOf(approval),
  until: instant(approval.useBy ?? approval.expires),
});

const person = ({ issuer, subject }: { readonly issuer: string; readonly subject: string }): string =>
  `${subject} (${issuer})`;

/** Behind a vote that is not counted any more. */
const STALE = ' (no longer counts: the token it was cast with has expired; they may vote again)';

const factsOf = (approval: Approval): readonly (readonly [string, Line])[] => [
  ['approval', approval.id],
  ['state', showState(approval.state)],
  ['caller', person(approval.caller)],
  ['call', [approval.service, approval.operation, approval.model].filter((part) => part !== '').join(' · ')],
  ['held by', `${approval.rule}${approval.message === '' ? '' : `: ${approval.message}`}`],
  ['may approve', `${approval.quorum} of ${approval.approvers.join(', ')}`],
  ['asked', instant(approval.created)],
  approval.useBy === null ? ['decide until', instant(approval.expires)] : ['use until', instant(approval.useBy)],
  ...approval.votes.map((vote): readonly [string, Line] => [
    vote.decision === 'approve' ? 'approved by' : 'denied by',
    `${person(vote)}${vote.reason === '' ? '' : `: ${vote.reason}`}${vote.counts ? '' : STALE}`,
  ]),
  ...(approval.revoked === null
    ? []
    : [['revoked by', `${person(approval.revoked.by)}: ${approval.revoked.reason}`] as const]),
  ['digest', approval.digest],
];

const LABEL = 14;

const showFacts = (approval: Approval): readonly Line[] =>
  factsOf(approval).map(([label, value]): Line => {
    const pieces = typeof value === 'string' || 'text' in value ? [value] : value;
    return [styled('dim', label.padEnd(LABEL)), ...pieces];
  });

const showBody = ({ lines, marked }: BodyView): readonly Line[] => [
  '',
  ...lines,
  ...(marked === 0
    ? []
    : [styled('yellow', `${marked} characters that cannot be seen or that deceive are shown as ⟨U+…⟩`)]),
];

const bytesOf = ({ body }: ApprovalWithBody): Uint8Array | null => (body === null ? null : Buffer.from(body, 'base64'));

const fetchApproval = (client: ControlClient, id: string): Promise<ApprovalWithBody> =>
  client.get(`/approvals/${encodeURIComponent(id)}`, approvalWithBodySchema);

interface ListOptions extends ControlOptions {
  readonly state: ApprovalState | 'all';
}

const list = async (io: Io, options: ListOptions): Promise<void> => {
  const query = options.state === 'all' ? '' : `?state=${options.state}`;
  const { approvals } = await createControlClient(io, options).get(`/approvals${query}`, approvalListSchema);
  io.list(
    COLUMNS,
    approvals,
    rowOf,
    options.state === 'all' ? 'there are no approvals' : `no approval is ${options.state}`,
  );
};

interface ShowOptions extends ControlOptions {
  readonly full?: boolean;
}

const show = async (io: Io, id: string, options: ShowOptions): Promise<void> => {
  const approval = await fetchApproval(createControlClient(io, options), id);
  const view = viewBody(bytesOf(approval), options.full === true ? FULL : SHORT);
  io.print(approval, [...showFacts(approval), ...showBody(view)]);
  if (view.truncated) io.say('not everything is shown; --full shows it');
};

interface VoteOptions extends ControlOptions {
  readonly reason: string;
  readonly yes?: boolean;
  readonly full?: boolean;
}

const firstLine = async (input: AsyncIterable<Uint8Array>): Promise<string> => {
  let text = '';
  for await (const chunk of input) {
    text += Buffer.from(chunk).toString('utf8');
    if (text.includes('\n') || text.length > 1000) break;
  }
  return (text.split('\n', 1)[0] ?? '').trim();
};

/** Shows what would be approved, on the terminal that is asked. */
const confirm = async (io: Io, approval: ApprovalWithBody, full: boolean): Promise<void> => {
  if (io.stderr.isTTY !== true) {
    throw new CliError(EXIT.usage, 'nobody is there to look at the call', { hint: '--yes approves without asking' });
  }
  const view = viewBody(bytesOf(approval), full ? FULL : SHORT);
  io.say(...showFacts(approval), ...showBody(view), '');
  if (view.truncated) io.say(styled('yellow', 'You do not see everything: --full shows it.'));
  io.say('Let this call pass, once? Type yes:');
  if ((await firstLine(io.stdin)) !== 'yes') throw new CliError(EXIT.found, 'not approved: you did not type yes');
};

const vote = async (io: Io, decision: 'approve' | 'deny', id: string, options: VoteOptions): Promise<void> => {
  const client = createControlClient(io, options);
  const shown = await fetchApproval(client, id);
  if (decision === 'approve' && options.yes !== true) await confirm(io, shown, options.full === true);
  // The digest of what was shown: should anything else stand there by now, the vote does not count.
  const ballot = { decision, digest: shown.digest, reason: options.reason };
  const approval = await client.post(`/approvals/${encodeURIComponent(id)}/votes`, ballot, approvalSchema);
  io.print(approval, [[approval.id, ' is ', showState(approval.state), `, ${votesOf(approval)} votes`]]);
};

const revoke = async (io: Io, id: string, options: ControlOptions & { readonly reason: string }): Promise<void> => {
  const client = createControlClient(io, options);
  const path = `/approvals/${encodeURIComponent(id)}/revocations`;
  const approval = await client.post(path, { reason: options.reason }, approvalSchema);
  io.print(approval, [[approval.id, ' is ', showState(approval.state)]]);
};

const reason = (): Option => new Option('-r, --reason <text>', 'why; it is kept with your vote').default('');

/** Returns `sallyport approvals`. */
export const approvalsCommand = (io: Io): Command => {
  const command = new Command('approvals').description('held calls, and your decision on them');
  const sub = (name: string, description: string): Command => {
    const made = command.command(name).description(description);
    for (const option of controlOptions()) made.addOption(option);
    return made;
  };

  sub('list', 'list approvals that you may see')
    .addOption(new Option('--state <state>', 'of which state').choices([...APPROVAL_STATES, 'all']).default('pending'))
    .action((options: ListOptions) => list(io, options));
  sub('show', 'show a held call: who asks, which rule holds it, and what would be sent')
    .argument('<id>', 'the approval')
    .option('--full', 'show all of it')
    .action((id: string, options: ShowOptions) => show(io, id, options));
  sub('approve', 'let a held call pass, once')
    .argument('<id>', 'the approval')
    .addOption(reason())
    .option('--full', 'show all of the call')
    .option('-y, --yes', 'do not show the call and do not ask')
    .action((id: string, options: VoteOptions) => vote(io, 'approve', id, options));
  sub('deny', 'deny a held call; one denial is enough')
    .argument('<id>', 'the approval')
    .addOption(reason())
    .action((id: string, options: VoteOptions) => vote(io, 'deny', id, options));
  sub('revoke', 'take an approval back before it is used')
    .argument('<id>', 'the approval')
    .addOption(reason())
    .action((id: string, options: VoteOptions) => revoke(io, id, options));
  return command;
};
