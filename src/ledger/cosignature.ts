/** Cosignatures of witnesses: C2SP tlog-cosignature, `cosignature/v1`. */

import { ED25519_KEY_BYTES, ed25519Verifier, sha256 } from './crypto.ts';
import { Malformed } from './malformed.ts';
import { isKeyName } from './note-key.ts';
import { parseNote } from './note.ts';
import { decodeBase64, encodeUtf8 } from './text.ts';

/** Verifies the cosignatures of one witness. */
export interface Witness {
  readonly name: string;
  readonly keyId: number;
  /** Returns when it signed `text`, in seconds since the epoch; null when the signature is not good. */
  readonly verify: (text: string, signature: Uint8Array) => number | null;
}

/** One cosignature that is good. */
export interface Cosignature {
  readonly name: string;
  /** When the witness saw the checkpoint, in ms since the epoch. */
  readonly at: number;
}

// C2SP tlog-cosignature "Format": key type 0x04, a timestamp of eight bytes before the signature.
const TYPE = 0x04;
const TIME_BYTES = 8;

/** Returns what a witness signs: a checkpoint, behind the time at which it saw it. */
export const cosignedText = (text: string, seconds: number): string => `cosignature/v1\ntime ${seconds}\n${text}`;

/** Returns the id of a witness's key. */
export const witnessKeyId = (name: string, publicKey: Uint8Array): number => {
  const hash = sha256(Uint8Array.of(...encodeUtf8(name), 0x0a, TYPE, ...publicKey));
  return new DataView(hash.buffer, hash.byteOffset).getUint32(0);
};

/** Returns the key of a witness as text, `name+id+base64`. */
export const witnessKeyText = (name: string, publicKey: Uint8Array): string =>
  `${name}+${witnessKeyId(name, publicKey).toString(16).padStart(8, '0')}+${Uint8Array.of(TYPE, ...publicKey).toBase64()}`;

/** Returns the witness of a key `name+id+base64`. Throws Malformed. */
export const parseWitness = (text: string): Witness => {
  const [, name = '', encoded = ''] = /^([^+]*)\+[0-9a-f]{8}\+(.*)$/su.exec(text) ?? [];
  if (!isKeyName(name)) throw new Malformed('a witness key is not a name, an id and base64 with a plus between them');
  const bytes = decodeBase64(encoded);
  const publicKey = bytes.subarray(1);
  if (bytes[0] !== TYPE || publicKey.length !== ED25519_KEY_BYTES) {
    throw new Malformed('a witness key is not one for cosignature/v1 (type 0x04)');
  }
  if (witnessKeyText(name, publicKey) !== text) throw new Malformed('a witness key whose id is not that of its key');
  const verify = ed25519Verifier(publicKey);
  return {
    name,
    keyId: witnessKeyId(name, publicKey),
    verify(checkpoint, signature) {
      if (signature.length <= TIME_BYTES) return null;
      const seconds = Number(new DataView(signature.buffer, signature.byteOffset).getBigUint64(0));
      if (!Number.isSafeInteger(seconds * 1000)) return null;
      const isGood = verify(encodeUtf8(cosignedText(checkpoint, seconds)), signature.subarray(TIME_BYTES));
      return isGood ? seconds : null;
    },
  };
};

/** Returns the good cosignatures of `witnesses` on a note. Throws Malformed for a bad one, or a note that is none. */
export const cosignaturesOf = (note: Uint8Array, witnesses: readonly Witness[]): readonly Cosignature[] => {
  const { text, signatures } = parseNote(note);
  return signatures.flatMap(({ name, keyId, signature }) => {
    const witness = witnesses.find((each) => each.name === name && each.keyId === keyId);
    if (witness === undefined) return [];
    const seconds = witness.verify(text, signature);
    if (seconds === null) throw new Malformed(`the cosignature of ${name} does not verify`);
    return [{ name, at: seconds * 1000 }];
  });
};
