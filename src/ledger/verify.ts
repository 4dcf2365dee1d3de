/**
 * Verifying a ledger with nothing but its files and a public key: `sallyport/verify`. Imports nothing of the gateway.
 *
 * ```ts
 * const report = await verifyLog(reader, { keys: [parseVerifier(vkey)], checkpoint: keptElsewhere });
 * const session = await verifySession(bytesOfAProof, { keys: [parseVerifier(vkey)] });
 * ```
 */

import { type BundleCheck, checkBundle } from './check-bundle.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Witness } from './cosignature.ts';
import { sameBytes } from './hash.ts';
import type { ReadLeaf } from './leaf.ts';
import type { LogReader } from './log-reader.ts';
import { malformedMessage } from './malformed.ts';
import type { NoteVerifier } from './note-key.ts';
import type { Authority } from './timestamp.ts';
import { Found, type Freshness, type LogReport, type Problem, type Stamped } from './report.ts';
import { ClockChecks } from './verify-clock.ts';
import { checkFiles } from './verify-files.ts';
import { HistoryWalk, openHead, openTrusted, readHeadNote, type Signed, type Trust } from './verify-history.ts';
import { checkRotation, readKeys } from './verify-keys.ts';
import { StampChecks } from './verify-stamps.ts';
import { LeafChecks } from './verify-leaves.ts';
import { TreeWalk } from './verify-tree.ts';

export type { BundleCheck, CheckedBundle } from './check-bundle.ts';
export { type Checkpoint, openCheckpoint, parseCheckpoint } from './checkpoint.ts';
export { parseWitness, type Witness } from './cosignature.ts';
export { hashLeaf } from './hash.ts';
export { decodeLeaf, type Leaf, type LeafCommon, type LeafType, type ReadLeaf } from './leaf.ts';
export { type Authority, parseAuthority } from './timestamp.ts';
export type { LogReader } from './log-reader.ts';
export { Malformed } from './malformed.ts';
export { type NoteVerifier, parseVerifier } from './note-key.ts';
export { verifyConsistency, verifyInclusion } from './proof.ts';
export type { Finding, FindingKind, Freshness, LogReport, Problem, ProblemKind, Stamped, Witnessed } from './report.ts';
export { type SessionReport, verifySession, type VerifySessionOptions } from './verify-session.ts';

/** What to verify a log against. */
export interface VerifyOptions {
  /**
   * The public keys of the log, at least one, oldest first. Where a key was replaced, leaves lead from one to the next:
   * one of them is enough to begin with, and the last one must have come into force.
   */
  readonly keys: readonly NoteVerifier[];
  /** The origin that the checkpoints must name; the name of the first key when it is not given. */
  readonly origin?: string;
  /** A signed checkpoint of this log that was kept elsewhere: the log must extend it. */
  readonly checkpoint?: Uint8Array;
  /** Witnesses whose cosignatures are looked at: they bound the times of leaves, and how much may have been cut off. */
  readonly witnesses?: readonly Witness[];
  /** Authorities whose time-stamps are looked at: they bound the times of leaves too. */
  readonly authorities?: readonly Authority[];
  /** Is handed each leaf in order: null when it is not one. */
  readonly leaf?: (index: number, leaf: ReadLeaf | null) => void;
  /** Checks bundles somewhere else than here, one after the other: on other threads (verify-pool.ts). */
  readonly check?: BundleCheck;
  /** Is told of each problem as it is found; the report keeps the first hundred only. */
  readonly problem?: (problem: Problem) => void;
  /** Is told from time to time how many of all leaves have been verified. */
  readonly progress?: (done: number, all: number) => void;
}

/** Returns the checkpoint that was kept elsewhere, or null after telling what is wrong with it. */
const openKept = (note: Uint8Array | undefined, trust: Trust, found: Found): Checkpoint | null => {
  if (note === undefined) return null;
  try {
    return openTrusted(note, trust);
  } catch (error) {
    found.problem('rollback', 'the checkpoint kept elsewhere', `cannot be used: ${malformedMessage(error)}`);
    return null;
  }
};

