/** `sallyport keys`: the keys that recordings are under, and who can read them. */

import { Command } from 'commander';
import type { ListedKey } from '../record/key-ring.ts';
import { identityOption, keyRing, type WithIdentity } from './identities.ts';
import type { Io } from './io.ts';
import { destroyCommand } from './keys-destroy.ts';
import { wrapCommand } from './keys-wrap.ts';
import { configOption, loadConfigFor } from './load.ts';
import { accountName, runErrand } from './sessions-errand.ts';
import { showTime } from './sessions-show.ts';

interface KeysOptions extends WithIdentity {
  readonly config: string;
}

const SHORT = 16;

const readers = ({ kind, readable, live, destroyed }: ListedKey): string => {
  if (destroyed) return 'destroyed';
  if (kind === 'originals') return 'no';
  if (!readable) return 'no';
  return live ? 'while it is written' : 'yes';
};

async function list(io: Io, options: KeysOptions): Promise<void> {
  const keys = (await keyRing(io, loadConfigFor(io, options.config), options)).list();
  io.list(
    [
      { key: 'id', title: 'KEY' },
      { key: 'kind', title: 'OPENS' },
      { key: 'made', title: 'MADE' },
      { key: 'readable', title: 'HERE' },
      { key: 'to', title: 'WRAPPED FOR' },
    ],
    keys,
    (key) => ({
      id: key.id.slice(0, SHORT),
      kind: key.kind,
      made: showTime(key.made),
      readable: readers(key),
      to: key.to.join(', '),
    }),
    'there are no recording keys yet',
  );
}

async function rotate(io: Io, { config }: KeysOptions): Promise<void> {
  const outcome = await runErrand(io, loadConfigFor(io, config), { kind: 'rotate', who: accountName() });
  io.print(outcome, ['recordings are under a new key from here on']);
}

/** Returns `sallyport keys`. */
export const keysCommand = (io: Io): Command => {
  const command = new Command('keys').description('list, replace and destroy the keys that recordings are under');
  command
    .command('list')
    .description('list recording keys, oldest first; the last one is written with')
    .addOption(configOption())
    .addOption(identityOption())
    .action((options: KeysOptions) => list(io, options));
  command
    .command('rotate')
    .description('begin a new recording key, at once; what is recorded already stays under the ones before')
    .addOption(configOption())
    .action((options: KeysOptions) => rotate(io, options));
  command.addCommand(wrapCommand(io)).addCommand(destroyCommand(io));
  return command;
};
