import { execFile } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { expect, it } from 'vitest';

const PROGRAM = join(import.meta.dirname, 'ledger/run.ts');
const TIME_LIMIT = 600_000;

/** Resolves to what the program told, a line for each case, whatever its exit code. */
const told = (): Promise<readonly string[]> =>
  new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM], { timeout: TIME_LIMIT }, (error, stdout, stderr) => {
      const lines = stdout.split('\n').filter((line) => line !== '');
      // Exit codes 1 and 2 go with lines that say why; anything else is a crash that no line tells of.
      const crashed = error !== null && error.code !== 1 && error.code !== 2;
      resolve(crashed ? [...lines, `FAILED   the program itself: ${stderr.trim()}`] : lines);
    });
  });

const lines = await told();
const startingWith = (word: string): readonly string[] =>
  lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length).trim());

const notRun = startingWith('NOT RUN');
if (notRun.length > 0) {
  console.warn(`verifiers of others: not run, ${notRun.join('; ')}`);
  it.each(notRun)('verifiers of others: not run, %s', (why) => expect(why).not.toBe(''));
}

if (notRun.length < 2) {
  it('tells of every case', () => {
    expect(startingWith('ok').length + startingWith('FAILED').length).toBe(10 * (2 - notRun.length));
  });
}

it.each([
  ...startingWith('ok').map((line) => ({ line, good: true })),
  ...startingWith('FAILED').map((line) => ({ line, good: false })),
])('promise 7: $line', ({ good }) => expect(good).toBe(true));
