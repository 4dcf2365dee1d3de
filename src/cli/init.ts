/** `sallyport init`: writes a first config and the keys it names. What is there already stays as it is. */

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { Command } from 'commander';
import { generateSigner, parseSigner } from '../ledger/note-key.ts';
import { createRecordingKey } from '../config/recording-key.ts';
import { CliError, EXIT } from './exit.ts';
import { firstConfig } from './init-config.ts';
import type { Io } from './io.ts';
import { DEFAULT_CONFIG } from './load.ts';
import { styled } from './table.ts';

const PRIVATE = 0o600;
const PUBLIC = 0o644;
const SCHEMA = 'sallyport.schema.json';

/** One file to write. Made in order, so that a later one may read an earlier one. */
interface NewFile {
  readonly name: string;
  readonly mode: number;
  readonly text: (dir: string) => string;
}

/** C2SP tlog-checkpoint: an origin should be unique; the machine tells people which log it is, the rest makes it so. */
const newOrigin = (): string => {
  const machine = hostname()
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]/g, '-');
  return `${machine}/sallyport-${randomBytes(4).toString('hex')}`;
};

const isoDay = (): string => new Date().toISOString().slice(0, 10);

// The schema stands at the root of the package, two folders up from both src/cli and dist/cli.
const readSchema = (): string => readFileSync(new URL(`../../${SCHEMA}`, import.meta.url), 'utf8');

const readVerifier = (dir: string): string =>
  `${parseSigner(readFileSync(join(dir, 'keys/ledger.key'), 'utf8').trim()).verifier.vkey}\n`;

const FILES: readonly NewFile[] = [
  { name: 'keys/recording.key', mode: PRIVATE, text: () => createRecordingKey(isoDay()) },
  { name: 'keys/ledger.key', mode: PRIVATE, text: () => `${generateSigner(newOrigin())}\n` },
  { name: 'keys/ledger.pub', mode: PUBLIC, text: readVerifier },
  { name: 'keys/.gitignore', mode: PUBLIC, text: () => '# keys are not for version control\n*\n!ledger.pub\n' },
  { name: SCHEMA, mode: PUBLIC, text: readSchema },
  { name: DEFAULT_CONFIG, mode: PUBLIC, text: () => firstConfig(`./${SCHEMA}`) },
];

const cannot = (what: string, error: unknown): CliError => {
  const why = error instanceof Error ? error.message : String(error);
  return new CliError(EXIT.usage, `cannot ${what}: ${why}`, { cause: error });
};

/** Returns false, and leaves the file alone, when there is one already. */
const writeNew = (dir: string, { name, mode, text }: NewFile): boolean => {
  const file = join(dir, name);
  if (existsSync(file)) return false;
  try {
    // wx: a file that appears in between is not overwritten either.
    writeFileSync(file, text(dir), { mode, flag: 'wx' });
    return true;
  } catch (error) {
    throw cannot(`write ${file}`, error);
  }
};

const makeFolders = (dir: string): void => {
  try {
    mkdirSync(dir, { recursive: true });
    mkdirSync(join(dir, 'keys'), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw cannot(`make ${dir}`, error);
  }
};

const nextSteps = (here: string): readonly string[] => [
  '',
  'Next:',
  `  1. edit ${join(here, DEFAULT_CONFIG)}: the issuer of your tokens and the model server`,
  '  2. keep a copy of keys/recording.key and keys/ledger.key where the gateway is not',
  '  3. give keys/ledger.pub to those who audit',
  `  4. sallyport check ${join(here, DEFAULT_CONFIG)}`,
  `  5. sallyport start --config ${join(here, DEFAULT_CONFIG)}`,
];

const init = (io: Io, dir: string): void => {
  makeFolders(dir);
  const files = FILES.map((file) => ({ file: file.name, created: writeNew(dir, file) }));
  io.print(
    { dir, files },
    files.map(({ file, created }) => [created ? styled('green', 'created') : styled('dim', 'kept   '), `  ${file}`]),
  );
  const here = relative(io.cwd, dir);
  io.say(...nextSteps(here.startsWith('..') ? dir : here));
};

/** Returns `sallyport init`. */
export const initCommand = (io: Io): Command =>
  new Command('init')
    .description('write a first sallyport.yaml and the keys it names; what is there already stays')
    .option('--dir <folder>', 'where to write', '.')
    .action(({ dir }: { readonly dir: string }) => init(io, resolve(io.cwd, dir)));
