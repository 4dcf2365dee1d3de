/** Signed notes: C2SP signed-note. */

import { Malformed } from './malformed.ts';
import { isKeyName, type NoteSigner, type NoteVerifier } from './note-key.ts';
import { decodeBase64, decodeUtf8 } from './text.ts';

/** The largest note that is read, in bytes: sixteen post-quantum signatures fit. */
export const MAX_NOTE_BYTES = 128 * 1024;
/** The most signatures on one note. C2SP signed-note: at least 16 must be accepted. */
const MAX_SIGNATURES = 16;

const LINE_HEAD = '— ';
const KEY_ID_BYTES = 4;

/** One signature line. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: number;
  readonly signature: Uint8Array;
}

/** A note as it was read. Nothing of it may be believed before `openNote` has verified it. */
export interface Note {
  /** What is signed; ends with a newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

const readSignature = (line: string): NoteSignature => {
  const [name = '', encoded = '', ...more] = line.slice(LINE_HEAD.length).split(' ');
  if (!line.startsWith(LINE_HEAD) || !isKeyName(name) || more.length > 0) {
    throw new Malformed('a signature line is not a dash, a name and a signature');
  }
  const bytes = decodeBase64(encoded);
  if (bytes.length <= KEY_ID_BYTES) throw new Malformed('a signature line without a signature');
  const keyId = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return { name, keyId, signature: bytes.subarray(KEY_ID_BYTES) };
};

/** Returns a note as it stands, not verified. Throws Malformed. */
export const parseNote = (bytes: Uint8Array): Note => {
  if (bytes.length > MAX_NOTE_BYTES) throw new Malformed(`a note of ${bytes.length} bytes`);
  const note = decodeUtf8(bytes);
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note)) throw new Malformed('a note with a control character');
  const split = note.lastIndexOf('\n\n');
  if (split === -1 || !note.endsWith('\n')) throw new Malformed('a note without an empty line before its signatures');
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) throw new Malformed(`a note with ${lines.length} signatures`);
  return { text: note.slice(0, split + 1), signatures: lines.map(readSignature) };
};

/**
 * Returns the text of a note that at least one of `known` has signed. Signatures of other keys are ignored; one bad
 * signature under a known key makes the whole note Malformed.
 */
export const openNote = (bytes: Uint8Array, known: readonly NoteVerifier[]): string => {
  const { text, signatures } = parseNote(bytes);
  let good = 0;
  for (const { name, keyId, signature } of signatures) {
    const verifier = known.find((key) => key.name === name && key.keyId === keyId);
    if (verifier === undefined) continue;
    if (!verifier.verify(text, signature)) throw new Malformed(`the signature of ${name} does not verify`);
    good += 1;
  }
  if (good === 0) throw new Malformed('no signature by a known key');
  return text;
};

/** Returns `text` with a signature of each signer. `text` must end with a newline and be valid as a note. */
export const signNote = (text: string, signers: readonly NoteSigner[]): string => {
  const lines = signers.map(({ verifier, sign }) => {
    const signature = sign(text);
    const bytes = new Uint8Array(KEY_ID_BYTES + signature.length);
    new DataView(bytes.buffer).setUint32(0, verifier.keyId);
    bytes.set(signature, KEY_ID_BYTES);
    return `${LINE_HEAD}${verifier.name} ${bytes.toBase64()}\n`;
  });
  return `${text}\n${lines.join('')}`;
};
