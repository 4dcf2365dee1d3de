/** `sallyport sessions verify`: checks the proof of one session, without a gateway, a config or a store. */

import { Command } from 'commander';
import { type SessionReport, verifySession } from '../ledger/verify-session.ts';
import { readProven, type SessionContent } from '../record/read-session.ts';
import { CliError, EXIT } from './exit.ts';
import type { Io } from './io.ts';
import { AUTHORITY_OPTION, authoritiesOf, KEY_OPTION, keysOf, readInput } from './ledger-keys.ts';
import { eventJson, showBodies, showContent, showTime } from './sessions-show.ts';
import { type Line, styled } from './table.ts';

interface VerifyOptions {
  readonly key: string;
  readonly bodies?: true;
  readonly authority?: readonly string[];
}

const contentOf = ({ content }: SessionReport): SessionContent | null => {
  try {
    return content === null ? null : readProven(content);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(EXIT.found, `the frames are those that were recorded, but say nothing readable: ${message}`, {
      cause,
    });
  }
};

/** What the leaves say by themselves, for a proof that came without its key. */
const showLeaves = ({ session, start, end }: SessionReport): readonly Line[] => [
  `session     ${session}`,
  ...(start === null ? [] : [`began       ${showTime(start.ts)}: ${start.decision} for the service ${start.service}`]),
  ...(end === null ? [] : [`ended       ${showTime(end.ts)}${end.type === 'session.end' ? `: ${end.reason}` : ''}`]),
];

const showVerdict = ({ ok, problems, checkpoint, frames, content, stamped }: SessionReport): readonly Line[] => [
  ...problems.map((problem): Line => [styled('red', 'problem: '), problem]),
  ...(checkpoint === null ? [] : [`origin: ${checkpoint.origin}`, `root: ${checkpoint.root.toBase64()}`]),
  ...stamped.map(({ by, at }) => `authority ${by}: it was over and recorded by ${showTime(at)}`),
  [
    `proof: ${frames} frames under a checkpoint of ${checkpoint?.size ?? 0} leaves${content === null ? ', not opened' : ''}: `,
    ok ? styled('green', 'verified') : styled('red', 'not verified'),
  ],
];

async function verify(io: Io, file: string, { key, bodies, authority }: VerifyOptions): Promise<void> {
  const authorities = authoritiesOf(io, authority);
  const report = await verifySession(readInput(io, file), { keys: keysOf(io, key), authorities });
  const content = contentOf(report);
  const whole = {
    ...report,
    checkpoint: report.checkpoint === null ? null : { ...report.checkpoint, root: report.checkpoint.root.toBase64() },
    content:
      content === null ? null : { ...content, events: bodies === true ? content.events.map(eventJson) : undefined },
  };
  const shown = content === null ? showLeaves(report) : showContent(report.session, content);
  const told = content === null || bodies !== true ? [] : showBodies(content);
  io.print(whole, [...shown, ...told, ...showVerdict(report)]);
  if (!report.ok) io.exit(EXIT.found);
}

/** Returns `sallyport sessions verify`. */
export const verifySessionCommand = (io: Io): Command =>
  new Command('verify')
    .description('check a proof that `sallyport ledger prove` wrote; ends with 1 when it does not prove its session')
    .argument('<file>', 'the proof')
    .requiredOption(...KEY_OPTION)
    .option(...AUTHORITY_OPTION)
    .option('--bodies', 'with the request and the answer')
    .action((file: string, options: VerifyOptions) => verify(io, file, options));
