/**
 * Cobblestone-256: C2SP chunked encryption (https://c2sp.org/chunked-encryption) with SHA-512 and AES-256-GCM.
 * It commits to its key: a ciphertext opens under one key and context only.
 */

import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const LABEL = Buffer.from('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0', 'ascii');
const CHUNK = 16 * 1024;
const TAG = 16;
const KEY = 32;
const NONCE = 12;
const COMMITMENT = 32;
const SALT = 24;

/** How many bytes stand in front of the chunks: salt and commitment. */
const PREFIX = SALT + COMMITMENT;

/** How many bytes longer sealed bytes are than what is in them, up to one chunk (16 KiB, not included). */
export const SEAL_OVERHEAD = PREFIX + TAG;

interface Derived {
  readonly key: Buffer;
  readonly baseNonce: Buffer;
  readonly commitment: Buffer;
}

/** Returns HKDF-Expand-SHA-512 (RFC 5869 §2.3) of `length` bytes. */
function expand(prk: Uint8Array, info: Buffer, length: number): Buffer {
  let output = Buffer.alloc(0);
  let block: Buffer = output;
  for (let counter = 1; output.length < length; counter++) {
    block = createHmac('sha512', prk).update(block).update(info).update(Buffer.of(counter)).digest();
    output = Buffer.concat([output, block]);
  }
  return output.subarray(0, length);
}

function derive(key: Uint8Array, salt: Buffer, context: Uint8Array): Derived {
  if (key.length !== KEY) throw new Error(`expected a key of ${KEY} bytes, found ${key.length}`);
  const output = expand(key, Buffer.concat([LABEL, salt, context]), KEY + NONCE + COMMITMENT);
  return {
    key: output.subarray(0, KEY),
    baseNonce: output.subarray(KEY, KEY + NONCE),
    commitment: output.subarray(KEY + NONCE),
  };
}

/** Returns the base nonce XOR the chunk number; 2^32 chunks (64 TiB) are more than fit in memory. */
function chunkNonce({ baseNonce }: Derived, chunk: number): Buffer {
  const nonce = Buffer.from(baseNonce);
  nonce.writeUInt32BE((nonce.readUInt32BE(NONCE - 4) ^ chunk) >>> 0, NONCE - 4);
  return nonce;
}

/** Returns salt ‖ commitment ‖ chunks. `key` is 32 uniformly random bytes; `salt` is random unless a test gives one. */
export function seal(
  key: Uint8Array,
  context: Uint8Array,
  plaintext: Uint8Array,
  salt: Buffer = randomBytes(SALT),
): Buffer {
  const derived = derive(key, salt, context);
  const parts = [salt, derived.commitment];
  // the last chunk is always shorter than a full one, possibly empty
  for (let chunk = 0; chunk <= Math.floor(plaintext.length / CHUNK); chunk++) {
    const cipher = createCipheriv('aes-256-gcm', derived.key, chunkNonce(derived, chunk));
    parts.push(cipher.update(plaintext.subarray(chunk * CHUNK, (chunk + 1) * CHUNK)), cipher.final());
    parts.push(cipher.getAuthTag());
  }
  return Buffer.concat(parts);
}

/** Returns the plaintext. Throws when the key or the context is another one, or any byte was changed or cut off. */
export function open(key: Uint8Array, context: Uint8Array, sealed: Buffer): Buffer {
  if (sealed.length < PREFIX + TAG) throw new Error('the sealed bytes are cut off');
  const derived = derive(key, sealed.subarray(0, SALT), context);
  if (!timingSafeEqual(derived.commitment, sealed.subarray(SALT, PREFIX))) {
    throw new Error('sealed under another key or for another context');
  }
  const chunks = sealed.subarray(PREFIX);
  const full = Math.floor(chunks.length / (CHUNK + TAG));
  const parts: Buffer[] = [];
  for (let chunk = 0; chunk <= full; chunk++) {
    const bytes = chunks.subarray(chunk * (CHUNK + TAG), (chunk + 1) * (CHUNK + TAG));
    // only a chunk that is shorter than a full one may be the last
    if (bytes.length < TAG) throw new Error('the sealed bytes are cut off');
    parts.push(openChunk(derived, chunk, bytes));
  }
  return Buffer.concat(parts);
}

function openChunk(derived: Derived, chunk: number, bytes: Buffer): Buffer {
  const cipher = createDecipheriv('aes-256-gcm', derived.key, chunkNonce(derived, chunk), { authTagLength: TAG });
  cipher.setAuthTag(bytes.subarray(bytes.length - TAG));
  return Buffer.concat([cipher.update(bytes.subarray(0, bytes.length - TAG)), cipher.final()]);
}
