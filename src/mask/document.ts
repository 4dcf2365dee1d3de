/** Masks a whole JSON document: every string of it, and every member name, that is not known to be data. */

import type { Finding, JsonStep } from '../call.ts';
import { rewriteBase64, rewritingBase64 } from '../protocol/bytes-text.ts';
import type { Codec, Operation } from '../protocol/codec.ts';
import { parseJson } from '../protocol/json/json.ts';
import { editingJson, editJson, type JsonEdit } from '../protocol/json/json-edit.ts';
import { isPlainWord } from '../protocol/strings.ts';
import type { Reason } from '../reasons.ts';
import type { Steps } from '../turns.ts';
import { maskingJsonText, maskJsonText } from './json-text.ts';
import { tensorAt } from './place.ts';
import { type Sealer, sealSigned } from './signed.ts';
import type { TextMasker } from './text-masker.ts';

/** What masks the strings of documents of one call. */
export interface DocumentMask {
  readonly codec: Codec;
  readonly operation: Operation;
  readonly masker: TextMasker;
  readonly found: (finding: Finding) => void;
  /** Keeps the originals of signed texts; without it their signatures are dropped when they are masked. */
  readonly sealer?: Sealer;
  /** Returns the role of the message that a place belongs to; null where it is not known. Missing in answers. */
  readonly roleAt?: (path: readonly JsonStep[]) => string | null;
  /** Returns true for a string that stays as it is. */
  readonly spare?: (path: readonly JsonStep[]) => boolean;
}

/** What a model says, it says as the assistant. */
const ANSWER_ROLE = 'assistant';

/** Returns the masker for texts at a place of a document. */
export const maskerAt = (
  { masker, roleAt }: Pick<DocumentMask, 'masker' | 'roleAt'>,
  path: readonly JsonStep[],
  document: unknown,
): TextMasker => {
  if (masker.at === undefined) return masker;
  const role = roleAt === undefined ? ANSWER_ROLE : roleAt(path);
  return masker.at({ path, role, tensor: tensorAt(path, document) });
};

/** Returns what stands for one string of a document. */
export const maskString = (mask: DocumentMask, path: readonly JsonStep[], text: string, document: unknown): string => {
  const { codec, operation, found } = mask;
  const kind = codec.kind(operation, path, text, document);
  if (kind === 'data') return text;
  const masker = maskerAt(mask, path, document);
  if (kind === 'base64') return rewriteBase64(text, (inner) => maskJsonText(inner, masker, found));
  return kind === 'json' ? maskJsonText(text, masker, found) : masker.whole(text, found);
};

/** Returns what `maskString` does, in steps, for a string that is long. */
export function* maskingString(
  mask: DocumentMask,
  path: readonly JsonStep[],
  text: string,
  document: unknown,
): Steps<string> {
  const { codec, operation, found } = mask;
  const kind = codec.kind(operation, path, text, document);
  if (kind === 'data') return text;
  const masker = maskerAt(mask, path, document);
  if (kind === 'base64') return yield* rewritingBase64(text, (inner) => maskingJsonText(inner, masker, found));
  return yield* kind === 'json' ? maskingJsonText(text, masker, found) : masker.steps(text, found);
}

/** A text that was masked, and the place of what vouched for it. */
interface Unsigned {
  readonly place: readonly JsonStep[];
  readonly text: string;
  readonly masked: string;
}

/** Puts in, for what vouches for texts that are no longer what they were, the originals under seal; '' where there is no seal. */
const resign = (json: string, unsigned: readonly Unsigned[], sealer: Sealer | undefined): string => {
  const byPlace = new Map(unsigned.map((each) => [JSON.stringify(each.place), each]));
  return editJson(json, {
    string(path, signature) {
      const found = byPlace.get(JSON.stringify(path));
      if (found === undefined) return signature;
      return sealer === undefined || signature === ''
        ? ''
        : sealSigned(sealer, { text: found.text, signature }, found.masked);
    },
  });
};

/**
 * Returns, in steps, the masked text of a document, the very same text when nothing was masked. In an answer, what repeats
 * text out of a mask's reach is withheld. Throws Failure `collision` when two masked member names come out alike.
 */
export function* maskingDocument(
  mask: DocumentMask,
  text: string,
  document: unknown,
  collision: Reason,
  withheld: (path: readonly JsonStep[]) => boolean,
): Steps<string> {
  const { codec, operation, found } = mask;
  const unsigned: Unsigned[] = [];
  let renamed = false;
  const noted = (path: readonly JsonStep[], value: string, masked: string): string => {
    const signature = masked === value ? null : (codec.signature?.(operation, path) ?? null);
    if (signature !== null) unsigned.push({ place: signature, text: value, masked });
    return masked;
  };
  const edit: JsonEdit = {
    string(path, value) {
      if (mask.spare?.(path) === true) return value;
      return noted(path, value, maskString(mask, path, value, document));
    },
    *long(path, value) {
      if (mask.spare?.(path) === true) return value;
      return noted(path, value, yield* maskingString(mask, path, value, document));
    },
    name(path, name) {
      if (isPlainWord(name)) return name;
      const masked = maskerAt(mask, [...path, name], document).whole(name, found);
      if (masked !== name) renamed = true;
      return masked;
    },
    withhold: withheld,
  };
  const masked = yield* editingJson(text, edit);
  const result = unsigned.length === 0 ? masked : resign(masked, unsigned, mask.sealer);
  if (renamed) parseJson(result, collision, { loneSurrogates: 'keep' });
  return result;
}
