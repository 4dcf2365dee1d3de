/** Masks what a body holds, piece by piece. */

import type { Finding, JsonStep } from '../call.ts';
import { SLICE } from '../detect/scanner.ts';
import { rewritingBytes } from '../protocol/bytes-text.ts';
import type { Codec, Operation } from '../protocol/codec.ts';
import { bytesOfPiece, type Content, type Piece, type Rendering } from '../protocol/content.ts';
import type { Reason } from '../reasons.ts';
import type { Steps } from '../turns.ts';
import { type DocumentMask, maskingDocument } from './document.ts';
import { maskingJsonText, maskJsonText } from './json-text.ts';
import { ANYWHERE } from './place.ts';
import { isOpened, NOTHING_SEALED, openedIn, type Sealer } from './signed.ts';
import type { TextMasker } from './text-masker.ts';

/** What masks the pieces of one body. */
export interface ContentMask {
  readonly codec: Codec;
  readonly masker: TextMasker;
  readonly found: (finding: Finding) => void;
  /** Why a document does not pass in which two masked member names come out alike. */
  readonly collision: Reason;
  /** Returns true for a value of a document that is not to be shown. */
  readonly withheld: (operation: Operation, path: readonly JsonStep[]) => boolean;
  /** What it opens stays as it is (signed.ts). */
  readonly opener?: Sealer;
}

/**
 * Returns, in steps, the body with every text in it masked, and what its head must say of it; null when nothing was masked.
 * Throws Failure `mask-blocked` when the masker blocks, and Failure `collision` for alike names.
 */
export function* maskingPieces(content: Content, mask: ContentMask): Steps<Rendering | null> {
  let changed = false;
  const roleAt = mask.masker.at === undefined ? undefined : rolesOf(content);
  const pieces: Buffer[] = [];
  let rest = SLICE;
  for (const piece of content.pieces) {
    const masked = yield* maskingPiece(piece, mask, roleAt);
    if (masked !== null) changed = true;
    const bytes = masked ?? bytesOfPiece(piece);
    pieces.push(bytes);
    rest -= bytes.length;
    if (rest > 0) continue;
    rest = SLICE;
    yield;
  }
  return changed ? content.render(pieces) : null;
}

type RoleAt = NonNullable<DocumentMask['roleAt']>;

const keyOf = (path: readonly JsonStep[]): string => JSON.stringify(path);

/** Returns the roles of a request's texts; undefined for an answer, which asks nothing. */
export const rolesOf = ({ asked }: Pick<Content, 'asked'>): RoleAt | undefined => {
  if (asked.length === 0) return undefined;
  const roles = new Map(asked.flatMap(({ reading }) => reading.texts.map(({ path, role }) => [keyOf(path), role])));
  // the paths of several operations lead through documents of their own
  return asked.length === 1 ? (path) => roles.get(keyOf(path)) ?? '' : () => null;
};

/** Returns the piece masked, null when nothing in it was. A text may be JSON, with strings of its own. */
function* maskingPiece(piece: Piece, mask: ContentMask, roleAt: RoleAt | undefined): Steps<Buffer | null> {
  const { codec, found, collision, withheld, opener } = mask;
  if (piece.kind === 'json') {
    const { document, operation } = piece;
    const { text, value } = document;
    const opened = opener === undefined ? NOTHING_SEALED : openedIn(document, codec, operation, opener);
    // no sealer here: nothing is sealed on the way to a model server, nor in an answer of several pieces
    const of: DocumentMask = {
      codec,
      operation,
      masker: mask.masker,
      found,
      spare: (at) => isOpened(opened, at),
      ...(roleAt === undefined ? {} : { roleAt }),
    };
    const masked = yield* maskingDocument(of, text, value, collision, (path) => withheld(operation, path));
    return masked === text ? null : Buffer.from(masked);
  }
  const { at } = piece;
  const role = roleAt === undefined ? 'assistant' : at === undefined ? null : roleAt(at.path);
  const masker = mask.masker.at?.(at === undefined ? { ...ANYWHERE, role } : { ...at, role }) ?? mask.masker;
  if (piece.kind === 'text') {
    const masked = yield* textOf(piece.text, masker, found);
    return masked === piece.text ? null : Buffer.from(masked);
  }
  const masked = yield* rewritingBytes(piece.bytes, (text) => textOf(text, masker, found));
  return masked === piece.bytes ? null : masked;
}

function* textOf(text: string, masker: TextMasker, found: (finding: Finding) => void): Steps<string> {
  return text.length > SLICE ? yield* maskingJsonText(text, masker, found) : maskJsonText(text, masker, found);
}
