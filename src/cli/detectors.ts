/** `sallyport detectors`: what can be masked, and what is found in a text. */

import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { BUILT_IN, type Catalog } from '../detect/entities.ts';
import { catalogWith } from '../detect/own.ts';
import { compileScanner, type Scanner } from '../detect/scanner.ts';
import { decryptValues, encryptionKeys, type EncryptionKeys } from '../mask/encrypt.ts';
import { resolveSecret } from '../config/secrets.ts';
import { scanLines } from './detectors-jsonl.ts';
import { CliError, EXIT } from './exit.ts';
import type { Io } from './io.ts';
import { configOption, loadConfigFor } from './load.ts';
import { styled } from './table.ts';

/** On a terminal two hundred kinds of one entity would hide the others: there, only their number is told. */
const list = (io: Io, { entities }: Catalog): void => {
  const brief = io.stdout.isTTY === true;
  io.list(
    [
      { key: 'name', title: 'ENTITY' },
      { key: 'title', title: 'WHAT IT IS' },
      { key: 'count', title: 'KINDS', right: true },
      ...(brief ? [] : [{ key: 'kinds', title: 'NAMES' }]),
    ],
    entities,
    ({ name, title, kinds }) => ({
      name: styled('bold', name),
      title,
      count: String(kinds.length),
      ...(brief ? {} : { kinds: kinds.filter((kind) => kind !== name).join(' ') }),
    }),
    'there are no entities',
  );
  if (brief)
    io.say(
      '`sallyport detectors list --json` lists the kinds; a rule names an entity (`secret`) or a kind (`secret.github`).',
    );
};

/** No system opens a longer one. */
const LONGEST_PATH = 4096;

const readAll = async (io: Io): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of io.stdin) chunks.push(chunk);
  return Buffer.concat(chunks);
};

const readBytes = async (io: Io, file: string): Promise<Uint8Array> => {
  if (file === '-') return readAll(io);
  try {
    return await readFile(resolve(io.cwd, file));
  } catch (cause) {
    throw new CliError(EXIT.usage, `${file} cannot be read: ${String(cause)}`, { cause });
  }
};

const textOf = async (io: Io, text: string | undefined, file: string | undefined): Promise<string> => {
  if ((text === undefined) === (file === undefined)) {
    throw new CliError(EXIT.usage, 'expected a text or --file FILE', { hint: '`--file -` reads standard input' });
  }
  if (file === undefined && !(await isFile(io, text ?? ''))) return text ?? '';
  return readText(io, file ?? text ?? '');
};

const isFile = async (io: Io, name: string): Promise<boolean> => {
  if (name === '' || name.length > LONGEST_PATH || name.includes('\0')) return false;
  const found = await stat(resolve(io.cwd, name)).catch(() => null);
  return found?.isFile() === true;
};

const readText = async (io: Io, file: string): Promise<string> => {
  try {
    // The gateway refuses what is not UTF-8; so does its test.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readBytes(io, file));
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError(EXIT.usage, `${file} is not UTF-8 text`, { cause });
  }
};

/** Returns what the config defines beside what is built in. Without a config there is nothing beside it. */
const catalogFor = async (io: Io, { config }: ConfigOption, command: Command): Promise<Catalog> => {
  const isGiven = command.getOptionValueSource('config') !== 'default';
  if (!isGiven && !(await isFile(io, config))) return BUILT_IN;
  return catalogWith(loadConfigFor(io, config).config.detectors);
};

const scannerOf = (entities: readonly string[], catalog: Catalog): Scanner => {
  try {
    return compileScanner(entities, catalog);
  } catch (cause) {
    throw new CliError(EXIT.usage, cause instanceof Error ? cause.message : String(cause), {
      hint: '`sallyport detectors list` names them',
      cause,
    });
  }
};

interface ConfigOption {
  readonly config: string;
}

interface TestOptions extends ConfigOption {
  readonly file?: string;
  readonly entities?: string;
  readonly jsonl?: true;
}

