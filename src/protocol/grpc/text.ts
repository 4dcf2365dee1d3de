/** Texts inside protobuf messages: which values are text, and how an edited one is put back. */

import { isUtf8 } from 'node:buffer';
import type { Leaf } from './protobuf-edit.ts';
import { WireError } from './protobuf.ts';

/** A value read as text. */
export interface LeafText {
  readonly text: string;
  /** Returns the bytes of another text in its place. Throws WireError where no text can be replaced. */
  encode(text: string): Buffer;
}

/** Characters that no text has, but messages inside bytes do: their lengths would be wrong after an edit. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const BINARY = /[\0-\x08\x0e-\x1f]/;

/** This much of Latin-1 bytes is printable ASCII in prose of any Western language, and far more than in compressed data. */
const MOSTLY = 0.7;

/**
 * Returns the text of a value; null for data. `string` values must be UTF-8 (proto3), and a `bytes` value that is UTF-8
 * is text. Other bytes count as Latin-1 text when most of them are printable: one stray byte must not hide a text. Text
 * with control characters is looked at, and cannot be edited.
 */
export function textOf({ kind, bytes }: Leaf): LeafText | null {
  if (bytes.length === 0) return null;
  if (!isUtf8(bytes)) {
    if (kind === 'string') throw new WireError('a string in UTF-8');
    return isMostlyPrintable(bytes) ? { text: bytes.toString('latin1'), encode: latin1 } : null;
  }
  const text = bytes.toString();
  const editable = kind === 'string' || (kind === 'bytes' && !BINARY.test(text));
  return { text, encode: editable ? utf8 : refuse };
}

const utf8 = (text: string): Buffer => Buffer.from(text);

const latin1 = (text: string): Buffer => {
  // a replacement of ours is ASCII; anything else would not come back as it is meant
  for (let at = 0; at < text.length; at++)
    if (text.charCodeAt(at) > 0xff) throw new WireError('a replacement in Latin-1');
  return Buffer.from(text, 'latin1');
};

const refuse = (): never => {
  throw new WireError('nothing to mask in bytes of unknown meaning');
};

/** Looks at the first 4 KiB. */
function isMostlyPrintable(bytes: Buffer): boolean {
  const { length } = bytes.subarray(0, 4096);
  let printable = 0;
  for (let at = 0; at < length; at++) {
    const byte = bytes[at] ?? 0;
    if ((byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09) printable++;
  }
  return printable >= length * MOSTLY;
}

/** Returns what stands for a value; null when it stays. */
export function editLeaf(leaf: Leaf, edit: (text: string) => string): Buffer | null {
  const found = textOf(leaf);
  if (found === null) return null;
  const edited = edit(found.text);
  return edited === found.text ? null : found.encode(edited);
}
