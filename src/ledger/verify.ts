/**
 * Verifying a ledger with nothing but its files and a public key: `sallyport/verify`. Imports nothing of the gateway.
 *
 * ```ts
 * const report = await verifyLog(reader, { keys: [parseVerifier(vkey)], checkpoint: keptElsewhere });
 * const session = await verifySession(bytesOfAProof, { keys: [parseVerifier(vkey)] });
 * ```
 */

import { type BundleCheck, checkBundle } from './check-bundle.ts';
import type { Bookmark } from './bookmark.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Witness } from './cosignature.ts';
import { EMPTY_ROOT, sameBytes } from './hash.ts';
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
import { type Expected, Marker, refuseOther, type Resume, treeOf } from './verify-resume.ts';
import { StampChecks } from './verify-stamps.ts';
import { LeafChecks } from './verify-leaves.ts';
import { verifyConsistency } from './proof.ts';
import { proveConsistency } from './prove.ts';
import { decodeBase64 } from './text.ts';
import { tileHashes } from './tile-hashes.ts';
import { type Steps, TreeWalk } from './verify-tree.ts';

export { type Bookmark, encodeBookmark, parseBookmark } from './bookmark.ts';
export type { Resume } from './verify-resume.ts';
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
export type {
  Finding,
  FindingKind,
  Freshness,
  LogReport,
  Problem,
  ProblemKind,
  ReadEarlier,
  Stamped,
  Witnessed,
} from './report.ts';
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
  /** Goes on from a bookmark, and makes others. What an earlier run has read is not read again: see `readFrom`. */
  readonly resume?: Resume;
  /** Is told of each problem as it is found; the report keeps the first hundred only. */
  readonly problem?: (problem: Problem) => void;
  /** Is told from time to time how many of all leaves have been verified. */
  readonly progress?: (done: number, all: number) => void;
}

const expectedOf = ({ keys, origin, witnesses = [], authorities = [] }: VerifyOptions): Expected => ({
  keys,
  origin: origin ?? keys[0]?.name ?? '',
  witnesses,
  authorities,
});

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

/** A checkpoint that the log must extend, and what it is called. */
interface Kept extends Pick<Checkpoint, 'size' | 'root'> {
  readonly name: string;
}

/** Returns the checkpoints that the log must extend: one that was kept elsewhere, and that of the bookmark. */
const keptOnes = (given: Checkpoint | null, bookmark: Bookmark | null): readonly Kept[] => [
  ...(given === null ? [] : [{ ...given, name: 'the checkpoint kept elsewhere' }]),
  ...(bookmark === null
    ? []
    : [
        {
          size: bookmark.checkpoint.size,
          root: decodeBase64(bookmark.checkpoint.root),
          name: 'the checkpoint verified earlier',
        },
      ]),
];

/** Resolves to true when the stored hashes prove that the log extends a checkpoint; what they prove needs no trust in them. */
const isProven = async (files: LogReader, { size, root }: Kept, head: Checkpoint): Promise<boolean> => {
  if (size === 0) return sameBytes(root, EMPTY_ROOT);
  const proof = await proveConsistency(size, head.size, tileHashes(files, head.size));
  return verifyConsistency(size, head.size, proof, root, head.root);
};

/** Resolves to why the log does not extend a checkpoint; null when it does. */
const whyNot = async (files: LogReader, kept: Kept, head: Signed, walk: TreeWalk): Promise<string | null> => {
  const { size, root } = kept;
  const own = head.checkpoint.size;
  const walked = walk.roots.get(size);
  const other = `is of another history: the log had another root at ${size} leaves`;
  if (walked !== undefined) return sameBytes(walked, root) ? null : other;
  if (size > own) return `is over ${size} leaves, and the log has ${own}: leaves were taken away`;
  if (size >= walk.from) return `cannot be compared: the log cannot be read as far as leaf ${size}`;
  try {
    return (await isProven(files, kept, head.checkpoint)) ? null : other;
  } catch (error) {
    return `cannot be compared: ${malformedMessage(error)}`;
  }
};

/** Resolves to what the checkpoints that were kept prove, after telling when the log does not extend one. */
const freshnessOf = async (
  files: LogReader,
  all: readonly Kept[],
  head: Signed,
  walk: TreeWalk,
  found: Found,
): Promise<Freshness> => {
  let size = -1;
  for (const kept of all) {
    const why = await whyNot(files, kept, head, walk);
    if (why !== null) found.problem('rollback', kept.name, why);
    else size = Math.max(size, kept.size);
  }
  return size === -1 ? { kind: 'not-proven' } : { kind: 'extends', size };
};

