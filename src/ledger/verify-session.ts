/** Verifying the proof of one session, with nothing but its file and the public key of the ledger. */

import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import { hashLeaf } from './hash.ts';
import { decodeLeaf, type Leaf } from './leaf.ts';
import { successor } from './key-epochs.ts';
import { Malformed, malformedMessage } from './malformed.ts';
import type { NoteVerifier } from './note-key.ts';
import { verifyInclusion } from './proof.ts';
import { decodeBase64 } from './text.ts';
import type { Authority, Stamp } from './timestamp.ts';
import { openStamp } from './verify-stamps.ts';
import { commitmentOf, frameHash, isCommitted, openFrames } from './session-frames.ts';
import { parseSessionProof, type ProvenLeaf, type SessionProof } from './session-proof.ts';

/** What to verify a proof against. */
export interface VerifySessionOptions {
  /** Public keys of the ledger, at least one: one of them, or one that it handed over to, must have signed the checkpoint. */
  readonly keys: readonly NoteVerifier[];
  /** The origin that the checkpoint must name; the name of the first key when it is not given. */
  readonly origin?: string;
  /** Authorities whose time-stamps are looked at. */
  readonly authorities?: readonly Authority[];
}

type Start = Leaf & { readonly type: 'session.start' };
type End = Leaf & { readonly type: 'session.end' | 'session.recovered' };

/** The result. */
export interface SessionReport {
  /** True when there is no problem: the session is in the ledger, and its frames are those that were recorded. */
  readonly ok: boolean;
  readonly session: string;
  /** What the checkpoint is over; null when it cannot be relied on. */
  readonly checkpoint: Checkpoint | null;
  readonly start: Start | null;
  /** Null when the proof was made before the session ended. */
  readonly end: End | null;
  readonly frames: number;
  /** What the frames say, one CBOR Sequence for each, zstd where it begins with 28 B5 2F FD; null when the proof does not bring their key. */
  readonly content: readonly Uint8Array[] | null;
  /** When the session was over at the latest, by each authority that was given and has stamped that. */
  readonly stamped: readonly Stamp[];
  /** One line each: what, and what is wrong with it. */
  readonly problems: readonly string[];
}

/** Returns the leaf, after telling when the checkpoint is not over it. Throws Malformed when it is none. */
const included = ({ index, leaf, path }: ProvenLeaf, { size, root }: Checkpoint): Leaf => {
  if (!verifyInclusion(index, size, hashLeaf(leaf), path, root)) {
    throw new Malformed(`leaf ${index}: its path does not lead to the root of the checkpoint over ${size} leaves`);
  }
  const read = decodeLeaf(leaf);
  if (read.kind === 'unknown') throw new Malformed(`leaf ${index}: of the unknown type ${JSON.stringify(read.type)}`);
  return read.leaf;
};

const isStart = (leaf: Leaf | undefined): leaf is Start => leaf?.type === 'session.start';
const isEnd = (leaf: Leaf | undefined): leaf is End =>
  leaf?.type === 'session.end' || leaf?.type === 'session.recovered';

/** The leaves of the proof, each included and each about the session. */
const leavesOf = ({ session, leaves }: SessionProof, checkpoint: Checkpoint): { start: Start; end: End | null } => {
  const [start, end, ...more] = leaves.map((leaf) => included(leaf, checkpoint));
  if (!isStart(start)) throw new Malformed('leaves: the first is not the start of a session');
  if ((end !== undefined && !isEnd(end)) || more.length > 0)
    throw new Malformed('leaves: the second is not the end of a session');
  for (const { sid } of end === undefined ? [start] : [start, end]) {
    if (sid !== session) throw new Malformed(`leaves: one is about session ${sid}`);
  }
  return { start, end: end ?? null };
};

const frameProblems = (frames: readonly Uint8Array[], start: Start, end: End | null): readonly string[] => {
  const [opening, ...later] = frames;
  const problems: string[] = [];
  if (opening === undefined || frameHash(opening) !== start.ct) {
    problems.push('frame 0: the opening is not the one that the ledger commits to');
  }
  if (end === null && later.length > 0) problems.push('frames: no leaf commits to what stands behind the opening');
  if (end === null || isCommitted(later, end)) return problems;
  const changed = end.cts === undefined ? -1 : later.findIndex((frame, at) => frameHash(frame) !== end.cts?.[at]);
  const which = changed === -1 || later.length !== end.frames ? `${end.frames + 1} frames` : `frame ${changed + 1}`;
  return [...problems, `frames: not those that the ledger commits to (${which})`];
};

