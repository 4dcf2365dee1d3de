/** `npm run bench [-- NAME …] [--json] [--quick] [--files WHAT]…`: every file beside this one is a bench of its name and exports `run`. */

import { readdirSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';

/** What a bench is told. */
export interface BenchOptions {
  /** A short run: figures are rougher. */
  readonly quick: boolean;
  /** The result will be printed as JSON, so a bench prints nothing on stdout itself. */
  readonly json: boolean;
  /** Files that a bench is to read: folders and files, or each with what it is to it (`KIND=PATH`). */
  readonly files: readonly string[];
  /** Tells people how things go; on stdout, or on stderr with `--json`. */
  readonly say: (line: string) => void;
}

/** One bench. Its result is printed as JSON with `--json`; without, the bench has said what it found. */
export interface Bench {
  run(options: BenchOptions): Promise<unknown>;
}

const NAMES = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'bench.ts')
  .map((file) => file.replace(/\.ts$/, ''))
  .sort();

const isBench = (module: unknown): module is Bench =>
  typeof module === 'object' && module !== null && 'run' in module && typeof module.run === 'function';

async function load(name: string): Promise<Bench> {
  if (!NAMES.includes(name)) throw new Error(`no bench is named ${name}; there are: ${NAMES.join(', ')}`);
  const module: unknown = await import(`./${name}.ts`);
  if (!isBench(module)) throw new Error(`bench/${name}.ts exports no run`);
  return module;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      files: { type: 'string', multiple: true, default: [] },
    },
  });
  const say = values.json ? console.error : console.log;
  const names = positionals.length === 0 ? NAMES : positionals;
  const results: Record<string, unknown> = {};
  for (const name of names) {
    const bench = await load(name);
    say(`bench ${name}`);
    results[name] = await bench.run({ ...values, say });
  }
  if (values.json) console.log(JSON.stringify(names.length === 1 ? results[names[0]!] : results));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? `error: ${error.message}` : error);
  process.exitCode = 1;
});