/** Returns what the checkpoint kept elsewhere proves, after telling when the log does not extend it. */
const freshnessOf = (kept: Checkpoint | null, head: Signed, walk: TreeWalk, found: Found): Freshness => {
  if (kept === null) return { kind: 'not-proven' };
  const { size, root } = kept;
  if (walk.wantedRoot !== null && sameBytes(walk.wantedRoot, root)) return { kind: 'extends', size };
  const own = head.checkpoint.size;
  let message = `cannot be compared: the log cannot be read as far as leaf ${size}`;
  if (walk.wantedRoot !== null) message = `is of another history: the log had another root at ${size} leaves`;
  else if (size > own) message = `is over ${size} leaves, and the log has ${own}: leaves were taken away`;
  found.problem('rollback', 'the checkpoint kept elsewhere', message);
  return { kind: 'not-proven' };
};

const verifyTree = async (
  files: LogReader,
  head: Signed,
  history: HistoryWalk,
  trust: Trust,
  kept: Checkpoint | null,
  options: VerifyOptions,
  found: Found,
): Promise<{ readonly walk: TreeWalk; readonly stamped: readonly Stamped[] }> => {
  const { size } = head.checkpoint;
  const leaves = new LeafChecks(found);
  const clock = new ClockChecks(found);
  const stamps = new StampChecks(found, trust.origin, options.authorities ?? [], clock);
  const walk = new TreeWalk(files, size, found, {
    matched: (checkpoint) => stamps.checkpoint(checkpoint),
    check: options.check ?? ((index, width) => checkBundle(files, index, width)),
    leaf: (index, leaf) => {
      if (leaf !== null) leaves.take(index, leaf);
      if (leaf?.kind === 'known' && leaf.leaf.type === 'key.rotate') checkRotation(index, leaf.leaf, trust.keys, found);
      if (leaf !== null) clock.leaf(index, leaf.leaf);
      options.leaf?.(index, leaf);
      if (leaf?.kind === 'known' && leaf.leaf.type === 'checkpoint.stamped') return stamps.leaf(index, leaf.leaf);
      return undefined;
    },
    nextCheckpoint() {
      // all leaves under the one that was due have been seen, and none behind it
      for (const { name, at } of history.cosigned()) clock.seen(name, at);
      return history.next();
    },
    rootWantedAt: kept?.size ?? -1,
    progress: (done) => options.progress?.(done, size),
  });
  if (!(await walk.run())) {
    found.problem('root', `checkpoint of size ${size}`, 'cannot be compared: leaves and their hashes are missing');
  }
  leaves.end();
  await history.end(head);
  await checkFiles(files, size, walk.compared, found);
  return { walk, stamped: [...stamps.stamped.values()] };
};

/** Verifies everything below a checkpoint that is signed. */
const verifyBelow = async (
  files: LogReader,
  head: Signed,
  trust: Trust,
  options: VerifyOptions,
  found: Found,
): Promise<Pick<LogReport, 'checkpoints' | 'freshness' | 'witnessed' | 'stamped'>> => {
  const kept = openKept(options.checkpoint, trust, found);
  const history = new HistoryWalk(files, trust, options.witnesses ?? [], found);
  try {
    const { walk, stamped } = await verifyTree(files, head, history, trust, kept, options, found);
    const freshness = freshnessOf(kept, head, walk, found);
    return { checkpoints: walk.matched, freshness, witnessed: [...history.witnessed.values()], stamped };
  } finally {
    await history.close();
  }
};

/**
 * Returns what there is to say of a log: whether its leaves, its tiles and all checkpoints it ever signed are one
 * history, and whether its leaves make sense. Never throws for what the files hold; only `files` itself may throw.
 * Memory does not grow with the size of the log. `ok` without `freshness` proves that the log is consistent, not that
 * its end was not cut off together with its checkpoint.
 */
export const verifyLog = async (files: LogReader, options: VerifyOptions): Promise<LogReport> => {
  const found = new Found(options.problem);
  const note = await readHeadNote(files, found);
  const origin = options.origin ?? options.keys[0]?.name ?? '';
  const trust = note === null ? null : { keys: await readKeys(files, note, options.keys, found), origin };
  const head = note === null || trust === null ? null : openHead(note, trust, found);
  const verified = head === null || trust === null ? null : await verifyBelow(files, head, trust, options, found);
  return {
    ok: found.problemCount === 0,
    origin,
    size: head?.checkpoint.size ?? 0,
    root: head?.checkpoint.root.toBase64() ?? '',
    checkpoints: verified?.checkpoints ?? 0,
    freshness: verified?.freshness ?? { kind: 'not-proven' },
    witnessed: verified?.witnessed ?? [],
    stamped: verified?.stamped ?? [],
    problems: found.problems,
    problemCount: found.problemCount,
    findings: found.findings,
    findingCount: found.findingCount,
  };
};
