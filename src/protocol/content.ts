/** A request body, read once: what its operations ask, where its texts stand, and how a masked one is put together. */

import type { JsonStep, RequestReading } from '../call.ts';
import { Failure } from '../reasons.ts';
import type { Operation, ReplyTo } from './codec.ts';
import type { JsonDocument } from './json/json.ts';

/** What is asked by a request that says nothing, or that nobody could read. */
export const NOTHING_ASKED: RequestReading = {
  model: '',
  stream: false,
  maxTokens: null,
  n: 1,
  temperature: null,
  texts: [],
  tools: [],
  tensors: [],
  images: 0,
  audios: 0,
  files: 0,
  tokenIds: 0,
};

/** The most operations that one body may hold: each is decided on its own, on the thread of the calls. */
export const MAX_OPERATIONS = 10_000;

/** A body before it is read, with what its head says of it. */
export interface RawBody {
  readonly bytes: Buffer;
  /** Empty when the request has none. */
  readonly contentType: string;
  /** The field lines of the request: name, value, name, value. */
  readonly rawHeaders: readonly string[];
}

/** One operation of a body. */
export interface Asked {
  readonly operation: Operation;
  /** What the paths of its texts lead through. */
  readonly document: unknown;
  readonly reading: RequestReading;
}

/** Where a piece that is no document stands: the path of its text in what was asked, and its tensor, '' for none. */
export interface PieceAt {
  readonly path: readonly JsonStep[];
  readonly tensor: string;
}

/** A stretch of a body in which texts stand; what lies between two pieces is the content's own business. */
export type Piece =
  | { readonly kind: 'json'; readonly document: JsonDocument; readonly operation: Operation }
  | { readonly kind: 'text'; readonly text: string; readonly at?: PieceAt }
  /** Bytes that may be text: see bytes-text.ts. */
  | { readonly kind: 'bytes'; readonly bytes: Buffer; readonly at?: PieceAt };

/** A body after masking. */
export interface Rendering {
  readonly bytes: Buffer;
  /** Field lines that must say something else for these bytes: name, value, name, value. */
  readonly fields: readonly string[];
}

/** What a body holds. */
export interface Content {
  readonly bytes: Buffer;
  /** Of a request, at least one and at most MAX_OPERATIONS; of an answer, none. */
  readonly asked: readonly Asked[];
  readonly pieces: readonly Piece[];
  readonly replyTo?: ReplyTo;
  /** Returns the body with these bytes in place of its pieces, one for each. */
  render(pieces: readonly Buffer[]): Rendering;
}

/** Returns the bytes of a piece as they came. */
export const bytesOfPiece = (piece: Piece): Buffer => {
  if (piece.kind === 'json') return piece.document.bytes;
  return piece.kind === 'text' ? Buffer.from(piece.text) : piece.bytes;
};

const NO_FIELDS: readonly string[] = [];

/** Returns the content of a body that is one JSON document, with one operation or several in it. */
export const jsonContent = (operation: Operation, document: JsonDocument, asked: readonly Asked[]): Content => ({
  bytes: document.bytes,
  asked,
  pieces: [{ kind: 'json', document, operation }],
  render: ([bytes]) => ({ bytes: bytes ?? document.bytes, fields: NO_FIELDS }),
});

const unreadable = (detail: string): Failure =>
  new Failure('body-unreadable', detail.toLowerCase(), { detail: `${detail}.` });

/** Returns the content. Throws Failure `body-unreadable` when it holds no operation, or more than MAX_OPERATIONS. */
export const checkOperations = (content: Content): Content => {
  if (content.asked.length === 0) throw unreadable('Expected at least one operation');
  if (content.asked.length > MAX_OPERATIONS) throw unreadable(`Expected at most ${MAX_OPERATIONS} operations`);
  return content;
};
