/** Runs the command line in this process, as a pipe or as a terminal. */

import { run } from '../../src/cli/cli.ts';

/** What a run is given beside its arguments. */
interface Setting {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly terminal?: boolean;
  /** All of it, or the pieces that it comes in. */
  readonly stdin?: string | readonly string[];
}

/** Returns the exit code and all that was written. */
export const sallyport = async (argv: readonly string[], setting: Setting = {}) => {
  let stdout = '';
  let stderr = '';
  const isTTY = setting.terminal ?? false;
  const code = await run(argv, {
    stdin: (async function* stdin() {
      const bytes = typeof setting.stdin === 'object' ? setting.stdin.map((piece) => Buffer.from(piece)) : [];
      yield* typeof setting.stdin === 'object' ? bytes : [Buffer.from(setting.stdin ?? '')];
    })(),
    stdout: { isTTY, write: (text) => void (stdout += text) },
    stderr: { isTTY, write: (text) => void (stderr += text) },
    env: setting.env ?? {},
    cwd: setting.cwd ?? '/',
  });
  return { code, stdout, stderr };
};
