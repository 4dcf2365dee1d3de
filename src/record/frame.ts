/**
 * The frames of a journal:
 *
 *     u32le n | u32le CRC-32 of the n bytes | n bytes = u8 kind | 16 B session id | u32le seq
 *       | opening and refusals: u32le page, u8 slot | ciphertext ‖ 16 B tag, or a sealed key page
 *
 * A kind with its highest bit set says that the plaintext was compressed (zstd, RFC 8878): only long ones are, because
 * setting up the compressor costs as much as encrypting tens of kilobytes.
 *
 * Encryption is AES-256-GCM under the session's key, nonce = base nonce XOR seq (as RFC 8446 §5.3), with the clear part
 * of the frame as additional data. The CRC finds torn writes, not attackers: those meet the ledger.
 */

import { createCipheriv, createDecipheriv } from 'node:crypto';
import { constants, crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { SlotKey } from './keys.ts';
import { ID_BYTES } from './session-id.ts';

/** What a frame is. */
export const FRAME = { page: 1, opening: 2, data: 3, closing: 4, refusals: 5 } as const;
export type FrameKind = (typeof FRAME)[keyof typeof FRAME];

/** How many bytes length and CRC take in front of a frame. */
export const LEAD = 8;
const SID_AT = 1;
const SEQ_AT = SID_AT + ID_BYTES;
const PAGE_AT = SEQ_AT + 4;
const SLOT_AT = PAGE_AT + 4;
const TAG = 16;
/** Bytes of the clear part of a frame with and without page and slot. */
const CLEAR = { plain: PAGE_AT, keyed: SLOT_AT + 1 } as const;

/** The most plaintext in one frame. */
export const MAX_PLAINTEXT = 256 * 1024;
/** The most bytes that one frame takes in a journal. */
export const MAX_FRAME = LEAD + CLEAR.keyed + MAX_PLAINTEXT + TAG;
/** What a frame takes beside its plaintext, at most. */
export const FRAME_OVERHEAD = LEAD + CLEAR.keyed + TAG;

/** In the byte of the kind: the plaintext is compressed. */
const COMPRESSED = 0x80;
/** A shorter plaintext is written as it is. */
export const COMPRESS_FROM = 16 * 1024;
const FAST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Returns the plaintext as it is encrypted: compressed where it is long and that makes it shorter. */
function packed(plaintext: Buffer): Buffer {
  if (plaintext.length < COMPRESS_FROM) return plaintext;
  const compressed = zstdCompressSync(plaintext, FAST);
  return compressed.length < plaintext.length ? compressed : plaintext;
}

const hasSlot = (kind: FrameKind): boolean => kind === FRAME.opening || kind === FRAME.refusals;

/** Who a frame belongs to. `page` and `slot` are written where the frame says under which key its session is. */
export interface FrameName {
  readonly kind: FrameKind;
  /** 16 bytes; zeros where a frame belongs to no session. */
  readonly sid: Buffer;
  readonly seq: number;
  readonly page: number;
  readonly slot: number;
}

/** Writes an encrypted frame at `at` of `to`, which has room for it, and returns where it ends. */
export function writeFrame(to: Buffer, at: number, name: FrameName, keys: SlotKey, plaintext: Buffer): number {
  const start = at + LEAD;
  const clearEnd = writeClear(to, start, name);
  const content = packed(plaintext);
  if (content !== plaintext) to[start] = name.kind | COMPRESSED;
  const cipher = createCipheriv('aes-256-gcm', keys.key, frameNonce(keys.baseNonce, name.seq));
  cipher.setAAD(to.subarray(start, clearEnd));
  to.set(cipher.update(content), clearEnd);
  cipher.final();
  to.set(cipher.getAuthTag(), clearEnd + content.length);
  return writeLead(to, at, clearEnd + content.length + TAG);
}

/** Writes a key page's frame at `at` of `to`, which has room for it, and returns where it ends. */
export function writePageFrame(to: Buffer, at: number, page: number, sealed: Buffer): number {
  const name = { kind: FRAME.page, sid: NO_SESSION, seq: page, page, slot: 0 };
  const clearEnd = writeClear(to, at + LEAD, name);
  to.set(sealed, clearEnd);
  return writeLead(to, at, clearEnd + sealed.length);
}

/** The id of what belongs to no session. */
export const NO_SESSION = Buffer.alloc(ID_BYTES);

function writeClear(to: Buffer, start: number, { kind, sid, seq, page, slot }: FrameName): number {
  to[start] = kind;
  to.set(sid, start + SID_AT);
  to.writeUInt32LE(seq, start + SEQ_AT);
  if (!hasSlot(kind)) return start + CLEAR.plain;
  to.writeUInt32LE(page, start + PAGE_AT);
  to[start + SLOT_AT] = slot;
  return start + CLEAR.keyed;
}

function writeLead(to: Buffer, at: number, end: number): number {
  const start = at + LEAD;
  to.writeUInt32LE(end - start, at);
  to.writeUInt32LE(crc32(to.subarray(start, end)), at + 4);
  return end;
}

// Reused: ciphers take a copy of their nonce.
const nonce = Buffer.alloc(12);

function frameNonce(baseNonce: Buffer, seq: number): Buffer {
  nonce.set(baseNonce);
  nonce.writeUInt32BE((baseNonce.readUInt32BE(8) ^ seq) >>> 0, 8);
  return nonce;
}

/** A frame as it stands in a journal; views of the bytes it was read from. */
export interface Frame extends FrameName {
  /** What the ledger hashes: everything after length and CRC. */
  readonly bytes: Buffer;
  /** Where the frame begins and ends in the bytes it was read from, length and CRC included. */
  readonly start: number;
  readonly end: number;
}

/**
 * Returns the frame at `at`, `cut` when the bytes end before it does, or `torn` when no frame that was ever written
 * whole can stand there.
 */
export function readFrame(bytes: Buffer, at: number): Frame | 'cut' | 'torn' {
  const frame = parseFrame(bytes, at);
  if (typeof frame === 'string') return frame;
  return crc32(frame.bytes) === bytes.readUInt32LE(at + 4) ? frame : 'torn';
}

/** Returns the frame at `at` in all but its CRC, which is not looked at; null where none can stand there. */
export function readDamagedFrame(bytes: Buffer, at: number): Frame | null {
  const frame = parseFrame(bytes, at);
  return typeof frame === 'string' ? null : frame;
}

function parseFrame(bytes: Buffer, at: number): Frame | 'cut' | 'torn' {
  if (bytes.length - at < LEAD) return 'cut';
  const length = bytes.readUInt32LE(at);
  // a hole of zeros reads as an empty frame whose CRC is right: the length tells
  if (length < CLEAR.plain + TAG || length > MAX_FRAME - LEAD) return 'torn';
  const start = at + LEAD;
  const end = start + length;
  if (end > bytes.length) return 'cut';
  const content = bytes.subarray(start, end);
  const kind = (content[0] ?? 0) & ~COMPRESSED;
  if (!isKind(kind) || (hasSlot(kind) && length < CLEAR.keyed + TAG)) return 'torn';
  return {
    kind,
    sid: content.subarray(SID_AT, SEQ_AT),
    seq: content.readUInt32LE(SEQ_AT),
    page: hasSlot(kind) ? content.readUInt32LE(PAGE_AT) : 0,
    slot: hasSlot(kind) ? (content[SLOT_AT] ?? 0) : 0,
    bytes: content,
    start: at,
    end,
  };
}

const isKind = (kind: number): kind is FrameKind => kind >= 1 && kind <= 5;

/** Returns what a frame's ciphertext says. Throws when the key is another one or the frame was changed. */
export function decryptFrame(frame: Frame, keys: SlotKey): Buffer {
  const { bytes } = frame;
  const clearEnd = hasSlot(frame.kind) ? CLEAR.keyed : CLEAR.plain;
  const tagAt = bytes.length - TAG;
  const cipher = createDecipheriv('aes-256-gcm', keys.key, frameNonce(keys.baseNonce, frame.seq), {
    authTagLength: TAG,
  });
  cipher.setAAD(bytes.subarray(0, clearEnd));
  cipher.setAuthTag(bytes.subarray(tagAt));
  const plaintext = cipher.update(bytes.subarray(clearEnd, tagAt));
  cipher.final();
  return ((bytes[0] ?? 0) & COMPRESSED) === 0 ? plaintext : unpacked(plaintext);
}

/** Returns what was compressed. Throws when it is nothing of the kind, or longer than a plaintext is. */
export const unpacked = (content: Uint8Array): Buffer =>
  zstdDecompressSync(content, { maxOutputLength: MAX_PLAINTEXT });

/** Returns the sealed key page that a frame of kind `page` carries. */
export const sealedPage = (frame: Frame): Buffer => frame.bytes.subarray(CLEAR.plain);
