/** What every command is given to speak with: data goes to stdout, talk to stderr, and a terminal gets colour. */

import { safeJson } from '../safe-text.ts';
import { CliError, EXIT, type ExitCode } from './exit.ts';
import { type Column, type Line, type Row, showLine, showPlain, showTable, styled } from './table.ts';

/** Where text goes. `process.stdout` is one. */
export interface Sink {
  /** False: it takes more when it says `drain`. */
  write(text: string): unknown;
  once?(event: 'drain', listener: () => void): unknown;
  readonly isTTY?: boolean;
}

/** What the outside hands to a run of the command line. */
export interface Surroundings {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute path that relative paths on the command line start from. */
  readonly cwd: string;
}

/** Speaks for a command. Texts are made safe for the terminal here, so callers pass what they have. */
export interface Io extends Surroundings {
  /** True with `--json`: stdout carries JSON only. */
  readonly json: boolean;
  /** Prints the one result of a command: `value` as JSON with `--json`, else the lines. */
  print(value: unknown, lines: readonly Line[]): void;
  /**
   * Prints a list: `values` as one JSON array with `--json`; else what `row` makes of each, as a table on a terminal
   * and as lines with tabs in a pipe. `none` is told on stderr when there is nothing.
   */
  list<T>(columns: readonly Column[], values: readonly T[], row: (value: T) => Row, none: string): void;
  /** Tells people something, on stderr. */
  say(...lines: readonly Line[]): void;
  /** Shows how far long work has come, on one line of a terminal that the next output replaces; silent in a pipe. */
  progress(text: string): void;
  /** Tells what went wrong, as one line and a `hint:` line, and makes its exit code the one of this run. */
  fail(error: unknown): void;
  /** Makes `code` the exit code of this run; without it, a command that returns ends with `EXIT.ok`. */
  exit(code: ExitCode): void;
}

const ESC = '\u001B';

// https://no-color.org: present and not empty means no colour.
const wantsColour = (sink: Sink, env: Surroundings['env']): boolean =>
  sink.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';

const asCliError = (error: unknown): CliError =>
  error instanceof CliError
    ? error
    : new CliError(EXIT.internal, `defect: ${error instanceof Error ? error.message : String(error)}`, {
        hint: 'please report this with the command line; SALLYPORT_DEBUG=1 shows where it happened',
        cause: error,
      });

/** The Io of one run, with what only the runner of commands may touch. */
export interface IoOfRun {
  readonly io: Io;
  readonly useJson: () => void;
  /** Returns the exit code so far. */
  readonly code: () => ExitCode;
}

/** Returns the Io of one run. */
export const createIo = (around: Surroundings): IoOfRun => {
  let json = false;
  let code: ExitCode = EXIT.ok;
  let inProgress = false;
  const colour = { out: wantsColour(around.stdout, around.env), err: wantsColour(around.stderr, around.env) };

  const clear = (): void => {
    if (inProgress) around.stderr.write(`\r${ESC}[2K`);
    inProgress = false;
  };
  const out = (lines: readonly string[]): void => {
    clear();
    if (lines.length > 0) around.stdout.write(`${lines.join('\n')}\n`);
  };
  const say = (...lines: readonly Line[]): void => {
    clear();
    around.stderr.write(lines.map((line) => `${showLine(line, colour.err)}\n`).join(''));
  };

  const io: Io = {
    ...around,
    get json() {
      return json;
    },
    print: (value, lines) => out(json ? [safeJson(value)] : lines.map((line) => showLine(line, colour.out))),
    list(columns, values, row, none) {
      if (json) return out([safeJson(values)]);
      if (values.length === 0) return say(none);
      const rows = values.map(row);
      return out(around.stdout.isTTY ? showTable(columns, rows, colour.out) : showPlain(columns, rows));
    },
    say,
    progress(text) {
      if (around.stderr.isTTY !== true) return;
      around.stderr.write(`\r${ESC}[2K${showLine(text, false)}`);
      inProgress = true;
    },
    fail(error) {
      const told = asCliError(error);
      say([styled('red', 'error: '), told.message]);
      if (told.hint !== '') say([styled('cyan', 'hint: '), told.hint]);
      if (around.env['SALLYPORT_DEBUG'] && error instanceof Error) say(...(error.stack ?? '').split('\n'));
      code = told.code;
    },
    exit: (ended) => void (code = ended),
  };
  return { io, useJson: () => void (json = true), code: () => code };
};
