/** `sallyport ledger`: evidence, verified with nothing but the files and a public key. */

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { readDirectory } from '../ledger/directory.ts';
import { CHECKPOINT_PATH } from '../ledger/log-reader.ts';
import {
  type LogReport,
  Malformed,
  parseCheckpoint,
  type Problem,
  type ReadEarlier,
  verifyLog,
} from '../ledger/verify.ts';
import { openNote, parseNote } from '../ledger/note.ts';
import { openVerifyPool } from '../ledger/verify-pool.ts';
import { openJournalPool } from '../record/journal-pool.ts';
import { JournalCheck, type JournalProblem, type JournalReport } from '../record/verify.ts';
import { CliError, EXIT } from './exit.ts';
import type { Io } from './io.ts';
import { AUTHORITY_OPTION, authoritiesOf, KEY_OPTION, keysOf, readInput, witnessOf } from './ledger-keys.ts';
import { exportCommand } from './ledger-export.ts';
import { proveCommand } from './ledger-prove.ts';
import { type Evidence, notToGoOnFrom, RESUME_OPTION, resumeWith } from './ledger-resume.ts';
import { rotateCommand } from './ledger-rotate.ts';
import { type Line, styled } from './table.ts';

const evidenceIn = (io: Io, dir: string): Evidence => {
  const path = resolve(io.cwd, dir);
  if (!existsSync(path)) {
    throw new CliError(EXIT.usage, `there is no folder ${dir}`, {
      hint: 'give the data folder of a gateway (store.path of its config), or the `ledger` folder in it',
    });
  }
  const log = join(path, 'ledger');
  return existsSync(log) ? { log, data: path } : { log: path, data: null };
};

/** What `ledger verify` found; what it prints with `--json`. */
interface Verified {
  readonly ledger: LogReport;
  /** Null when the journals are not there to be verified. */
  readonly journals: JournalReport | null;
}

const showProblem = ({ where, message }: Problem): Line => [styled('red', 'problem: '), `${where}: ${message}`];

const showJournalProblem = ({ session, file, offset, found }: JournalProblem): Line => {
  const where = [session && `session ${session}`, file, offset === -1 ? '' : `at ${offset}`].filter(
    (part) => part !== '',
  );
  return [styled('red', 'problem: '), `${where.length === 0 ? 'journals' : where.join(' ')}: ${found}`];
};

const verdict = (problems: number): Line =>
  problems === 0 ? styled('green', 'verified') : styled('red', problems === 1 ? 'one problem' : `${problems} problems`);

const dateOf = (at: number): string => new Date(at).toISOString();

const showRead = ({ began, ended, where }: ReadEarlier, first: number, leaves: number): string =>
  `not read now: leaves ${first} to ${leaves - 1}, read in ${where} from ${dateOf(began)} to ${dateOf(ended)}`;

/** Says which leaves were not read now, and when they were. */
const showEarlier = ({ readFrom, readEarlier, problemCount }: LogReport): readonly Line[] => {
  if (readFrom === 0) return [];
  const firsts = [0, ...readEarlier.map(({ leaves }) => leaves)];
  const lines = readEarlier.map((run, at) => showRead(run, firsts[at] ?? 0, run.leaves));
  if (problemCount > 0) return lines;
  return [
    ...lines,
    'the checkpoint signs for the same leaves as then; whether their files still hold them, only a run without --resume tells',
  ];
};

const showLeaves = ({ size, readFrom }: LogReport): string => {
  if (readFrom === 0) return `${size} leaves`;
  return readFrom === size ? `no leaf of ${size} read now` : `leaves ${readFrom} to ${size - 1} read now`;
};

const showLedger = (report: LogReport): readonly Line[] => {
  const { origin, root, checkpoints, problems, problemCount, findings, findingCount } = report;
  return [
    ...problems.map(showProblem),
    ...(problemCount > problems.length ? [`… and ${problemCount - problems.length} more problems`] : []),
    ...findings.map(({ where, message }): Line => [styled('yellow', 'note: '), `${where}: ${message}`]),
    ...(findingCount > findings.length ? [`… and ${findingCount - findings.length} more notes`] : []),
    `origin: ${origin}`,
    `root: ${root === '' ? 'unknown' : root}`,
    [`ledger: ${showLeaves(report)}, ${checkpoints} checkpoints: `, verdict(problemCount)].flat(),
    ...showEarlier(report),
  ];
};

