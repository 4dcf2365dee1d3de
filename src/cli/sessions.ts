/** `sallyport sessions`: the recorded evidence of calls, read from the data folder and the key that the config names. */

import { Command, Option } from 'commander';
import { firstIdAt } from '../record/session-id.ts';
import { isReason } from '../reasons.ts';
import { listSessions, type SessionFilter } from '../store/list-sessions.ts';
import type { SessionRow } from '../store/sessions.ts';
import { CliError, EXIT } from './exit.ts';
import { identityOption, originalOption, type WithIdentity } from './identities.ts';
import type { Io } from './io.ts';
import { configOption, loadConfigFor } from './load.ts';
import { dataFolder, withIndex } from './sessions-files.ts';
import { keepCommands } from './sessions-keep.ts';
import { recordedSession } from './sessions-read.ts';
import { replay, whenSaid } from './sessions-replay.ts';
import { exportCommands } from './sessions-export.ts';
import { findCommand } from './sessions-find.ts';
import { rerunCommand } from './sessions-rerun.ts';
import { reasonStyle, sessionJson, showMicros, showSession, showTime } from './sessions-show.ts';
import { readOffset, readTime } from './sessions-time.ts';
import { verifySessionCommand } from './sessions-verify.ts';
import { styled } from './table.ts';

interface Configured extends WithIdentity {
  readonly config: string;
}

interface ListOptions extends Configured {
  readonly caller?: string;
  readonly service?: string;
  readonly model?: string;
  readonly reason?: string;
  readonly finding?: string;
  readonly approval?: string;
  readonly since?: string;
  readonly until?: string;
  readonly before?: string;
  readonly limit: string;
}

function readCount(text: string, name: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0 && count <= 100_000) return count;
  throw new CliError(EXIT.usage, `expected a number from 1 to 100000 as ${name}, found ${text}`);
}

function readReason(text: string): string {
  if (text === 'open' || isReason(text)) return text;
  throw new CliError(EXIT.usage, `there is no reason ${text}`, { hint: '`open` means calls under way' });
}

function filterOf({
  caller,
  service,
  model,
  reason,
  finding,
  approval,
  since,
  until,
  before,
  limit,
}: ListOptions): SessionFilter {
  const now = Date.now();
  return {
    limit: readCount(limit, '--limit'),
    ...(caller === undefined ? {} : { caller }),
    ...(service === undefined ? {} : { service }),
    ...(model === undefined ? {} : { model }),
    ...(reason === undefined ? {} : { reason: readReason(reason) }),
    ...(finding === undefined ? {} : { finding }),
    ...(approval === undefined ? {} : { approval }),
    ...(since === undefined ? {} : { since: readTime(since, now) }),
    ...(until === undefined ? {} : { until: readTime(until, now) }),
    ...(before === undefined ? {} : { before }),
  };
}

/** A row as `--json` prints it: where it stands in the journals is nobody's business. */
const rowJson = (row: SessionRow): object => ({
  ...row,
  features: row.features === '' ? [] : JSON.parse(row.features),
  kinds: row.kinds === '' ? [] : row.kinds.trim().split(' '),
  places: undefined,
  stream: undefined,
});

async function list(io: Io, options: ListOptions): Promise<void> {
  const filter = filterOf(options);
  const rows = await withIndex(dataFolder(loadConfigFor(io, options.config)), ({ db }) =>
    listSessions(db, filter, firstIdAt),
  );
  if (io.json) return io.print(rows.map(rowJson), []);
  io.list(
    [
      { key: 'id', title: 'SESSION' },
      { key: 'at', title: 'OPENED' },
      { key: 'caller', title: 'CALLER' },
      { key: 'service', title: 'SERVICE' },
      { key: 'model', title: 'MODEL' },
      { key: 'reason', title: 'REASON' },
      { key: 'duration', title: 'TIME', right: true },
      { key: 'findings', title: 'FINDINGS', right: true },
    ],
    rows,
    ({ id, at, subject, service, model, reason, duration, findings }) => ({
      id,
      at: showTime(at),
      caller: subject,
      service,
      model,
      reason: styled(reasonStyle(reason), reason || 'open'),
      duration: showMicros(duration),
      findings: findings === 0 ? '' : String(findings),
    }),
    'there are no such sessions',
  );
  const last = rows.at(-1);
  if (rows.length === filter.limit && last !== undefined) io.say(`there may be more: --before ${last.id}`);
}

