/** Loads the config that a command works with, and tells what is wrong with it the same way everywhere. */

import { resolve } from 'node:path';
import { Option } from 'commander';
import { ConfigError, type LoadedConfig, loadConfig, showProblem } from '../config/file.ts';
import { CliError, EXIT } from './exit.ts';
import type { Io } from './io.ts';

/** The file that commands read when they are given none. */
export const DEFAULT_CONFIG = 'sallyport.yaml';

/** Where keys are described: the table is in the repository, the schema wherever `init` ran. */
export const DESCRIBED =
  'sallyport.schema.json, which `sallyport init` writes, describes every key; docs/config.md is a table of them';

/** Returns `--config FILE`, for every command that works with a config. */
export const configOption = (): Option =>
  new Option('-c, --config <file>', 'the config to use').default(DEFAULT_CONFIG).env('SALLYPORT_CONFIG');

/**
 * Returns the config in `file`, a path relative to the working directory of the command.
 * @throws CliError with `EXIT.usage`, after telling every problem.
 */
export const loadConfigFor = (io: Io, file: string): LoadedConfig => {
  try {
    return loadConfig(resolve(io.cwd, file));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    io.say(...error.problems.map((problem) => showProblem(error.file, problem)));
    const count = error.problems.length === 1 ? 'one problem' : `${error.problems.length} problems`;
    throw new CliError(EXIT.usage, `${count} in ${file}`, {
      hint: DESCRIBED,
      cause: error,
    });
  }
};
