/** `sallyport sessions rerun`: the recorded request once more, as a new call of whoever asks for it. */

import { setTimeout as wait } from 'node:timers/promises';
import { Command, Option } from 'commander';
import type { LoadedConfig } from '../config/file.ts';
import { requestOf, type RecordedSession } from '../record/read-session.ts';
import { readId } from '../record/session-id.ts';
import { fieldOf } from '../record/session-texts.ts';
import { findSession } from '../store/list-sessions.ts';
import { tokenOf, tokenUrl } from './control-client.ts';
import { CliError, EXIT } from './exit.ts';
import { identityOption, type WithIdentity } from './identities.ts';
import type { Io } from './io.ts';
import { configOption, loadConfigFor } from './load.ts';
import { shownDiff } from './sessions-export.ts';
import { dataFolder, withIndex } from './sessions-files.ts';
import { recordedSession } from './sessions-read.ts';

interface RerunOptions extends WithIdentity {
  readonly config: string;
  readonly service?: string;
  readonly gateway?: string;
  readonly token?: string;
  readonly tokenFile?: string;
}

/** How long the new recording may take to be listed, ms. */
const LISTED = 10_000;

/** These say something of the request itself; everything else of the old head was the old caller's. */
const KEPT = ['content-type', 'accept', 'anthropic-version', 'anthropic-beta', 'openai-beta'] as const;

/** Sends a recorded request again and resolves to the id of the new session. */
async function send(io: Io, session: RecordedSession, base: string, options: RerunOptions): Promise<string> {
  const { row, opening, details } = session;
  const root = tokenUrl(base).href.replace(/\/$/, '');
  const query = details.query === '' ? '' : `?${details.query}`;
  const url = `${root}/${options.service ?? opening.service}${details.path}${query}`;
  const fields = KEPT.map((name) => [name, fieldOf(details.fields, name)] as const).filter(([, value]) => value !== '');
  const body = requestOf(session);
  const answer = await fetch(url, {
    method: details.method,
    body: body.length === 0 ? null : new Uint8Array(body),
    redirect: 'error',
    headers: {
      ...Object.fromEntries(fields),
      authorization: `Bearer ${tokenOf(io, options)}`,
      'sallyport-replay-of': row.id,
    },
  }).catch((cause: unknown) => {
    throw new CliError(EXIT.unreachable, `${root} cannot be reached`, {
      hint: '--gateway names where callers reach the gateway',
      cause,
    });
  });
  await answer.arrayBuffer();
  const id = answer.headers.get('sallyport-session') ?? '';
  if (readId(id) === null)
    throw new CliError(EXIT.refused, `the gateway answered ${answer.status} and recorded no session`);
  return id;
}

/** Resolves when a session has ended and is listed. */
async function listed(loaded: LoadedConfig, id: string): Promise<void> {
  const folder = dataFolder(loaded);
  for (const until = performance.now() + LISTED; performance.now() < until; await wait(100)) {
    const row = await withIndex(folder, ({ db }) => findSession(db, id));
    if (row !== null && row.reason !== '') return;
  }
  throw new CliError(EXIT.found, `session ${id} is not listed yet`, {
    hint: `\`sallyport sessions diff\` compares it later`,
  });
}

async function rerun(io: Io, id: string, options: RerunOptions): Promise<void> {
  const loaded = loadConfigFor(io, options.config);
  const before = await recordedSession(io, loaded, id, 'rerun', options);
  const { config } = loaded;
  const base = options.gateway ?? config.public_url ?? `http://${config.listeners[0]?.address ?? ''}`;
  const next = await send(io, before, base, options);
  io.say(`session ${next} repeats ${id}`);
  await listed(loaded, next);
  const after = await recordedSession(io, loaded, next, 'rerun', options);
  const [found, lines] = shownDiff(before, after, config.services);
  io.print({ session: next, repeats: id, ...found }, lines);
}

/** Returns `sallyport sessions rerun`. */
export const rerunCommand = (io: Io): Command =>
  new Command('rerun')
    .description(
      'send a recorded request again, as a new call of yours under the policies of today, and show the difference',
    )
    .argument('<id>', 'the session')
    .addOption(configOption())
    .addOption(identityOption())
    .option('--service <name>', 'to this service in place of the one that it was for')
    .option('--gateway <url>', 'where callers reach the gateway (default: public_url, or the first listener)')
    .addOption(new Option('--token-file <file>', 'the file with your token (default: the token in SALLYPORT_TOKEN)'))
    .addOption(
      new Option('--token <token>', 'your token; others on this machine can see it here').conflicts('tokenFile'),
    )
    .action((id: string, options: RerunOptions) => rerun(io, id, options));
