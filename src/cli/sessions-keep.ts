/** `sallyport sessions hold`, `release` and `erase`: what must stay, and what must go before its time. */

import { Command } from 'commander';
import type { Errand } from '../record/errand.ts';
import type { Io } from './io.ts';
import { configOption, loadConfigFor } from './load.ts';
import { accountName, runErrand } from './sessions-errand.ts';
import { CliError, EXIT } from './exit.ts';
import { readId } from '../record/session-id.ts';

interface KeepOptions {
  readonly config: string;
  readonly why: string;
}

const DONE = {
  hold: 'is held: nothing erases it until it is released',
  release: 'is held no more',
  erase: 'is erased: its keys are destroyed',
} as const;

async function keep(io: Io, kind: keyof typeof DONE, sid: string, { config, why }: KeepOptions): Promise<void> {
  if (readId(sid) === null) {
    throw new CliError(EXIT.usage, `${sid} is no session id`, { hint: '`sallyport sessions list` shows the ids' });
  }
  const errand: Errand = { kind, sid, why, who: accountName() };
  const outcome = await runErrand(io, loadConfigFor(io, config), errand);
  const text = outcome.kind === 'done' ? DONE[kind] : `will be erased once it can be: ${outcome.why}`;
  io.print({ session: sid, ...outcome }, [`session ${sid} ${text}`]);
}

const command = (io: Io, kind: keyof typeof DONE, description: string): Command =>
  new Command(kind)
    .description(description)
    .argument('<id>', 'the session')
    .addOption(configOption())
    .requiredOption('--why <reason>', 'the reason, which is kept; the ledger carries a keyed hash of it')
    .action((id: string, options: KeepOptions) => keep(io, kind, id, options));

/** Returns the commands that keep and erase. */
export const keepCommands = (io: Io): readonly Command[] => [
  command(io, 'hold', 'keep a session whatever retention says, until it is released'),
  command(io, 'release', 'let retention have a session again'),
  command(io, 'erase', 'destroy the keys of a session now, so that nobody can read what was recorded of it'),
];
