/** How a command ends: the exit codes, all of them, and the error that carries one. */

/** Exit codes of `sallyport`. Scripts may rely on them. */
export const EXIT = {
  ok: 0,
  found: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
  /** `EX_SOFTWARE` of sysexits.h. */
  internal: 70,
  /** 128 + SIGINT. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What each exit code says; the help prints it. */
const MEANINGS: Readonly<Record<ExitCode, string>> = {
  [EXIT.ok]: 'it worked, and what was checked is in order',
  [EXIT.found]: 'it worked, and found a problem: a check failed, evidence does not verify, nothing matched',
  [EXIT.usage]: 'the command line or the config cannot be used as it stands',
  [EXIT.unreachable]: 'something that must be reached or opened cannot be: the gateway, an address, the store',
  [EXIT.refused]: 'the gateway was reached and refused',
  [EXIT.internal]: 'a defect of sallyport',
  [EXIT.interrupted]: 'stopped by an interrupt',
};

/** Returns the exit codes and what they say, a line each. */
export const exitCodesHelp = (): string =>
  ['Exit codes:', ...Object.entries(MEANINGS).map(([code, meaning]) => `  ${code.padEnd(5)}${meaning}`)].join('\n');

/** Ends a command with an exit code, one line that says what is wrong, and a hint that says what to do. */
export class CliError extends Error {
  readonly code: ExitCode;
  /** What the reader can do about it; empty for nothing. */
  readonly hint: string;

  constructor(code: ExitCode, message: string, options?: { hint?: string; cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CliError';
    this.code = code;
    this.hint = options?.hint ?? '';
  }
}