interface Walked {
  readonly walk: TreeWalk;
  readonly stamped: readonly Stamped[];
  readonly marker: Marker | null;
}

const verifyTree = async (
  files: LogReader,
  head: Signed,
  history: HistoryWalk,
  trust: Trust,
  kept: readonly Kept[],
  options: VerifyOptions,
  found: Found,
): Promise<Walked> => {
  const { size } = head.checkpoint;
  const { resume } = options;
  const bookmark = resume?.bookmark ?? null;
  const leaves = new LeafChecks(found, bookmark?.leaves);
  const clock = new ClockChecks(found, bookmark?.clock);
  const stamps = new StampChecks(found, trust.origin, options.authorities ?? [], clock, bookmark?.stamps);
  const standing = { trust, history, leaves, clock, stamps, found };
  const marker = resume === undefined ? null : new Marker(resume, expectedOf(options), size, standing);
  const steps: Steps = {
    matched(checkpoint) {
      stamps.checkpoint(checkpoint);
      marker?.matched(checkpoint);
    },
    passed: (done, edge) => marker?.passed(done, edge),
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
    rootsWantedAt: new Set(kept.map((each) => each.size)),
    progress: (done) => options.progress?.(done, size),
  };
  const walk = new TreeWalk(files, size, found, steps, bookmark === null ? undefined : treeOf(bookmark));
  if (await walk.run()) walk.compareHead(head.checkpoint);
  else {
    found.problem('root', `checkpoint of size ${size}`, 'cannot be compared: leaves and their hashes are missing');
  }
  leaves.end();
  await history.end(head);
  await checkFiles(files, size, walk.compared, found);
  return { walk, stamped: [...stamps.stamped.values()], marker };
};

/** Tells when a log has fewer leaves than an earlier run has read: there is nothing to go on with. */
const isCutOff = (bookmark: Bookmark | null, { checkpoint }: Signed, found: Found): boolean => {
  if (bookmark === null || bookmark.size <= checkpoint.size) return false;
  const why = `is behind ${bookmark.size} leaves, and the log has ${checkpoint.size}: leaves were taken away`;
  found.problem('rollback', 'the bookmark', why);
  return true;
};

const NOTHING = { checkpoints: 0, freshness: { kind: 'not-proven' }, witnessed: [], stamped: [] } as const;

/** Verifies everything below a checkpoint that is signed. */
const verifyBelow = async (
  files: LogReader,
  head: Signed,
  trust: Trust,
  options: VerifyOptions,
  found: Found,
): Promise<Pick<LogReport, 'checkpoints' | 'freshness' | 'witnessed' | 'stamped'>> => {
  const bookmark = options.resume?.bookmark ?? null;
  if (isCutOff(bookmark, head, found)) return NOTHING;
  const kept = keptOnes(openKept(options.checkpoint, trust, found), bookmark);
  const history = new HistoryWalk(files, trust, options.witnesses ?? [], found);
  try {
    if (bookmark !== null) await history.skip(bookmark.history, bookmark.witnessed);
    const { walk, stamped, marker } = await verifyTree(files, head, history, trust, kept, options, found);
    const freshness = await freshnessOf(files, kept, head, walk, found);
    await marker?.end();
    const checkpoints = walk.matched + (bookmark?.history.notes ?? 0);
    return { checkpoints, freshness, witnessed: [...history.witnessed.values()], stamped };
  } finally {
    await history.close();
  }
};

/**
 * Returns what there is to say of a log: whether its leaves, its tiles and all checkpoints it ever signed are one
 * history, and whether its leaves make sense. Never throws for what the files hold; only `files` itself may throw.
 * Throws Malformed for a bookmark that is of another log. Memory does not grow with the size of the log. `ok` without `freshness` proves that the log is consistent, not that
 * its end was not cut off together with its checkpoint.
 */
export const verifyLog = async (files: LogReader, options: VerifyOptions): Promise<LogReport> => {
  const found = new Found(options.problem);
  const bookmark = options.resume?.bookmark ?? null;
  const { origin } = expectedOf(options);
  if (bookmark !== null) {
    refuseOther(bookmark, expectedOf(options));
    found.goOn(bookmark.findings, bookmark.findingCount);
  }
  const note = await readHeadNote(files, found);
  const trust = note === null ? null : { keys: await readKeys(files, note, options.keys, found, bookmark), origin };
  const head = note === null || trust === null ? null : openHead(note, trust, found);
  const verified = head === null || trust === null ? null : await verifyBelow(files, head, trust, options, found);
  return {
    ok: found.problemCount === 0,
    readFrom: bookmark?.size ?? 0,
    readEarlier: bookmark?.read ?? [],
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
