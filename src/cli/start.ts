/** `sallyport start`: opens the gateway and stays until it is told to stop. */

import { resolve } from 'node:path';
import process from 'node:process';
import { Command } from 'commander';
import type { Running } from '../start.ts';
import { PROBES } from './check-probes.ts';
import { CliError, EXIT } from './exit.ts';
import type { Io } from './io.ts';
import { configOption, DESCRIBED } from './load.ts';
import { lookAt } from './look.ts';

/** Ends the command, after telling everything that is wrong with the config at once; no thread has begun by then. */
const refuseProblems = async (io: Io, file: string): Promise<void> => {
  const findings = await lookAt(io, file, () => PROBES);
  const noted = findings.filter(({ result }) => result !== 'ok');
  io.say(...noted.map(({ check, result, detail }) => `${result === 'warning' ? 'warning: ' : ''}${check}: ${detail}`));
  const problems = noted.filter(({ result }) => result === 'problem');
  if (problems.length === 0) return;
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  throw new CliError(EXIT.usage, `${count} with ${file}`, { hint: DESCRIBED });
};

/** Returns why a gateway did not start. An error of the language itself is a defect of ours and stays what it is. */
const startFailure = (error: unknown): unknown => {
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof ReferenceError) return error;
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

/** A Unix socket has no port. */
const showPorts = (ports: readonly number[]): string =>
  ports.map((port) => (port === 0 ? 'a Unix socket' : `port ${port}`)).join(', ');

const start = async (io: Io, configPath: string): Promise<void> => {
  await refuseProblems(io, configPath);
  // Imported here: the gateway is much to load for a command that only prints its version.
  const gateway = await import('../start.ts');
  const running = await gateway.start({ configPath }).catch((error: unknown) => {
    throw startFailure(error);
  });
  stopOnSignals(running, io);
  const { listeners, control } = running.ports;
  io.print({ listeners, control }, [`sallyport takes calls on ${showPorts(listeners)}; control on port ${control}`]);
  const code = await running.finished;
  if (code !== EXIT.ok) throw new CliError(EXIT.internal, 'a part of the gateway failed; the log says which');
};

/** Returns `sallyport start`. */
export const startCommand = (io: Io): Command =>
  new Command('start')
    .description('open the gateway; SIGTERM lets calls under way end, SIGHUP reads the config again')
    .addOption(configOption())
    .action(({ config }: { readonly config: string }) => start(io, resolve(io.cwd, config)));