const showJournals = (journals: JournalReport | null, isResumed: boolean): readonly Line[] => {
  if (journals === null)
    return [`journals: not checked, ${isResumed ? 'with --resume only the ledger is' : 'only the ledger was given'}`];
  const { files, frames, sessions, open, erased, unsealed, problems } = journals;
  const counts = `${files} files, ${frames} frames, ${sessions} sessions, ${open} open, ${unsealed} frames not sealed yet${erased === 0 ? '' : `, ${erased} erased`}`;
  return [...problems.map(showJournalProblem), [`journals: ${counts}: `, verdict(problems.length)].flat()];
};

const showWitnessed = ({ witnessed }: LogReport): readonly Line[] =>
  witnessed.map(({ name, size, at }) => `witness ${name}: saw ${size} leaves at ${new Date(at).toISOString()}`);

const showStamped = ({ stamped }: LogReport): readonly Line[] =>
  stamped.map(({ by, size, at }) => `authority ${by}: stamped ${size} leaves at ${new Date(at).toISOString()}`);

const showFreshness = ({ freshness }: LogReport, by: string): Line =>
  freshness.kind === 'not-proven'
    ? ['freshness: ', styled('yellow', 'not proven')]
    : `freshness: proven up to leaf ${freshness.size}, by ${by}`;

interface VerifyOptions {
  readonly key: string;
  readonly witness?: readonly string[];
  readonly checkpoint?: string;
  readonly jobs?: string;
  readonly authority?: readonly string[];
  readonly resume?: string;
}

/** One thread takes what others have checked: more than this it cannot keep up with. */
const MOST_JOBS = 4;

const readJobs = (text: string): number => {
  const jobs = Number(text);
  if (Number.isInteger(jobs) && jobs >= 1 && jobs <= 64) return jobs;
  throw new CliError(EXIT.usage, `expected a number from 1 to 64 as --jobs, found ${text}`);
};

const disposable = <Pool extends { end(): Promise<void> }>(pool: Pool): Pool & AsyncDisposable => ({
  ...pool,
  [Symbol.asyncDispose]: () => pool.end(),
});

/** Holds the journals against the leaves that were read. */
const verifyJournals = async (
  io: Io,
  journals: JournalCheck,
  data: string,
  threads: number,
): Promise<JournalReport> => {
  io.progress('verifying the journals …');
  if (threads < 1) return journals.finish();
  await using pool = disposable(openJournalPool(data, threads));
  return await journals.finishWith(pool.scan, (done, all) => io.progress(`verifying the journals: ${done} of ${all}`));
};

/** Reads the leaves once, for both halves of the evidence. */
const verifyAll = async (
  io: Io,
  { log, data }: Evidence,
  { key, checkpoint, witness, jobs, authority, resume }: VerifyOptions,
): Promise<Verified> => {
  // what they are held against are all leaves, and with a bookmark these are not read
  const journals = data === null || resume !== undefined ? null : new JournalCheck(data);
  let percent = -1;
  const threads = jobs === undefined ? Math.min(MOST_JOBS, availableParallelism() - 1) : readJobs(jobs) - 1;
  await using pool = threads < 1 ? null : disposable(openVerifyPool(log, threads));
  const ledger = await verifyLog(readDirectory(log), {
    ...(pool === null ? {} : { check: pool.check }),
    keys: keysOf(io, key),
    witnesses: (witness ?? []).map(witnessOf),
    authorities: authoritiesOf(io, authority),
    ...(resume === undefined ? {} : { resume: resumeWith(io, resume, { log, data }) }),
    ...(checkpoint === undefined ? {} : { checkpoint: readInput(io, checkpoint) }),
    leaf: (index, read) => {
      if (read?.kind === 'known') journals?.leaf(index, read.leaf);
    },
    progress: (done, all) => {
      const now = Math.floor((done / all) * 100);
      if (now > percent) io.progress(`verifying the ledger: ${(percent = now)} %`);
    },
  });
  if (journals === null || data === null) return { ledger, journals: null };
  return { ledger, journals: await verifyJournals(io, journals, data, threads) };
};

