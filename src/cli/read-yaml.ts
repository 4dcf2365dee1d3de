/** Reads a YAML or JSON file that a command works with, checked against a schema. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { z } from 'zod';
import { type ConfigProblem, readYaml, showPath } from '../config/yaml.ts';
import { explainIssues } from '../config/issues.ts';
import { showProblem } from '../config/file.ts';
import { CliError, EXIT } from './exit.ts';
import type { Io } from './io.ts';

const readText = (io: Io, file: string): string => {
  try {
    return readFileSync(resolve(io.cwd, file), 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new CliError(EXIT.usage, `${file} cannot be read (${code})`, { cause: error });
  }
};

const problemsOf = (
  value: unknown,
  issues: readonly z.core.$ZodIssue[],
  schema: z.ZodType,
  place: (path: readonly (string | number)[], atKey: boolean) => { readonly line: number; readonly column: number },
): readonly ConfigProblem[] =>
  explainIssues(value, issues, schema).map(({ path, message, atKey }) => ({
    ...place(path, atKey),
    path: showPath(path),
    message,
  }));

/**
 * Returns what `file` holds, a path relative to the working directory of the command.
 * @throws CliError with `EXIT.usage`, after telling every problem.
 */
export const readYamlFor = <S extends z.ZodType>(io: Io, file: string, schema: S): z.output<S> => {
  const yaml = readYaml(readText(io, file));
  if ('problems' in yaml) return fail(io, file, yaml.problems);
  const parsed = schema.safeParse(yaml.value);
  if (parsed.success) return parsed.data;
  const place = (path: readonly (string | number)[], atKey: boolean) => (atKey ? yaml.keyAt(path) : yaml.valueAt(path));
  return fail(io, file, problemsOf(yaml.value, parsed.error.issues, schema, place));
};

const fail = (io: Io, file: string, problems: readonly ConfigProblem[]): never => {
  io.say(...problems.map((problem) => showProblem(file, problem)));
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  throw new CliError(EXIT.usage, `${count} in ${file}`, { hint: '`--help` shows how the file is written' });
};
