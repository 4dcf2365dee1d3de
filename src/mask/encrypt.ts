/**
 * The operator `encrypt`: a value that whoever holds the key can read again.
 *
 * `<EMAIL:sp1.…>` holds, in base64url, a nonce of 12 bytes, the ciphertext of the value in UTF-8 and a tag of 16 bytes:
 * AES-256-GCM (NIST SP 800-38D) with `sallyport mask encrypt v1`, NUL and the entity's name as additional data. The nonce is
 * the head of an HMAC-SHA-256 over that data, NUL and the value, under a key of its own (a synthetic IV, as RFC 5297 has
 * one): no nonce ever serves two values, and the same value is the same text, whole or streamed, in every call.
 */

import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';

/** What both directions work with. */
export interface EncryptionKeys {
  readonly seal: Uint8Array;
  readonly nonce: Uint8Array;
}

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 'sp1.';
const ALGORITHM = 'aes-256-gcm';

/** Returns the keys that a secret stands for. Throws an Error when it is not 32 bytes in base64; it is not repeated. */
export const encryptionKeys = (secret: string): EncryptionKeys => {
  const text = secret.trim();
  const key = Buffer.from(text, 'base64');
  if (!/^[A-Za-z0-9+/]{43}=$/.test(text) || key.length !== KEY_BYTES)
    throw new Error('expected a key of 32 bytes in base64, as `openssl rand -base64 32` makes one');
  const derive = (use: string): Buffer => createHmac('sha256', key).update(`sallyport mask ${use} v1`).digest();
  return { seal: derive('encrypt'), nonce: derive('encrypt nonce') };
};

const dataOf = (name: string): Buffer => Buffer.from(`sallyport mask encrypt v1\0${name}`);

/** Returns what stands for a value of the entity that masks call `name`. */
export const encryptValue = ({ seal, nonce: nonceKey }: EncryptionKeys, name: string, value: string): string => {
  const text = Buffer.from(value);
  const data = dataOf(name);
  const nonce = createHmac('sha256', nonceKey).update(data).update('\0').update(text).digest().subarray(0, NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, seal, nonce, { authTagLength: TAG_BYTES }).setAAD(data);
  const bytes = Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
  return `<${name}:${VERSION}${bytes.toString('base64url')}>`;
};

const decryptOne = ({ seal }: EncryptionKeys, name: string, encoded: string): string | null => {
  const bytes = Buffer.from(encoded, 'base64url');
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return null;
  const end = bytes.length - TAG_BYTES;
  const decipher = createDecipheriv(ALGORITHM, seal, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(dataOf(name)).setAuthTag(bytes.subarray(end));
  try {
    return decipher.update(bytes.subarray(NONCE_BYTES, end)).toString() + decipher.final().toString();
  } catch {
    return null;
  }
};

const ENCRYPTED = /<([A-Z][A-Z0-9_]*):sp1\.([A-Za-z0-9_-]+)>/g;

/** A text with its values put back. */
export interface Decrypted {
  readonly text: string;
  readonly opened: number;
  /** How many are of another key, or were changed; they stay as they are. */
  readonly closed: number;
}

/** Returns the text with every value put back that these keys open. */
export const decryptValues = (keys: EncryptionKeys, text: string): Decrypted => {
  let opened = 0;
  let closed = 0;
  const result = text.replaceAll(ENCRYPTED, (whole, name: string, encoded: string) => {
    const value = decryptOne(keys, name, encoded);
    if (value === null) closed += 1;
    else opened += 1;
    return value ?? whole;
  });
  return { text: result, opened, closed };
};
