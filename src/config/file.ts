/** Loads `sallyport.yaml`: reads it strictly, and tells everything that is wrong with it at once. */

import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Config, configSchema } from '../config.ts';
import { nameApprovers } from './approvers.ts';
import type { Sections } from './check.ts';
import { checkSections } from './checks.ts';
import { type ConfigIssue, explainIssues } from './issues.ts';
import { type ConfigPath, type ConfigProblem, type Place, readYaml, showPath } from './yaml.ts';

const MAX_BYTES = 1024 ** 2;

/** A config that is in order. */
export interface LoadedConfig {
  readonly config: Config;
  /** SHA-256 of the file's bytes, hex. */
  readonly hash: string;
  /** Absolute path of the file. */
  readonly file: string;
  /** Absolute path of the folder that relative paths in the config start from. */
  readonly baseDir: string;
  /** Returns where in the file the value at `path` stands, for what is found wrong with it later. */
  readonly place: (path: ConfigPath) => Place;
}

const inOrder = (a: ConfigProblem, b: ConfigProblem): number => a.line - b.line || a.column - b.column;

/** Thrown with everything that is wrong with a config, in the order of the file. */
export class ConfigError extends Error {
  /** The file as the caller named it. */
  readonly file: string;
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[], options?: ErrorOptions) {
    const ordered = problems.toSorted(inOrder);
    super([`${file} cannot be used`, ...ordered.map((problem) => showProblem(file, problem))].join('\n'), options);
    this.name = 'ConfigError';
    this.file = file;
    this.problems = ordered;
  }
}

/** Returns a problem as one line that editors can jump to: `sallyport.yaml:3:5: services[0].name: expected …`. */
export const showProblem = (file: string, { line, column, path, message }: ConfigProblem): string =>
  `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;

/** Returns the sections that are in order by themselves, defaults filled in. */
const soundSections = (value: object): Sections =>
  Object.fromEntries(
    Object.entries(configSchema.shape).flatMap(([key, schema]) => {
      const section = schema.safeParse(Object.getOwnPropertyDescriptor(value, key)?.value);
      return section.success ? [[key, section.data]] : [];
    }),
  );

/**
 * Returns the config that `text` holds. `file` is its name in messages.
 * @throws ConfigError with every problem.
 */
export const parseConfig = (
  text: string,
  file: string,
): { readonly config: Config; readonly place: (path: ConfigPath) => Place } => {
  const yaml = readYaml(text);
  if ('problems' in yaml) throw new ConfigError(file, yaml.problems);
  const { value } = yaml;
  const parsed = configSchema.safeParse(value);
  const sections = typeof value === 'object' && value !== null ? soundSections(value) : {};
  const issues = [...(parsed.success ? [] : explainIssues(value, parsed.error.issues)), ...checkSections(sections)];
  const placed = issues.map(({ path, message, atKey }: ConfigIssue) => ({
    ...(atKey ? yaml.keyAt(path) : yaml.valueAt(path)),
    path: showPath(path),
    message,
  }));
  if (!parsed.success || placed.length > 0) throw new ConfigError(file, placed);
  const config = { ...parsed.data, policies: nameApprovers(parsed.data) };
  return { config, place: (path) => yaml.valueAt(path) };
};

const whole = (message: string): readonly ConfigProblem[] => [{ line: 1, column: 1, path: '', message }];

const readBytes = (file: string): Buffer => {
  try {
    const { size } = statSync(file);
    if (size > MAX_BYTES) throw new ConfigError(file, whole(`expected at most ${MAX_BYTES} bytes, found ${size}`));
    return readFileSync(file);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new ConfigError(file, whole(code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`), {
      cause: error,
    });
  }
};

const decode = (bytes: Uint8Array, file: string): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ConfigError(file, whole('expected UTF-8'), { cause: error });
  }
};

/**
 * Returns the config in `file`, a path relative to the working directory.
 * @throws ConfigError with every problem.
 */
export const loadConfig = (file: string): LoadedConfig => {
  const bytes = readBytes(file);
  const parsed = parseConfig(decode(bytes, file), file);
  const absolute = resolve(file);
  const hash = createHash('sha256').update(bytes).digest('hex');
  return { ...parsed, hash, file: absolute, baseDir: dirname(absolute) };
};
