/**
 * Text that its model server has signed (Anthropic's thinking), and that a mask has changed. The server wants it back as it
 * wrote it: the next turn of a tool loop fails otherwise. So the masked text leaves with a sealed original in the place of
 * the signature, and a request that brings both back is opened again on its way to the server (docs/adr/0020).
 */

import { createHash } from 'node:crypto';
import type { JsonStep } from '../call.ts';
import type { Codec, Operation } from '../protocol/codec.ts';
import type { Content } from '../protocol/content.ts';
import { type JsonDocument, parseJson } from '../protocol/json/json.ts';
import { editJson } from '../protocol/json/json-edit.ts';
import { itemsOf, valueAt } from '../protocol/value.ts';
import { Failure } from '../reasons.ts';

/** Encrypts for one caller and one service: nothing opens for another, and nothing that was changed. */
export interface Sealer {
  seal(bytes: Uint8Array): Buffer;
  /** Throws when it cannot be opened. */
  open(sealed: Buffer): Buffer;
}

/** What a model server said and signed. */
export interface Signed {
  readonly text: string;
  readonly signature: string;
}

/** How a sealed original begins; in the alphabet of signatures, and no signature of a model server begins like it. */
export const SEALED = 'sallyport.v1.';

const digestOf = (text: string): string => createHash('sha256').update(text, 'utf16le').digest('base64');

/** Returns what stands for the signature of a text that was masked. */
export const sealSigned = (sealer: Sealer, { text, signature }: Signed, masked: string): string =>
  SEALED + sealer.seal(Buffer.from(JSON.stringify([text, signature, digestOf(masked)]))).toString('base64');

const unopened = (found: string): Failure =>
  new Failure('body-unreadable', `expected signed text as this gateway masked it, found ${found}`, {
    detail: `The text of a sealed signature is not what was sent to this caller by this service (${found}): leave that block out, or begin the turn again.`,
  });

const openSigned = (sealer: Sealer, sealed: string, masked: string): Signed => {
  let opened: readonly unknown[];
  try {
    const bytes = sealer.open(Buffer.from(sealed.slice(SEALED.length), 'base64'));
    opened = itemsOf(parseJson(bytes.toString(), 'body-unreadable', { loneSurrogates: 'keep' }));
  } catch {
    throw unopened('another caller, service or key, or changed bytes');
  }
  const [text, signature, digest] = opened;
  if (typeof text !== 'string' || typeof signature !== 'string') throw unopened('something else under the seal');
  if (digest !== digestOf(masked)) throw unopened('another text beside it');
  return { text, signature };
};

/** What stands at which places of a document once its sealed originals are opened. */
export type Opened = ReadonlyMap<string, string>;

/** A document without sealed originals. */
export const NOTHING_SEALED: Opened = new Map();

const keyOf = (path: readonly JsonStep[]): string => JSON.stringify(path);

/** Returns the sealed originals of a request's document. Throws Failure `body-unreadable` for one that cannot be opened. */
export const openedIn = (document: JsonDocument, codec: Codec, operation: Operation, sealer: Sealer): Opened => {
  if (codec.signature === undefined || !document.text.includes(SEALED)) return NOTHING_SEALED;
  const opened = new Map<string, string>();
  editJson(document.text, {
    string(path, masked) {
      const place = codec.signature?.(operation, path) ?? null;
      const sealed = place === null ? null : valueAt(document.value, place);
      if (place === null || typeof sealed !== 'string' || !sealed.startsWith(SEALED)) return masked;
      const { text, signature } = openSigned(sealer, sealed, masked);
      opened.set(keyOf(path), text).set(keyOf(place), signature);
      return masked;
    },
  });
  return opened;
};

/** Returns true when a sealed original was opened at this place. */
export const isOpened = (opened: Opened, path: readonly JsonStep[]): boolean =>
  opened.size > 0 && opened.has(keyOf(path));

/** Throws Failure `body-unreadable` when a sealed original in a request cannot be opened. */
export const checkSigned = (content: Content, codec: Codec, sealer: Sealer): void => {
  for (const piece of content.pieces)
    if (piece.kind === 'json') openedIn(piece.document, codec, piece.operation, sealer);
};

/** Returns the text of a request's document as its model server wants it back; the very same text when nothing is sealed. */
export const openSealed = (document: JsonDocument, codec: Codec, operation: Operation, sealer: Sealer): string => {
  const opened = openedIn(document, codec, operation, sealer);
  if (opened.size === 0) return document.text;
  return editJson(document.text, { string: (path, value) => opened.get(keyOf(path)) ?? value });
};
