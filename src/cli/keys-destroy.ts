/** `sallyport keys destroy`: ends recordings by their key, all that was recorded under it at once. */

import { Command } from 'commander';
import type { KeyEnvelope } from '../record/key-envelope.ts';
import { listEnvelopes } from '../record/key-ring.ts';
import { CliError, EXIT } from './exit.ts';
import type { Io } from './io.ts';
import { configOption, loadConfigFor } from './load.ts';
import { accountName, runErrand } from './sessions-errand.ts';
import { dataFolder } from './sessions-files.ts';
import { readTime } from './sessions-time.ts';

const SHORT = 16;
/** A name that was cut shorter could be that of another key tomorrow. */
const SHORTEST = 8;

interface DestroyOptions {
  readonly config: string;
  readonly before?: string;
}

/** Returns the keys that a command line names: by the beginning of a name, or all that were replaced before a time. */
function namedKeys(
  envelopes: readonly KeyEnvelope[],
  name: string | undefined,
  before: string | undefined,
): readonly KeyEnvelope[] {
  const left = envelopes.filter(({ wraps }) => wraps.length > 0);
  if ((name === undefined) === (before === undefined)) {
    throw new CliError(EXIT.usage, 'expected the name of a key or --before, one of them', {
      hint: '`sallyport keys list` shows the names',
    });
  }
  if (before !== undefined) {
    const at = readTime(before, Date.now());
    return left.filter(({ kind, made }) =>
      envelopes.some((next) => next.kind === kind && next.made > made && next.made <= at),
    );
  }
  const named = envelopes.filter(({ id }) => name !== undefined && name.length >= SHORTEST && id.startsWith(name));
  if (named.length === 1) return named;
  throw new CliError(EXIT.usage, `expected the name of one key, ${name} is that of ${named.length}`, {
    hint: '`sallyport keys list` shows the names',
  });
}

async function destroy(io: Io, name: string | undefined, options: DestroyOptions): Promise<void> {
  const loaded = loadConfigFor(io, options.config);
  const named = namedKeys(listEnvelopes(dataFolder(loaded)), name, options.before);
  const destroyed: string[] = [];
  for (const { id } of named) {
    try {
      await runErrand(io, loaded, { kind: 'destroy', key: id, who: accountName() });
      destroyed.push(id);
    } catch (cause) {
      if (!(cause instanceof CliError)) throw cause;
      const done = destroyed.length === 0 ? '' : `; destroyed before it: ${destroyed.join(', ')}`;
      throw new CliError(cause.code, `the key ${id.slice(0, SHORT)} stays: ${cause.message}${done}`, { cause });
    }
  }
  const lines = destroyed.map((id) => `${id.slice(0, SHORT)} is destroyed, and with it what was recorded under it`);
  io.print({ destroyed }, lines.length === 0 ? ['no key was replaced before then'] : lines);
}

/** Returns `sallyport keys destroy`. */
export const destroyCommand = (io: Io): Command =>
  new Command('destroy')
    .description('destroy a recording key for good: nobody reads what was recorded under it; all of it still verifies')
    .argument('[key]', 'the name of the key, or how it begins')
    .option('--before <time>', 'all keys that were replaced before a time, or 30d ago')
    .addOption(configOption())
    .action((name: string | undefined, options: DestroyOptions) => destroy(io, name, options));