async function show(io: Io, id: string, options: Configured & { readonly bodies?: true }): Promise<void> {
  const { config, bodies } = options;
  const session = await recordedSession(io, loadConfigFor(io, config), id, 'show', options);
  io.print(sessionJson(session, bodies === true), showSession(session, bodies === true));
  if (session.seal.kind === 'broken') io.exit(EXIT.found);
}

interface ReplayItOptions extends Configured {
  readonly speed: string;
  readonly from?: string;
  readonly find?: string;
}

async function replayIt(io: Io, id: string, options: ReplayItOptions): Promise<void> {
  const { config, speed, from, find } = options;
  const loaded = loadConfigFor(io, config);
  const factor = speed === 'max' ? Number.POSITIVE_INFINITY : Number(speed);
  if (!(factor > 0)) {
    throw new CliError(EXIT.usage, `expected a speed above 0, found ${speed}`, { hint: '`--speed max` does not wait' });
  }
  const session = await recordedSession(io, loaded, id, 'replay', options);
  const { services } = loaded.config;
  const start = find === undefined ? readOffset(from ?? '0s') : whenSaid(session, services, find);
  if (start === null) throw new CliError(EXIT.found, `the answer does not hold ${JSON.stringify(find)}`);
  await replay(io, session, { speed: factor, services, from: start });
  if (session.seal.kind === 'broken') io.exit(EXIT.found);
}

/** Returns `sallyport sessions`. */
export const sessionsCommand = (io: Io): Command => {
  const command = new Command('sessions').description('list, show and replay recorded calls');
  command
    .command('list')
    .description('list sessions, newest first')
    .addOption(configOption())
    .option('--caller <subject>', 'of this caller: a subject, or ISSUER|SUBJECT')
    .option('--service <name>', 'of this service')
    .option('--model <name>', 'of this model')
    .option('--reason <reason>', 'that ended with this reason, or `open`')
    .option('--finding <entity>', 'in which one of these was found: email, credit_card, …')
    .option('--approval <id>', 'that presented this approval')
    .option('--since <time>', 'opened then or later: a time, or 15m, 2h, 7d ago')
    .option('--until <time>', 'opened before then')
    .option('--before <id>', 'older than this session, to page on')
    .addOption(new Option('--limit <count>', 'how many at most').default('50'))
    .action((options: ListOptions) => list(io, options));
  command
    .command('show')
    .description('show what was recorded of a call; ends with 1 when it is not what the ledger commits to')
    .argument('<id>', 'the session')
    .addOption(configOption())
    .addOption(identityOption())
    .addOption(originalOption())
    .option('--bodies', 'with the request and the answer')
    .action((id: string, options: Configured & { readonly bodies?: true }) => show(io, id, options));
  command
    .command('replay')
    .description('show a call as it went, each piece at its time; with --json its events, one on a line')
    .argument('<id>', 'the session')
    .addOption(configOption())
    .addOption(identityOption())
    .addOption(originalOption())
    .addOption(new Option('--speed <factor>', '2 is twice as fast, `max` does not wait').default('1'))
    .option('--from <time>', 'begin there: 2.5s, 800ms')
    .addOption(new Option('--find <text>', 'begin where the answer says this').conflicts('from'))
    .action((id: string, options: ReplayItOptions) => replayIt(io, id, options));
  command.addCommand(verifySessionCommand(io));
  command.addCommand(findCommand(io));
  command.addCommand(rerunCommand(io));
  for (const each of [...exportCommands(io), ...keepCommands(io)]) command.addCommand(each);
  return command;
};