const test = async (
  io: Io,
  catalog: Catalog,
  given: string | undefined,
  { file, entities, jsonl }: TestOptions,
): Promise<void> => {
  const scanner = scannerOf(entities?.split(',') ?? catalog.entities.map(({ name }) => name), catalog);
  if (jsonl === true && (given ?? file) !== undefined) {
    throw new CliError(EXIT.usage, 'expected no text with --jsonl: it reads standard input');
  }
  if (jsonl === true) return scanLines(io, scanner);
  const text = await textOf(io, given, file);
  const findings = scanner.scan(text).map((finding) => ({ ...finding, text: text.slice(finding.start, finding.end) }));
  io.list(
    [
      { key: 'kind', title: 'KIND' },
      { key: 'start', title: 'START', right: true },
      { key: 'end', title: 'END', right: true },
      { key: 'score', title: 'SCORE', right: true },
      { key: 'text', title: 'TEXT' },
    ],
    findings,
    ({ kind, start, end, score, text }) => ({
      kind: styled('bold', kind),
      start: String(start),
      end: String(end),
      score: score.toFixed(2),
      text,
    }),
    'nothing found',
  );
  if (findings.length === 0) io.exit(EXIT.found);
};

interface DecryptOptions extends ConfigOption {
  readonly file?: string;
  readonly rule?: string;
}

const keysFor = (io: Io, { config: file, rule }: DecryptOptions): EncryptionKeys => {
  const { config, baseDir } = loadConfigFor(io, file);
  const encrypting = config.masking.filter(({ with: operator }) => operator === 'encrypt');
  const [found, ...others] = encrypting.filter(({ name }) => rule === undefined || name === rule);
  const names = encrypting.map(({ name }) => name).join(', ');
  if (found?.key === undefined || others.length > 0)
    throw new CliError(EXIT.usage, 'expected --rule NAME of a masking rule that encrypts', {
      hint: names === '' ? `none in ${file} does` : `those of ${file} are ${names}`,
    });
  try {
    return encryptionKeys(resolveSecret(found.key, baseDir, { env: io.env, warn: (text) => io.say(text) }));
  } catch (cause) {
    throw new CliError(
      EXIT.usage,
      `the key cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    );
  }
};

/** Whoever can read the key may read what was encrypted with it: nothing else is asked. */
const decrypt = async (io: Io, given: string | undefined, options: DecryptOptions): Promise<void> => {
  const keys = keysFor(io, options);
  const { text, opened, closed } = decryptValues(keys, await textOf(io, given, options.file));
  io.stdout.write(text);
  if (closed > 0) io.say(`${closed} of ${opened + closed} values are of another key, or were changed`);
  if (closed > 0) io.exit(EXIT.found);
};

/** Returns `sallyport detectors`. */
export const detectorsCommand = (io: Io): Command => {
  const command = new Command('detectors').description('what masking rules can name, and what is found in a text');
  command
    .command('list')
    .description('list the entities that `masking` rules can name')
    .addOption(configOption())
    .action(async (options: ConfigOption, self: Command) => list(io, await catalogFor(io, options, self)));
  command
    .command('test')
    .description('show what is found in a text; positions are UTF-16 units; ends with 1 when nothing is')
    .argument('[text]', 'the text, or the name of a file that holds it')
    .option('--file <file>', 'read the text from a file, `-` for standard input')
    .option('--jsonl', 'read one JSON string a line from standard input; print the findings of each as one JSON array')
    .option('--entities <names>', 'look for these only, separated by commas')
    .addOption(configOption())
    .action(async (text: string | undefined, options: TestOptions, self: Command) =>
      test(io, await catalogFor(io, options, self), text, options),
    );
  command
    .command('decrypt')
    .description('put back the values in a text that a masking rule has encrypted; ends with 1 when one does not open')
    .argument('[text]', 'the text, or the name of a file that holds it')
    .option('--file <file>', 'read the text from a file, `-` for standard input')
    .option('--rule <name>', 'the masking rule whose key to use, where there are several that encrypt')
    .addOption(configOption())
    .action((text: string | undefined, options: DecryptOptions) => decrypt(io, text, options));
  return command;
};
