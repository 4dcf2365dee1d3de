/** How a command ends: the exit codes, all of them, and the error that carries one. */

/** Exit codes of `sallyport`. Scripts may rely on them. */
export const EXIT = {
  /** It worked, and what was checked is in order. */
  ok: 0,
  /** It worked, and found a problem: a check failed, evidence does not verify, nothing matched. */
  found: 1,
  /** The command line or the config cannot be used as it stands. */
  usage: 2,
  /** Something that must be reached cannot be: the gateway, an issuer, an address to listen on. */
  unreachable: 3,
  /** The gateway was reached and refused. */
  refused: 4,
  /** A defect of sallyport (`EX_SOFTWARE` of sysexits.h). */
  internal: 70,
  /** Stopped by an interrupt (128 + SIGINT). */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

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
