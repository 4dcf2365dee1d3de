/** The command line: one file per command, put together here. */

import { Command, CommanderError } from 'commander';
import { approvalsCommand } from './approvals.ts';
import { checkCommand } from './check.ts';
import { detectorsCommand } from './detectors.ts';
import { CliError, EXIT, type ExitCode, exitCodesHelp } from './exit.ts';
import { initCommand } from './init.ts';
import { createIo, type Io, type IoOfRun, type Surroundings } from './io.ts';
import { keysCommand } from './keys.ts';
import { ledgerCommand } from './ledger.ts';
import { policyCommand } from './policy.ts';
import { reindexCommand } from './reindex.ts';
import { sessionsCommand } from './sessions.ts';
import { startCommand } from './start.ts';
import { VERSION } from '../version.ts';

/** Every command, in the order of the help. */
const COMMANDS: readonly ((io: Io) => Command)[] = [
  initCommand,
  checkCommand,
  startCommand,
  policyCommand,
  approvalsCommand,
  detectorsCommand,
  sessionsCommand,
  ledgerCommand,
  keysCommand,
  reindexCommand,
];

/** Gives a command and its children what commander does not hand down to commands made elsewhere. */
const withOutput = (command: Command, io: Io): Command => {
  command.exitOverride().configureOutput({
    writeOut: (text) => io.stdout.write(text),
    writeErr: (text) => io.stderr.write(text),
    // Commander's mistakes are told by `run`, in the same form as ours.
    outputError: () => {},
  });
  for (const child of command.commands) withOutput(child, io);
  return command;
};

const createProgram = (ofRun: IoOfRun): Command => {
  const root = new Command('sallyport')
    .description('A gateway on the data path of AI inference: every call identified, inspected, decided and recorded.')
    .version(VERSION)
    .option('--json', 'print JSON on stdout')
    .addHelpText('after', `\n${exitCodesHelp()}`)
    .hook('preAction', () => {
      if (root.opts()['json'] === true) ofRun.useJson();
    });
  for (const command of COMMANDS) root.addCommand(command(ofRun.io));
  return withOutput(root, ofRun.io);
};

/** Returns what commander found wrong as an error of ours: "error: unknown option '--jsno'\n(Did you mean --json?)". */
const asUsageError = (error: CommanderError): CliError => {
  const [message = '', suggestion = ''] = error.message.split('\n');
  const hint = suggestion === '' ? '`sallyport --help` lists what there is' : suggestion.replace(/^\((.*)\)$/, '$1');
  return new CliError(EXIT.usage, message.replace(/^error: /, ''), { hint });
};

const runProgram = async (argv: readonly string[], ofRun: IoOfRun): Promise<void> => {
  try {
    await createProgram(ofRun).parseAsync(argv, { from: 'user' });
  } catch (error) {
    const { io } = ofRun;
    // Commander ends help and version by throwing too, with exit code 0.
    if (!(error instanceof CommanderError)) io.fail(error);
    else if (error.code === 'commander.help') io.exit(EXIT.usage);
    else if (error.exitCode !== 0) io.fail(asUsageError(error));
  }
};

/** Returns the exit code of one run of the command line; `argv` is what follows the program's name. Never throws. */
export const run = async (argv: readonly string[], around: Surroundings): Promise<ExitCode> => {
  const ofRun = createIo(around);
  await runProgram(argv, ofRun);
  return ofRun.code();
};
