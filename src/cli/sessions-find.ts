/** `sallyport sessions find`: who was shown a text, or sent it. */

import { Command } from 'commander';
import { openDeeds } from '../record/deed.ts';
import { findIn, type Match, type Needle, needleOf } from '../record/find-text.ts';
import { readSession, type SessionContent } from '../record/read-session.ts';
import { firstIdAt } from '../record/session-id.ts';
import { readRecordingKey } from '../config/secrets.ts';
import { countSessions, listSessions, type SessionFilter } from '../store/list-sessions.ts';
import type { SessionRow } from '../store/sessions.ts';
import { CliError, EXIT } from './exit.ts';
import { identityOption, keyRing, type WithIdentity } from './identities.ts';
import type { Io } from './io.ts';
import { readInput } from './ledger-keys.ts';
import { configOption, loadConfigFor } from './load.ts';
import { accountName, runErrand } from './sessions-errand.ts';
import { codecFor } from './sessions-export.ts';
import { dataFolder, withIndex } from './sessions-files.ts';
import { showTime } from './sessions-show.ts';
import { readTime } from './sessions-time.ts';

interface FindOptions extends WithIdentity {
  readonly config: string;
  readonly containing: string;
  readonly caller?: string;
  readonly service?: string;
  readonly since?: string;
  readonly until?: string;
}

/** A call that holds the text. */
interface Found {
  readonly session: string;
  readonly at: number;
  readonly caller: string;
  /** Who the caller acted for, as its token says (RFC 8693 `act` is the actor, so the caller is the one acted for). */
  readonly actor: string;
  readonly service: string;
  readonly model: string;
  readonly rule: string;
  readonly matches: readonly Match[];
}

/** A session that could not be looked through. */
interface Unread {
  readonly id: string;
  readonly why: string;
}

const PAGE = 200;

const needleIn = (io: Io, file: string): Needle => {
  try {
    return needleOf(readInput(io, file));
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError(EXIT.usage, `${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
};

const actorOf = ({ details }: SessionContent): string => {
  const act = details.caller?.claims['act'];
  return typeof act === 'object' && act !== null && 'sub' in act ? String(act.sub) : '';
};

const foundIn = (row: SessionRow, content: SessionContent, matches: readonly Match[]): Found => ({
  session: row.id,
  at: row.at,
  caller: row.subject,
  actor: actorOf(content),
  service: row.service,
  model: row.model,
  rule: row.rule,
  matches,
});

const showMatch = ({ where, pieces, of }: Match): string =>
  pieces === of ? `whole, in the ${where}` : `${pieces} of ${of} pieces, in the ${where}`;

async function find(io: Io, options: FindOptions): Promise<void> {
  const loaded = loadConfigFor(io, options.config);
  const folder = dataFolder(loaded);
  const needle = needleIn(io, options.containing);
  const recordingKey = readRecordingKey(loaded.config.recording.key, loaded.baseDir, { env: io.env });
  const pageKeys = await keyRing(io, loaded, options);
  const { caller, service, since, until } = options;
  const now = Date.now();
  const filter: SessionFilter = {
    limit: PAGE,
    ...(caller === undefined ? {} : { caller }),
    ...(service === undefined ? {} : { service }),
    ...(since === undefined ? {} : { since: readTime(since, now) }),
    ...(until === undefined ? {} : { until: readTime(until, now) }),
  };
  const found: Found[] = [];
  const unread: Unread[] = [];
  await withIndex(folder, async ({ db }) => {
    const sessions = await countSessions(db, filter, firstIdAt);
    const what = openDeeds(recordingKey).hash(needle.text);
    await runErrand(io, loaded, { kind: 'search', what, sessions, who: accountName() });
    const codec = codecFor(loaded.config.services);
    let done = 0;
    for (let before: string | undefined; ; ) {
      const page = await listSessions(db, { ...filter, ...(before === undefined ? {} : { before }) }, firstIdAt);
      for (const row of page) {
        try {
          const content = await readSession(row, { folder, pageKeys, ledgerSize: 0 });
          const matches = findIn(content, needle, codec(row.service));
          if (matches.length > 0) found.push(foundIn(row, content, matches));
        } catch (error) {
          // told below: what cannot be read may hold the text
          unread.push({ id: row.id, why: error instanceof Error ? error.message : String(error) });
        }
      }
      done += page.length;
      io.progress(`looking through recordings: ${done} of ${sessions}, found in ${found.length}`);
      before = page.at(-1)?.id;
      if (page.length < PAGE) break;
    }
  });
  report(io, found, unread);
}

function report(io: Io, found: readonly Found[], unread: readonly Unread[]): void {
  io.list(
    [
      { key: 'session', title: 'SESSION' },
      { key: 'at', title: 'WHEN' },
      { key: 'caller', title: 'CALLER' },
      { key: 'actor', title: 'ACTOR' },
      { key: 'service', title: 'SERVICE' },
      { key: 'rule', title: 'RULE' },
      { key: 'matches', title: 'FOUND' },
    ],
    found,
    ({ session, at, caller, actor, service, rule, matches }) => ({
      session,
      at: showTime(at),
      caller,
      actor,
      service,
      rule,
      matches: matches.map(showMatch).join('; '),
    }),
    'no recording holds it',
  );
  for (const [why, together] of Map.groupBy(unread, (each) => each.why)) {
    io.say(`warning: ${together.length} sessions cannot be read, the first is ${together[0]?.id ?? ''}: ${why}`);
  }
  if (found.length === 0 || unread.length > 0) io.exit(EXIT.found);
}

/** Returns `sallyport sessions find`. */
export const findCommand = (io: Io): Command =>
  new Command('find')
    .description('find who sent a text or was shown it, and by which rule; the search is itself in the ledger')
    .requiredOption('--containing <file>', 'the text to look for; parts of it are found too')
    .addOption(configOption())
    .addOption(identityOption())
    .option('--caller <subject>', 'of this caller only')
    .option('--service <name>', 'of this service only')
    .option('--since <time>', 'opened then or later: a time, or 15m, 2h, 7d ago')
    .option('--until <time>', 'opened before then')
    .action((options: FindOptions) => find(io, options));
