/**
 * What crypto.ts is where there is no node:crypto. The `browser` member of package.json puts it in that one's place;
 * a page without a bundler does the same with an import map.
 */

import { ed25519 } from '@noble/curves/ed25519.js';

export { sha256 } from '@noble/hashes/sha2.js';

/** Bytes of an Ed25519 public key. */
export const ED25519_KEY_BYTES = 32;

/** Returns a function that tells whether a signature by this public key (32 bytes) over a message is good. */
export const ed25519Verifier =
  (publicKey: Uint8Array): ((message: Uint8Array, signature: Uint8Array) => boolean) =>
  (message, signature) => {
    try {
      // RFC 8032 §5.1.7 with one spelling of every point, as OpenSSL has it, and not the wider ZIP 215
      return ed25519.verify(signature, message, publicKey, { zip215: false });
    } catch {
      return false;
    }
  };

const refuse = (): never => {
  throw new Error('nothing is signed in a browser');
};

/** Keys are not made in a browser: throws. */
export const ed25519Seed: () => Uint8Array = refuse;

/** Nothing is signed in a browser: throws. */
export const ed25519Signer: (seed: Uint8Array) => {
  readonly publicKey: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;
} = refuse;
