/** Kills a gateway again and again on a disk that forgets, and holds what it claimed before against what is left. */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { readDirectory } from '../../src/ledger/directory.ts';
import type { Leaf } from '../../src/ledger/leaf.ts';
import type { NoteSigner } from '../../src/ledger/note-key.ts';
import { verifyLog } from '../../src/ledger/verify.ts';
import { JournalCheck } from '../../src/record/verify.ts';
import { openHouse } from '../record/house.ts';
import { type Fault, faultEnvironment, type Forgetful, type Random, rebuild } from './forgetful.ts';

/** What somebody was told before the kill, and relies on. */
export type Claim =
  /** The first byte of this session's answer was let go: its opening is durable. */
  | { readonly kind: 'session'; readonly id: string }
  /** A leaf of another part was acknowledged: it is in the ledger, under this number. */
  | { readonly kind: 'leaf'; readonly number: number; readonly hash: string }
  /** A checkpoint over so many leaves was published. */
  | { readonly kind: 'checkpoint'; readonly size: number }
  /** The model server was asked for this model by a service that syncs before it forwards: there is a record of it. */
  | { readonly kind: 'forwarded'; readonly model: string };

/** Returns what a line of the victim claims, or null. */
export function claimOf(line: string): Claim | null {
  const [kind, first = '', hash = ''] = line.split(' ');
  if (kind === 'session') return { kind, id: first };
  if (kind === 'leaf') return { kind, number: Number(first), hash };
  return kind === 'checkpoint' ? { kind, size: Number(first) } : null;
}

/** A gateway that is to be killed. */
export interface Victim {
  readonly process: ChildProcess;
  /** What it has claimed so far; grows until it is dead. */
  readonly claims: readonly Claim[];
}

/** Starts a gateway over a data folder, with additions to its environment; resolves when it may be killed at any time. */
export type StartVictim = (folder: string, environment: Readonly<Record<string, string>>) => Promise<Victim>;

/** The keys of the gateway that is killed. */
export interface Keys {
  readonly recording: Uint8Array;
  readonly signer: NoteSigner;
}

/** How to kill. */
export interface CrashOptions {
  readonly disk: Forgetful;
  readonly start: StartVictim;
  readonly keys: Keys;
  readonly kills: number;
  readonly random: Random;
  /** A kill comes at most so long after the start, ms. */
  readonly within: number;
  /** A new folder is begun after so many kills. */
  readonly perFolder: number;
  /** The disk says that it syncs, and does not. */
  readonly lies?: boolean;
}

/** What came of it. */
export interface CrashReport {
  readonly kills: number;
  readonly claims: number;
  /** Sessions that were found cut off and are recorded as such. */
  readonly interrupted: number;
  /** What was claimed and is not so, or what does not verify; empty when all is well. */
  readonly broken: readonly string[];
}

/** Kills a gateway many times, each time at another moment, also while it recovers from the last; stops when something broke. */
export async function crashMany(options: CrashOptions): Promise<CrashReport> {
  let claims = 0;
  let interrupted = 0;
  for (let kills = 0; kills < options.kills; ) {
    const root = mkdtempSync(join(tmpdir(), 'sallyport-crashes-'));
    let folder = mkdtempSync(join(root, 'data-'));
    const claimed: Claim[] = [];
    for (let round = 0; round < options.perFolder && kills < options.kills; round++) {
      const left = await crashOnce(options, root, folder, round);
      kills++;
      claims += left.claims.length;
      claimed.push(...left.claims);
      const found = await checkEvidence(left.folder, options.keys, claimed);
      interrupted = Math.max(interrupted, found.interrupted);
      const broken = found.broken.map((what) => `kill ${kills}: ${what}`);
      if (broken.length > 0) return { kills, claims, interrupted, broken };
      rmSync(folder, { recursive: true });
      folder = left.folder;
    }
    rmSync(root, { recursive: true });
  }
  return { kills: options.kills, claims, interrupted, broken: [] };
}

async function crashOnce(
  { disk, start, random, within, lies }: CrashOptions,
  root: string,
  folder: string,
  round: number,
): Promise<{ readonly folder: string; readonly claims: readonly Claim[] }> {
  const image = join(root, 'image');
  const victim = await start(folder, disk.environment(folder, image, lies));
  await wait(random(within));
  const ended = victim.process.exitCode ?? victim.process.signalCode;
  victim.process.kill('SIGKILL');
  if (ended !== null) throw new Error(`the gateway ended by itself: ${ended}`);
  // with `close` the last claims have been heard
  await once(victim.process, 'close');
  const target = join(root, `rebuilt-${round}`);
  rebuild({ image, folder, target, torn: random });
  return { folder: target, claims: victim.claims };
}

