/**
 * The proof of one session as a file: its frames as they are stored, its leaves with their paths to the root of a
 * checkpoint, and that checkpoint. JSON, so that other people's programs can read it too.
 */

import type { Hash } from './hash.ts';
import { HASH_BYTES } from './hash.ts';
import { Malformed } from './malformed.ts';
import { decodeBase64, decodeUtf8, encodeUtf8 } from './text.ts';

/** A leaf, and what leads from it to the root. */
export interface ProvenLeaf {
  readonly index: number;
  readonly leaf: Uint8Array;
  /** Inclusion proof in the tree of the checkpoint (RFC 9162 §2.1.3). */
  readonly path: readonly Hash[];
}

/** A time-stamp over an earlier checkpoint that is over the end of the session too. */
export interface ProofStamp {
  readonly size: number;
  /** Base64. */
  readonly root: string;
  /** RFC 3161, base64. */
  readonly token: string;
  /** Inclusion proof of the last leaf of the session in that tree. */
  readonly path: readonly Hash[];
}

/** The proof of one session. Nothing of it may be believed before `verifySession` has looked at it. */
export interface SessionProof {
  readonly session: string;
  /** The signed note. */
  readonly checkpoint: Uint8Array;
  /** Where the key that signs was replaced: each `key.rotate`, in the order of the ledger. */
  readonly rotations: readonly ProvenLeaf[];
  /** `session.start`, then `session.end` or `session.recovered`, in the order of the ledger. */
  readonly leaves: readonly ProvenLeaf[];
  /** Time-stamps: by then the session was over and recorded. */
  readonly stamps: readonly ProofStamp[];
  /** What the leaves commit to: the stored bytes of each frame behind length and CRC, the opening first. */
  readonly frames: readonly Uint8Array[];
  /** The session's key (32 bytes) and base nonce (12 bytes), which open the frames; null when they stay closed. */
  readonly key: Uint8Array | null;
}

const KIND = 'sallyport session proof';
/** Bytes of a session's key with its base nonce. */
const KEY_BYTES = 44;
/** 2^63 leaves are more than there are. */
const MAX_PATH = 63;
const MAX_LEAVES = 1024;

const leafJson = ({ index, leaf, path }: ProvenLeaf): object => ({
  index,
  leaf: decodeUtf8(leaf),
  path: path.map((hash) => hash.toBase64()),
});

/** Returns the text of a proof. */
export const encodeSessionProof = ({
  session,
  checkpoint,
  rotations,
  leaves,
  stamps,
  frames,
  key,
}: SessionProof): string =>
  `${JSON.stringify(
    {
      kind: KIND,
      v: 1,
      session,
      checkpoint: decodeUtf8(checkpoint),
      rotations: rotations.map(leafJson),
      leaves: leaves.map(leafJson),
      stamps: stamps.map(({ path, ...stamp }) => ({ ...stamp, path: path.map((hash) => hash.toBase64()) })),
      frames: frames.map((frame) => frame.toBase64()),
      key: key === null ? null : key.toBase64(),
    },
    null,
    1,
  )}\n`;

type Members = Readonly<Record<string, unknown>>;

const membersOf = (value: unknown, what: string, names: readonly string[]): Members => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Malformed(`${what} is no object`);
  const members: Members = { ...value };
  const found = Object.keys(members).toSorted().join();
  if (found !== names.toSorted().join()) throw new Malformed(`${what} has the members ${found}`);
  return members;
};

const textOf = (value: unknown, what: string): string => {
  if (typeof value === 'string') return value;
  throw new Malformed(`${what} is no text`);
};

const listOf = (value: unknown, what: string, most: number): readonly unknown[] => {
  if (!Array.isArray(value)) throw new Malformed(`${what} is no list`);
  if (value.length > most) throw new Malformed(`${what} has ${value.length} members, more than ${most}`);
  return value;
};

const bytesOf = (value: unknown, what: string): Uint8Array => decodeBase64(textOf(value, what));

const hashOf = (value: unknown): Hash => {
  const hash = bytesOf(value, 'a hash');
  if (hash.length !== HASH_BYTES) throw new Malformed(`a hash of ${hash.length} bytes`);
  return hash;
};

const leafOf = (value: unknown): ProvenLeaf => {
  const { index, leaf, path } = membersOf(value, 'a leaf', ['index', 'leaf', 'path']);
  if (typeof index !== 'number' || !Number.isSafeInteger(index) || index < 0)
    throw new Malformed('a leaf without a number');
  return { index, leaf: encodeUtf8(textOf(leaf, 'a leaf')), path: listOf(path, 'a path', MAX_PATH).map(hashOf) };
};

const stampOf = (value: unknown): ProofStamp => {
  const { size, root, token, path } = membersOf(value, 'a stamp', ['size', 'root', 'token', 'path']);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 1)
    throw new Malformed('a stamp without a size');
  return {
    size,
    root: textOf(root, 'a root'),
    token: textOf(token, 'a token'),
    path: listOf(path, 'a path', MAX_PATH).map(hashOf),
  };
};

const keyOf = (value: unknown): Uint8Array | null => {
  if (value === null) return null;
  const key = bytesOf(value, 'the key');
  if (key.length !== KEY_BYTES) throw new Malformed(`a key of ${key.length} bytes, not ${KEY_BYTES}`);
  return key;
};

const NAMES = ['kind', 'v', 'session', 'checkpoint', 'rotations', 'leaves', 'stamps', 'frames', 'key'];

/** Returns the proof in a file. Throws Malformed for anything that `encodeSessionProof` does not write. */
export const parseSessionProof = (bytes: Uint8Array): SessionProof => {
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(bytes));
  } catch (error) {
    if (error instanceof Malformed) throw error;
    throw new Malformed('it is not JSON', { cause: error });
  }
  const proof = membersOf(value, 'it', NAMES);
  if (proof['kind'] !== KIND || proof['v'] !== 1) throw new Malformed(`it is not a "${KIND}" of version 1`);
  return {
    session: textOf(proof['session'], 'the session'),
    checkpoint: encodeUtf8(textOf(proof['checkpoint'], 'the checkpoint')),
    rotations: listOf(proof['rotations'], 'rotations', MAX_LEAVES).map(leafOf),
    leaves: listOf(proof['leaves'], 'leaves', MAX_LEAVES).map(leafOf),
    stamps: listOf(proof['stamps'], 'stamps', MAX_LEAVES).map(stampOf),
    frames: listOf(proof['frames'], 'frames', Number.MAX_SAFE_INTEGER).map((frame) => bytesOf(frame, 'a frame')),
    key: keyOf(proof['key']),
  };
};
