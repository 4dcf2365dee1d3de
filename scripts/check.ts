/**
 * `npm run check`: everything that a change must pass. Runs all steps, one line each, and fails if one failed.
 * `--without-tests` leaves the unit tests out, for those who run all tests next.
 */

import process from 'node:process';
import { ROOT, run, runTool } from './tool.ts';

interface Step {
  readonly name: string;
  readonly start: () => Promise<{ readonly code: number; readonly said: string }>;
}

const STEPS: readonly Step[] = [
  { name: 'format', start: () => runTool('@biomejs/biome', 'biome', ['format', '.']) },
  { name: 'lint', start: () => runTool('oxlint', 'oxlint', ['--type-aware', '--deny-warnings']) },
  { name: 'types', start: () => runTool('typescript', 'tsc', ['-p', '.']) },
  { name: 'dead code', start: () => runTool('knip', 'knip', []) },
  { name: 'generated', start: () => run(process.execPath, [`${ROOT}scripts/generate.ts`, '--check'], false) },
  { name: 'unit tests', start: () => runTool('vitest', 'vitest', ['run', '--project', 'unit', '--reporter=dot']) },
];

const USAGE = `npm run check [-- --without-tests]

Runs what a change must pass (${STEPS.map(({ name }) => name).join(', ')}) and fails if one of them does.
--without-tests leaves the unit tests out, for those who run all tests next.`;

const unknown = process.argv.slice(2).filter((option) => option !== '--without-tests');
if (unknown.length > 0) {
  console.log(USAGE);
  process.exit(unknown.includes('--help') ? 0 : 2);
}
const steps = process.argv.includes('--without-tests') ? STEPS.slice(0, -1) : STEPS;

let failed = 0;
for (const { name, start } of steps) {
  const began = performance.now();
  const { code, said } = await start();
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name.padEnd(12)} ${seconds.padStart(6)} s`);
  if (code !== 0) {
    failed += 1;
    console.log(said.trimEnd());
  }
}
process.exitCode = failed === 0 ? 0 : 1;
