/** The frames of one session as leaves commit to them, and what is in them (docs/adr/0004-journals-are-packs.md). */

import { sha256 } from './crypto.ts';
import { Malformed } from './malformed.ts';
import { encodeUtf8 } from './text.ts';

/** What the last leaf of a session says of the frames behind the opening. */
interface Committed {
  readonly frames: number;
  readonly total: number;
  readonly cts?: readonly string[];
  readonly ctr?: string;
}

const join = (parts: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
};

/** Returns the hash of a frame as leaves write it. */
export const frameHash = (frame: Uint8Array): string => sha256(frame).toHex();

/** Returns true when a leaf commits to exactly these frames: each hash, or one over all of them where there are many. */
export const isCommitted = (frames: readonly Uint8Array[], { frames: count, total, cts, ctr }: Committed): boolean => {
  const sum = frames.reduce((bytes, frame) => bytes + frame.length, 0);
  if (frames.length !== count || sum !== total) return false;
  const hashes = frames.map((frame) => sha256(frame));
  if (cts !== undefined) return hashes.map((hash) => hash.toHex()).join() === cts.join();
  return sha256(join(hashes)).toHex() === ctr;
};

const KEY_BYTES = 32;
const COMMITMENT = 'sallyport key commitment v1\0';

/** Returns the commitment that `session.start` carries to a key (32 bytes) with its base nonce (12 bytes), in hex. */
export const commitmentOf = (key: Uint8Array): string => sha256(join([encodeUtf8(COMMITMENT), key])).toHex();

// u8 kind (its highest bit: compressed) | 16 B session id | u32le seq, and behind an opening u32le page | u8 slot
const OPENING = 2;
const SEQ_AT = 17;
const CLEAR = { plain: 21, keyed: 26 } as const;
const TAG = 16;

const openFrame = async (
  key: CryptoKey,
  baseNonce: Uint8Array,
  frame: Uint8Array,
  seq: number,
): Promise<Uint8Array> => {
  const clear = ((frame[0] ?? 0) & 0x7f) === OPENING ? CLEAR.keyed : CLEAR.plain;
  if (frame.length < clear + TAG) throw new Malformed('it is cut off');
  const found = new DataView(frame.buffer, frame.byteOffset).getUint32(SEQ_AT, true);
  if (found !== seq) throw new Malformed(`it says that it is frame ${found}`);
  // RFC 8446 §5.3: the base nonce XOR the number of the frame
  const iv = Uint8Array.from(baseNonce);
  const view = new DataView(iv.buffer);
  view.setUint32(8, view.getUint32(8) ^ seq);
  const additionalData = frame.slice(0, clear);
  try {
    const algorithm = { name: 'AES-GCM', iv, additionalData };
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, frame.slice(clear)));
  } catch (error) {
    throw new Malformed('it does not open under the key', { cause: error });
  }
};

/**
 * Resolves to what the frames say, one plaintext for each: together a CBOR Sequence (RFC 8742) of [µs since the opening,
 * code, payload]. A plaintext that begins with the four bytes 28 B5 2F FD is compressed (zstd, RFC 8878). Rejects with Malformed, which names the frame that does not open.
 */
export const openFrames = async (frames: readonly Uint8Array[], key: Uint8Array): Promise<readonly Uint8Array[]> => {
  const aes = await crypto.subtle.importKey('raw', key.slice(0, KEY_BYTES), 'AES-GCM', false, ['decrypt']);
  const opened: Uint8Array[] = [];
  for (const [seq, frame] of frames.entries()) {
    try {
      opened.push(await openFrame(aes, key.slice(KEY_BYTES), frame, seq));
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      throw new Malformed(`frame ${seq}: ${error.message}`, { cause: error });
    }
  }
  return opened;
};
