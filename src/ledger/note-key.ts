/** Keys of signed notes: C2SP signed-note, in the text forms of golang.org/x/mod/sumdb/note. */

import { ED25519_KEY_BYTES, ed25519Seed, ed25519Signer, ed25519Verifier, sha256 } from './crypto.ts';
import { Malformed } from './malformed.ts';
import { decodeBase64, encodeUtf8 } from './text.ts';

/** Verifies signatures of one key. */
export interface NoteVerifier {
  readonly name: string;
  /** First four bytes of a hash over name and key, as a number: finds the key, proves nothing. */
  readonly keyId: number;
  /** The key as text, `name+id+base64`: what is handed to those who verify. */
  readonly vkey: string;
  readonly verify: (text: string, signature: Uint8Array) => boolean;
}

/** Signs with one key. */
export interface NoteSigner {
  readonly verifier: NoteVerifier;
  /** Returns the signature over `text`. */
  readonly sign: (text: string) => Uint8Array;
}

// C2SP signed-note "Signature types": 0x01 is Ed25519.
const ED25519 = 0x01;

/** Returns true for a name that a key may have: not empty, no Unicode space, no `+`. */
export const isKeyName = (name: string): boolean =>
  // U+0085 is a space to Unicode, though not to ECMAScript.
  name !== '' && name.isWellFormed() && !/[\s\u0085+]/u.test(name);

const typed = (key: Uint8Array): Uint8Array => Uint8Array.of(ED25519, ...key);

// key ID = SHA-256(key name || 0x0A || signature type || public key)[:4]
const keyIdOf = (name: string, publicKey: Uint8Array): number => {
  const hash = sha256(Uint8Array.of(...encodeUtf8(name), 0x0a, ...typed(publicKey)));
  return new DataView(hash.buffer, hash.byteOffset).getUint32(0);
};

const keyText = (name: string, keyId: number, key: Uint8Array): string =>
  `${name}+${keyId.toString(16).padStart(8, '0')}+${typed(key).toBase64()}`;

const verifierOf = (name: string, publicKey: Uint8Array): NoteVerifier => {
  const check = ed25519Verifier(publicKey);
  const keyId = keyIdOf(name, publicKey);
  return {
    name,
    keyId,
    vkey: keyText(name, keyId, publicKey),
    verify: (text, signature) => check(encodeUtf8(text), signature),
  };
};

/** Returns name and key bytes of `name+id+base64`, without a look at the id. The base64 may hold a plus of its own. */
const readKeyText = (text: string, what: string): { name: string; key: Uint8Array } => {
  const [, name = '', encoded = ''] = /^([^+]*)\+[0-9a-f]{8}\+(.*)$/su.exec(text) ?? [];
  if (!isKeyName(name)) throw new Malformed(`${what} is not a name, an id and base64 with a plus between them`);
  const bytes = decodeBase64(encoded);
  if (bytes[0] !== ED25519) throw new Malformed(`${what} is not an Ed25519 key`);
  if (bytes.length !== 1 + ED25519_KEY_BYTES) throw new Malformed(`${what} has ${bytes.length - 1} bytes, not 32`);
  return { name, key: bytes.subarray(1) };
};

/** Returns the verifier of a key `name+id+base64`. Throws Malformed. */
export const parseVerifier = (vkey: string): NoteVerifier => {
  const { name, key } = readKeyText(vkey, 'a verifier key');
  const verifier = verifierOf(name, key);
  // The text must be the one spelling of this key, its id included.
  if (verifier.vkey !== vkey) throw new Malformed(`a verifier key whose id is not that of its key`);
  return verifier;
};

const SIGNER_HEAD = 'PRIVATE+KEY+';

/** Returns the signer of a private key `PRIVATE+KEY+name+id+base64`. Throws Malformed, without the key in the message. */
export const parseSigner = (skey: string): NoteSigner => {
  if (!skey.startsWith(SIGNER_HEAD)) throw new Malformed(`a signer key does not begin with ${SIGNER_HEAD}`);
  const { name, key } = readKeyText(skey.slice(SIGNER_HEAD.length), 'a signer key');
  const { publicKey, sign } = ed25519Signer(key);
  const verifier = verifierOf(name, publicKey);
  if (`${SIGNER_HEAD}${keyText(name, verifier.keyId, key)}` !== skey) {
    throw new Malformed('a signer key whose id is not that of its key');
  }
  return { verifier, sign: (text) => sign(encodeUtf8(text)) };
};

/** Returns a new private key as text for `parseSigner`: a secret. Throws Malformed for a name that keys cannot have. */
export const generateSigner = (name: string): string => {
  if (!isKeyName(name)) throw new Malformed('a key name is not empty and has no space and no +');
  const seed = ed25519Seed();
  return SIGNER_HEAD + keyText(name, keyIdOf(name, ed25519Signer(seed).publicKey), seed);
};
