/**
 * `npm test`: runs all tests and ends with one line, `N passed, N failed`. Before it stands what was not run, and why.
 * Arguments go to vitest; `npm test -- --project unit src/decide` runs a few.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import process from 'node:process';
import { count, type Report } from './test-count.ts';
import { ROOT, runTool } from './tool.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-tests-'));
const outputFile = join(folder, 'report.json');

/** Returns what vitest wrote; nothing when it died before. */
const readReport = (): Report => {
  try {
    return JSON.parse(readFileSync(outputFile, 'utf8'));
  } catch {
    return { testResults: [] };
  }
};

const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${outputFile}`];
const { code } = await runTool('vitest', 'vitest', ['run', ...reporters, ...process.argv.slice(2)], true);
const { passed, failed, notRun } = count(readReport(), code);
rmSync(folder, { recursive: true });

for (const { file, why } of notRun) console.log(`not run: ${relative(ROOT, file)}: ${why}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