const report = (proof: SessionProof | null, found: Partial<SessionReport>): SessionReport => ({
  session: proof?.session ?? '',
  checkpoint: null,
  start: null,
  end: null,
  frames: proof?.frames.length ?? 0,
  content: null,
  stamped: [],
  problems: [],
  ...found,
  ok: (found.problems ?? []).length === 0,
});

/** Resolves to what the frames say, and to what is wrong with the key that came with them. */
const contentOf = async (
  { frames, key }: SessionProof,
  start: Start,
): Promise<{ readonly content: readonly Uint8Array[] | null; readonly problems: readonly string[] }> => {
  if (key === null) return { content: null, problems: [] };
  // GCM does not commit to its key: under another one the same frames could say something else
  if (commitmentOf(key) !== start.kc)
    return { content: null, problems: ['key: not the one that the ledger commits to'] };
  try {
    return { content: await openFrames(frames, key), problems: [] };
  } catch (error) {
    return { content: null, problems: [malformedMessage(error)] };
  }
};

/** Resolves to what the time-stamps of a proof say: each is over a tree in which the last leaf of the session stands. */
const stampsOf = async (
  { leaves, stamps }: SessionProof,
  origin: string,
  authorities: readonly Authority[],
): Promise<{ readonly stamps: readonly Stamp[]; readonly problems: readonly string[] }> => {
  const good: Stamp[] = [];
  const problems: string[] = [];
  const last = leaves.at(-1);
  if (authorities.length === 0 || last === undefined) return { stamps: good, problems };
  for (const stamp of stamps) {
    try {
      if (!verifyInclusion(last.index, stamp.size, hashLeaf(last.leaf), stamp.path, decodeBase64(stamp.root))) {
        throw new Malformed('its path does not lead to the root that was stamped');
      }
      good.push(await openStamp(stamp, origin, authorities));
    } catch (error) {
      problems.push(`time-stamp over ${stamp.size} leaves: ${malformedMessage(error)}`);
    }
  }
  return { stamps: good, problems };
};

/**
 * Returns the checkpoint, signed by a key to which the trusted ones lead. A key that the proof brings by itself is
 * believed only because one that hands over to it has signed that.
 */
const openSigned = (
  { checkpoint, rotations }: SessionProof,
  keys: readonly NoteVerifier[],
  origin: string,
): Checkpoint => {
  const known = [...keys];
  const handovers = rotations.map((rotation) => {
    const read = decodeLeaf(rotation.leaf);
    if (read.kind === 'unknown' || read.leaf.type !== 'key.rotate') throw new Malformed('a rotation that is none');
    return { rotation, leaf: read.leaf };
  });
  for (const { leaf } of handovers) {
    const from = known.find(({ vkey }) => vkey === leaf.from);
    if (from !== undefined) known.push(successor(from, leaf));
  }
  const opened = openCheckpoint(checkpoint, known, origin);
  for (const { rotation } of handovers) included(rotation, opened);
  return opened;
};

const verifyProof = async (proof: SessionProof, options: VerifySessionOptions): Promise<SessionReport> => {
  const { keys, origin } = options;
  let checkpoint: Checkpoint;
  try {
    checkpoint = openSigned(proof, keys, origin ?? keys[0]?.name ?? '');
  } catch (error) {
    return report(proof, { problems: [`checkpoint: ${malformedMessage(error)}`] });
  }
  let leaves: { start: Start; end: End | null };
  try {
    leaves = leavesOf(proof, checkpoint);
  } catch (error) {
    return report(proof, { checkpoint, problems: [malformedMessage(error)] });
  }
  const problems = frameProblems(proof.frames, leaves.start, leaves.end);
  if (problems.length > 0) return report(proof, { checkpoint, ...leaves, problems });
  const stamped = await stampsOf(proof, checkpoint.origin, options.authorities ?? []);
  const { content, problems: others } = await contentOf(proof, leaves.start);
  const all = [...stamped.problems, ...others];
  return report(proof, { checkpoint, ...leaves, content, stamped: stamped.stamps, problems: all });
};

/**
 * Resolves to what a proof proves. Never rejects for what the file holds. It proves that the session was recorded so,
 * under a checkpoint that the key has signed; whether that checkpoint is the one that others see is for `verifyLog`, a
 * witness, or a checkpoint that was kept.
 */
export const verifySession = async (bytes: Uint8Array, options: VerifySessionOptions): Promise<SessionReport> => {
  let proof: SessionProof;
  try {
    proof = parseSessionProof(bytes);
  } catch (error) {
    return report(null, { problems: [`the proof: ${malformedMessage(error)}`] });
  }
  return verifyProof(proof, options);
};
