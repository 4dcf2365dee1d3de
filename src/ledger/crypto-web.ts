/**
 * What crypto.ts is where there is no node:crypto. The `browser` member of package.json puts it in that one's place;
 * a page without a bundler does the same with an import map.
 */

import { verifyEd25519 } from './ed25519.ts';

export { sha256 } from './sha2.ts';

/** Bytes of an Ed25519 public key. */
export const ED25519_KEY_BYTES = 32;

/** Returns a function that tells whether a signature by this public key (32 bytes) over a message is good. */
export const ed25519Verifier =
  (publicKey: Uint8Array): ((message: Uint8Array, signature: Uint8Array) => boolean) =>
  (message, signature) =>
    verifyEd25519(publicKey, message, signature);

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
