/** Programs beside the tests that try this one with other people's: what they told, a line for each case. */

import { execFile } from 'node:child_process';
import process from 'node:process';

/** What a program told. */
export interface Told {
  readonly notRun: readonly string[];
  readonly cases: readonly { readonly line: string; readonly good: boolean }[];
}

const TIME_LIMIT = 600_000;

/** Resolves to what the program told, whatever its exit code. */
export async function told(program: string): Promise<Told> {
  const lines = await run(program);
  const startingWith = (word: string): readonly string[] =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length).trim());
  return {
    notRun: startingWith('NOT RUN'),
    cases: [
      ...startingWith('ok').map((line) => ({ line, good: true })),
      ...startingWith('FAILED').map((line) => ({ line, good: false })),
    ],
  };
}

const run = (program: string): Promise<readonly string[]> =>
  new Promise((resolve) => {
    execFile(process.execPath, [program], { timeout: TIME_LIMIT }, (error, stdout, stderr) => {
      const lines = stdout.split('\n').filter((line) => line !== '');
      // Exit codes 1 and 2 go with lines that say why; anything else is a crash that no line tells of.
      const crashed = error !== null && error.code !== 1 && error.code !== 2;
      resolve(crashed ? [...lines, `FAILED   the program itself: ${stderr.trim()}`] : lines);
    });
  });