/** A gateway that goes on meanwhile erases and writes: what is newer than the leaves that were read looks wrong. */
const hintIfGrown = (io: Io, dir: string, { root }: LogReport): void => {
  // without a checkpoint there is nothing that could have gone on
  if (root === '') return;
  const note = readInput(io, join(evidenceIn(io, dir).log, CHECKPOINT_PATH)).toString('utf8');
  if (note.includes(`\n${root}\n`)) return;
  io.say([styled('cyan', 'hint: '), 'the gateway went on while this was verified; verify once more, or a copy']);
};

const verify = async (io: Io, dir: string, options: VerifyOptions): Promise<void> => {
  const verified = await verifyAll(io, evidenceIn(io, dir), options).catch((cause: unknown) => {
    if (options.resume === undefined || !(cause instanceof Malformed)) throw cause;
    throw notToGoOnFrom(options.resume, cause);
  });
  const { ledger, journals } = verified;
  io.print(verified, [
    ...showLedger(ledger),
    ...showJournals(journals, options.resume !== undefined),
    ...showWitnessed(ledger),
    ...showStamped(ledger),
    showFreshness(
      ledger,
      options.checkpoint === undefined ? 'what was verified earlier' : 'the checkpoint that was kept elsewhere',
    ),
  ]);
  if (!ledger.ok || (journals?.problems.length ?? 0) > 0) {
    io.exit(EXIT.found);
    hintIfGrown(io, dir, ledger);
  }
  if (options.checkpoint !== undefined || options.resume !== undefined) return;
  io.say([
    styled('cyan', 'hint: '),
    'keep what `sallyport ledger checkpoint` prints where the gateway cannot write, and give it with --checkpoint',
  ]);
};

/** Prints the checkpoint of a log, to be kept elsewhere. Verifies it only when a key is given. */
const checkpoint = (io: Io, dir: string, { key }: { readonly key?: string }): void => {
  const file = join(evidenceIn(io, dir).log, CHECKPOINT_PATH);
  const note = readInput(io, file);
  try {
    const text = key === undefined ? parseNote(note).text : openNote(note, keysOf(io, key));
    const { origin, size, root } = parseCheckpoint(text);
    const lines = note.toString('utf8');
    io.print({ origin, size, root: root.toBase64(), note: lines }, lines.trimEnd().split('\n'));
  } catch (cause) {
    if (!(cause instanceof Malformed)) throw cause;
    throw new CliError(EXIT.found, `${file} is no checkpoint to rely on: ${cause.message}`, { cause });
  }
};

const DIR_ARGUMENT = ['<dir>', 'the data folder of a gateway, or the `ledger` folder in it'] as const;

/** Returns `sallyport ledger`. */
export const ledgerCommand = (io: Io): Command => {
  const command = new Command('ledger').description('verify the evidence with its files and a public key alone');
  command
    .command('verify')
    .description('find any change, deletion or reordering of the records; ends with 1 when there is one')
    .argument(...DIR_ARGUMENT)
    .requiredOption(...KEY_OPTION)
    .option('--witness <key...>', 'public keys of witnesses: shows what they saw, and bounds the times of leaves')
    .option(...AUTHORITY_OPTION)
    .option('--jobs <count>', 'on how many threads; one for each processor, up to five, when not given')
    .option(...RESUME_OPTION)
    .option('--checkpoint <file>', 'a checkpoint that was kept elsewhere: proves that nothing up to it was cut off')
    .action((dir: string, options: VerifyOptions) => verify(io, dir, options));
  command
    .command('checkpoint')
    .description('print the latest checkpoint, to be kept where the gateway cannot write')
    .argument(...DIR_ARGUMENT)
    .option(...KEY_OPTION)
    .action((dir: string, options: { readonly key?: string }) => checkpoint(io, dir, options));
  command.addCommand(proveCommand(io));
  command.addCommand(exportCommand(io));
  command.addCommand(rotateCommand(io));
  return command;
};
