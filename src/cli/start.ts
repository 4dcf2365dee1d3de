/** `sallyport start`: opens the gateway and stays until it is told to stop. */

import process from 'node:process';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { ConfigError } from '../config-file.ts';
import { RecordingKeyError } from '../recording-key.ts';
import { SecretError } from '../secrets.ts';
import type { Running } from '../start.ts';
import { CliError, EXIT } from './exit.ts';
import type { Io } from './io.ts';
import { configFailure, configOption } from './load.ts';

const UNUSABLE = new Set(['ConfigError', 'PolicyError', SecretError.name, RecordingKeyError.name]);

/** Tells the lines of a long message one by one, and ends the command. */
const unusable = (io: Io, error: Error): CliError => {
  const lines = error.message.split('\n');
  if (lines.length > 1) io.say(...lines);
  const message = lines.length > 1 ? 'the config cannot be used' : error.message;
  return new CliError(EXIT.usage, message, { hint: '`sallyport check` tells what is wrong', cause: error });
};

/**
 * Returns why a gateway did not start, as the end of a command. Errors of other threads arrive as copies that keep
 * their name but not their class. An error of the language itself is a defect of ours and stays what it is.
 */
const startFailure = (io: Io, error: unknown): unknown => {
  if (error instanceof ConfigError) return configFailure(io, error);
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof ReferenceError) return error;
  if (UNUSABLE.has(error.name)) return unusable(io, error);
  return new CliError(EXIT.unreachable, `cannot start: ${error.message}`, { cause: error });
};

/** Lets the first signal end the gateway in order and the second one at once. */
const stopOnSignals = (running: Running, io: Io): void => {
  let asked = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (asked) process.exit(EXIT.interrupted);
    asked = true;
    io.say(`${signal}: letting calls under way end; once more ends them at once`);
    running.stop().catch((error: unknown) => {
      io.fail(error);
      process.exit(EXIT.internal);
    });
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
};

const start = async (io: Io, configPath: string): Promise<void> => {
  // Imported here: the gateway is much to load for a command that only prints its version.
  const gateway = await import('../start.ts');
  const running = await gateway.start({ configPath }).catch((error: unknown) => {
    throw startFailure(io, error);
  });
  stopOnSignals(running, io);
  const { listeners, control } = running.ports;
  io.print({ listeners, control }, [
    `sallyport takes calls on port ${listeners.join(', ')}; control on port ${control}`,
  ]);
  const code = await running.finished;
  if (code !== EXIT.ok) throw new CliError(EXIT.internal, 'a part of the gateway failed; the log says which');
};

/** Returns `sallyport start`. */
export const startCommand = (io: Io): Command =>
  new Command('start')
    .description('open the gateway; SIGTERM lets calls under way end, SIGHUP reads the config again')
    .addOption(configOption())
    .action(({ config }: { readonly config: string }) => start(io, resolve(io.cwd, config)));