/** What came of a fault. */
export interface FaultReport {
  /** False when the gateway was over before it came to this call. */
  readonly happened: boolean;
  /** What the call was for, relative to the data folder; empty for the folder itself. */
  readonly path: string;
  readonly claims: number;
  /** Claims that were made a while after the fault: evidence could not be kept any more. */
  readonly late: number;
  readonly broken: readonly string[];
}

/** How long a gateway may go on after a fault before it has noticed, ms: what was under way ends. */
const NOTICES = 400;

/**
 * Lets one call of the disk fail under a gateway, kills it a while later, and holds what it claimed against what is left
 * twice: as the process leaves it, and as a power cut would.
 */
export async function breakDisk(
  { disk, start, keys, random }: Pick<CrashOptions, 'disk' | 'start' | 'keys' | 'random'>,
  fault: Fault,
): Promise<FaultReport> {
  const root = mkdtempSync(join(tmpdir(), 'sallyport-faults-'));
  const [folder, image, mark] = ['data', 'image', 'failed'].map((name) => join(root, name));
  if (folder === undefined || image === undefined || mark === undefined) throw new Error('expected three paths');
  mkdirSync(folder);
  const environment = { ...disk.environment(folder, image), ...faultEnvironment(fault, mark) };
  const victim = await start(folder, environment);
  const closed = once(victim.process, 'close');
  for (let n = 0; n < 600 && !existsSync(mark) && victim.process.exitCode === null; n++) await wait(50);
  const happened = existsSync(mark);
  const path = happened ? relative(realpathSync(folder), readFileSync(mark, 'utf8')) : '';
  await wait(NOTICES);
  const before = victim.claims.length;
  await wait(happened ? NOTICES : 0);
  const late = victim.claims.length - before;
  victim.process.kill('SIGKILL');
  await closed;
  const broken: string[] = [];
  const target = join(root, 'rebuilt');
  rebuild({ image, folder, target, torn: random });
  for (const left of [folder, target]) {
    const found = await checkEvidence(left, keys, victim.claims);
    broken.push(...found.broken.map((what) => `${left === folder ? 'as it was left' : 'after a power cut'}: ${what}`));
  }
  rmSync(root, { recursive: true });
  return { happened, path, claims: victim.claims.length, late: happened ? late : 0, broken };
}

/** Resolves to what is not as it was claimed. Recovers in a copy: the folder stays as the power cut left it. */
async function checkEvidence(
  left: string,
  keys: Keys,
  claims: readonly Claim[],
): Promise<{ readonly broken: readonly string[]; readonly interrupted: number }> {
  const folder = join(mkdtempSync(join(tmpdir(), 'sallyport-check-')), 'data');
  cpSync(left, folder, { recursive: true });
  try {
    const house = await openHouse({ folder, keys });
    const models = new Set((await house.rows()).map(({ model }) => model));
    await house.close();
    return await verifyAll(folder, keys, claims, { log: house.log.lines, models });
  } catch (error) {
    return {
      broken: [`it does not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`],
      interrupted: 0,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What a restart said, and the models that its sessions asked for. */
interface Restarted {
  readonly log: readonly string[];
  readonly models: ReadonlySet<string>;
}

async function verifyAll(folder: string, keys: Keys, claims: readonly Claim[], { log, models }: Restarted) {
  const leaves: Leaf[] = [];
  const journals = new JournalCheck(folder);
  const ledger = await verifyLog(readDirectory(join(folder, 'ledger')), {
    keys: [keys.signer.verifier],
    leaf: (number, read) => {
      if (read?.kind !== 'known') return;
      leaves[number] = read.leaf;
      journals.leaf(number, read.leaf);
    },
  });
  const started = new Set(leaves.flatMap((leaf) => (leaf.type === 'session.start' ? [leaf.sid] : [])));
  const report = journals.finish();
  const isKept = (claim: Claim): boolean => {
    if (claim.kind === 'session') return started.has(claim.id);
    if (claim.kind === 'checkpoint') return leaves.length >= claim.size;
    if (claim.kind === 'forwarded') return models.has(claim.model);
    const leaf = leaves[claim.number];
    return leaf?.type === 'config' && leaf.hash === claim.hash;
  };
  const broken = [
    ...ledger.problems.map(({ where, message }) => `ledger: ${where}: ${message}`),
    ...report.problems.map((problem) => `journals: ${JSON.stringify(problem)}`),
    ...(report.open > 0 ? [`${report.open} sessions are open after a restart`] : []),
    ...log.filter((line) => line.includes('a journal is not what it should be')),
    ...claims.filter((claim) => !isKept(claim)).map((claim) => `claimed and lost: ${JSON.stringify(claim)}`),
  ];
  return { broken, interrupted: leaves.filter(({ type }) => type === 'session.recovered').length };
}

/** Returns a source of numbers that a seed decides (Mulberry32): a failure can be had again. */
export function seeded(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
