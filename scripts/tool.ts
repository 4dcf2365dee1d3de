/** Runs a tool of node_modules with the Node that runs this script. */

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/** Absolute path of the repository. */
export const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** What a tool said and how it ended. */
interface Ended {
  readonly code: number;
  /** stdout and stderr as they came, empty when they went to the terminal. */
  readonly said: string;
}

/** Returns the script that a package of node_modules calls `name`. */
const scriptOf = (packageName: string, name: string): string => {
  const folder = `${ROOT}node_modules/${packageName}/`;
  const { bin } = JSON.parse(readFileSync(`${folder}package.json`, 'utf8'));
  return folder + (typeof bin === 'string' ? bin : bin[name]);
};

/** Resolves when `command` has ended; `show` lets it speak to the terminal itself. */
export const run = (command: string, args: readonly string[], show: boolean): Promise<Ended> => {
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  const child = spawn(command, args, { cwd: ROOT, stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'] });
  const said: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => void said.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => void said.push(chunk));
  child.on('error', reject);
  // A tool that a signal ended has no exit code; that is no success.
  child.on('close', (code) => resolve({ code: code ?? 1, said: Buffer.concat(said).toString('utf8') }));
  return promise;
};

/** Resolves when the tool `name` of `packageName` has ended. */
export const runTool = (packageName: string, name: string, args: readonly string[], show = false): Promise<Ended> =>
  run(process.execPath, [scriptOf(packageName, name), ...args], show);
