/** Masks a whole JSON document: every string of it, and every member name, that is not known to be data. */

import type { Finding, JsonStep } from '../call.ts';
import { rewriteBase64 } from '../protocol/bytes-text.ts';
import type { Codec, Operation } from '../protocol/codec.ts';
import { parseJson } from '../protocol/json/json.ts';
import { editJson, type JsonEdit } from '../protocol/json/json-edit.ts';
import { isPlainWord } from '../protocol/strings.ts';
import type { Reason } from '../reasons.ts';
import { maskJsonText } from './json-text.ts';
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

const isSame = (a: readonly JsonStep[], b: readonly JsonStep[]): boolean =>
  a.length === b.length && a.every((step, i) => step === b[i]);

/** A text that was masked, and the place of what vouched for it. */
interface Unsigned {
  readonly place: readonly JsonStep[];
  readonly text: string;
  readonly masked: string;
}

/** Puts in, for what vouches for texts that are no longer what they were, the originals under seal; '' where there is no seal. */
const resign = (json: string, unsigned: readonly Unsigned[], sealer: Sealer | undefined): string =>
  editJson(json, {
    string(path, signature) {
      const found = unsigned.find(({ place }) => isSame(place, path));
      if (found === undefined) return signature;
      return sealer === undefined || signature === ''
        ? ''
        : sealSigned(sealer, { text: found.text, signature }, found.masked);
    },
  });

/**
 * Returns the masked text of a document, the very same text when nothing was masked. In an answer, what repeats text
 * out of a mask's reach is withheld. Throws Failure `collision` when two masked member names come out alike.
 */
export const maskDocument = (
  mask: DocumentMask,
  text: string,
  document: unknown,
  collision: Reason,
  withheld: (path: readonly JsonStep[]) => boolean,
): string => {
  const { codec, operation, found } = mask;
  const unsigned: Unsigned[] = [];
  let renamed = false;
  const edit: JsonEdit = {
    string(path, value) {
      if (mask.spare?.(path) === true) return value;
      const masked = maskString(mask, path, value, document);
      const signature = masked === value ? null : codec.signature(operation, path);
      if (signature !== null) unsigned.push({ place: signature, text: value, masked });
      return masked;
    },
    name(path, name) {
      if (isPlainWord(name)) return name;
      const masked = maskerAt(mask, [...path, name], document).whole(name, found);
      if (masked !== name) renamed = true;
      return masked;
    },
    withhold: withheld,
  };
  const masked = editJson(text, edit);
  const result = unsigned.length === 0 ? masked : resign(masked, unsigned, mask.sealer);
  if (renamed) parseJson(result, collision, { loneSurrogates: 'keep' });
  return result;
};
