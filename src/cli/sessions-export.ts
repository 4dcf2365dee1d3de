/** `sallyport sessions export` and `diff`: recordings for other tools, and two of them beside one another. */

import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { Config } from '../config.ts';
import type { Codec } from '../protocol/codec.ts';
import { codecs } from '../protocol/codecs.ts';
import { type DiffLine, diffSessions, type SessionDiff } from '../record/diff-sessions.ts';
import { harOf, otlpOf } from '../record/export-session.ts';
import type { RecordedSession } from '../record/read-session.ts';
import { CliError, EXIT } from './exit.ts';
import { identityOption, originalOption, type WithIdentity } from './identities.ts';
import type { Io } from './io.ts';
import { configOption, loadConfigFor } from './load.ts';
import { recordedSession } from './sessions-read.ts';
import { sessionJson } from './sessions-show.ts';
import { type Line, styled } from './table.ts';

/** Returns the codec of a service; that of plain HTTP for one that is configured no more. */
export const codecFor =
  (services: Config['services']) =>
  (service: string): Codec =>
    codecs[services.find(({ name }) => name === service)?.protocol ?? 'http'];

const FORMATS = ['jsonl', 'har', 'otlp'] as const;

interface ExportOptions extends WithIdentity {
  readonly config: string;
  readonly format: (typeof FORMATS)[number];
  readonly out?: string;
}

interface DiffOptions extends WithIdentity {
  readonly config: string;
}

function render(
  format: ExportOptions['format'],
  sessions: readonly RecordedSession[],
  services: Config['services'],
): string {
  if (format === 'jsonl') return sessions.map((each) => `${JSON.stringify(sessionJson(each, true))}\n`).join('');
  const whole = format === 'har' ? harOf(sessions, '1') : otlpOf(sessions, codecFor(services));
  return `${JSON.stringify(whole)}\n`;
}

async function exportThem(io: Io, ids: readonly string[], options: ExportOptions): Promise<void> {
  const { config, format, out } = options;
  const loaded = loadConfigFor(io, config);
  const sessions: RecordedSession[] = [];
  for (const id of ids) {
    sessions.push(await recordedSession(io, loaded, id, 'export', options));
    io.progress(`reading sessions: ${sessions.length} of ${ids.length}`);
  }
  const text = render(format, sessions, loaded.config.services);
  if (out === undefined) io.stdout.write(text);
  else {
    try {
      writeFileSync(resolve(io.cwd, out), text, { flag: 'wx', mode: 0o600 });
    } catch (cause) {
      throw new CliError(EXIT.usage, `${out} cannot be written: ${String(cause)}`, { cause });
    }
  }
  if (sessions.some(({ seal }) => seal.kind === 'broken')) io.exit(EXIT.found);
}

const showLine = ({ in: side, text }: DiffLine): Line => {
  if (side === 'both') return `  ${text}`;
  return side === 'a' ? [styled('red', `- ${text}`)] : [styled('green', `+ ${text}`)];
};

const showLines = (title: string, lines: readonly DiffLine[]): readonly Line[] =>
  lines.every((line) => line.in === 'both')
    ? [`${title}: the same`]
    : ['', [styled('bold', title)], ...lines.map(showLine)];

async function diff(io: Io, a: string, b: string, options: DiffOptions): Promise<void> {
  const loaded = loadConfigFor(io, options.config);
  const first = await recordedSession(io, loaded, a, 'diff', options);
  const second = await recordedSession(io, loaded, b, 'diff', options);
  io.print(...shownDiff(first, second, loaded.config.services));
}

/** Returns what differs between two calls, as JSON and as lines. */
export function shownDiff(
  first: RecordedSession,
  second: RecordedSession,
  services: Config['services'],
): readonly [SessionDiff, readonly Line[]] {
  const found = diffSessions(first, second, codecFor(services));
  const lines = [
    ...found.facts.flatMap(({ name, a: left, b: right }): readonly Line[] => [
      [styled('dim', name.padEnd(14)), styled('red', `- ${left || 'none'}`)],
      [styled('dim', ''.padEnd(14)), styled('green', `+ ${right || 'none'}`)],
    ]),
    ...showLines('request', found.request),
    ...showLines('answer', found.answer),
  ];
  return [found, lines];
}

/** Returns the commands that export and compare. */
export const exportCommands = (io: Io): readonly Command[] => [
  new Command('export')
    .description('print recorded calls for other tools: JSON Lines, HAR 1.2 or OTLP logs')
    .argument('<id...>', 'the sessions')
    .addOption(configOption())
    .addOption(identityOption())
    .addOption(originalOption())
    .addOption(new Option('--format <format>', 'in which form').choices(FORMATS).default('jsonl'))
    .option('-o, --out <file>', 'where to write it; stdout when not given')
    .action((ids: readonly string[], options: ExportOptions) => exportThem(io, ids, options)),
  new Command('diff')
    .description('show what differs between two recorded calls')
    .argument('<a>', 'a session')
    .argument('<b>', 'another one')
    .addOption(configOption())
    .addOption(identityOption())
    .action((a: string, b: string, options: DiffOptions) => diff(io, a, b, options)),
];
